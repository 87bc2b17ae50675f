// Reads instances from a file or a pipe: JSON, text or tables, one instance a line, in constant memory. Numbers are exact or
// refused, never rounded. An error names its line and the character.
//
//   blocksOf(stream)             blocks of whole lines, in order
//   settle(first block)          the settings: plain data, by the first line that is not blank
//   readBlock(settings, block)   instances and refusals: a pure function, for any thread
//
// An input that is one JSON text or one instance is one block.

import type { RequestError } from "../../../../src/errors.ts";
import { errorOf, readBlock, type ReadBlock, type ReadInstance } from "./block.ts";
import type { SettleOptions } from "./settings.ts";
import { settledBlocks } from "./settled.ts";

export type { ReadInstance } from "./instance.ts";
export { formatOf, formats, type Format, type SettleOptions } from "./settings.ts";
export { valuesOfOption, type Reading, type Value } from "./values.ts";

export interface ReadOptions extends SettleOptions {
  /** Called for every malformed line, which is then left out. Without it the first malformed line is thrown as an error. */
  readonly onMalformed?: ((error: RequestError) => void) | undefined;
}

/**
 * Reads instances from a stream of bytes.
 * @throws {RequestError} that names a malformed line, after all instances before it. A wrong header of a table is thrown even
 * with `onMalformed`, since no line after it can be understood.
 */
export async function* readInstances(
  stream: AsyncIterable<Uint8Array>,
  { onMalformed, ...options }: ReadOptions = {},
): AsyncGenerator<ReadInstance, void, undefined> {
  const refuse = (error: RequestError) => {
    if (!onMalformed) throw error;
    onMalformed(error);
  };
  function* inOrder({ instances, refusals }: ReadBlock) {
    let next = 0;
    for (let i = 0; i <= instances.length; i++) {
      for (; refusals[next]?.before === i; next++) refuse(errorOf(refusals[next]!));
      if (i < instances.length) yield instances[i]!;
    }
  }
  for await (const block of settledBlocks(stream, options)) {
    if ("error" in block) refuse(block.error);
    else yield* inOrder(readBlock(block.settings, block.bytes, block.firstLine));
  }
}
