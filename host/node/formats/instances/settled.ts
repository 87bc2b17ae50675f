// Blocks of an input with the settings by which each of them is read.

import { blocksOf, Collected, type LineBlock, type LongLine } from "./lines.ts";
import { isTable, settle, UNSETTLED, type Settings, type SettleOptions } from "./settings.ts";

/** Whole lines with their settings. */
export interface SettledBlock extends LineBlock {
  readonly settings: Settings;
}

/**
 * Cuts an input into blocks; one that is read as a whole is one block, which comes last.
 * @throws {RequestError} for a line that is too long where no line after it can be understood, and as `settle` does.
 */
export async function* settledBlocks(
  stream: AsyncIterable<Uint8Array>,
  options: SettleOptions,
): AsyncGenerator<SettledBlock | LongLine, void, undefined> {
  let settings: Settings | undefined;
  const whole = new Collected();
  for await (const block of blocksOf(stream)) {
    if ("error" in block) {
      const error = block.error.at(`line ${block.line}`);
      if (settings?.isWhole || (!settings && isTable(options.format))) throw error;
      yield { line: block.line, error };
      continue;
    }
    settings ??= settle(block.bytes, block.firstLine, options);
    if (settings?.isWhole) whole.add(block);
    else yield { settings: settings ?? UNSETTLED, ...block };
  }
  if (settings?.isWhole) yield { settings, ...whole.block };
}
