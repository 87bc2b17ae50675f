// Files of safetensors (https://huggingface.co/docs/safetensors): a length of 8 bytes, little-endian, a header of that many in
// JSON, and tensors one behind the other up to the end of the file.

import * as z from "zod/mini";
import { RequestError, locating } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { bytesOf, countOf, dtypes, isInteger, valuesOf, type Tensor } from "./tensor.ts";
import { quoted, textOf } from "./text.ts";

const WORD = 8;
/** The most bytes of a header: names of the most layers need less. */
const MAX_HEADER = 2 ** 23;

const offset = integer(0, Number.MAX_SAFE_INTEGER, "integers of 0 or more");
const tensorSchema = z.strictObject({
  dtype: z.enum(dtypes, `one of ${dtypes.join(", ")}`),
  shape: z.array(offset, "a list of integers"),
  data_offsets: z.tuple([offset, offset], "two integers"),
});

/**
 * The tensors of a file in the order of their bytes, and what its metadata says of its format.
 * Throws TypeError or RangeError, before it takes memory for any tensor, for a file of another format and for one whose
 * tensors do not fill it without gaps.
 */
export function readSafetensors(bytes: Uint8Array): { tensors: Tensor[]; format: unknown } {
  if (bytes.length < WORD) throw new RequestError("file", `at least ${WORD} bytes`, bytes.length);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER) throw new RequestError("header", `at most ${MAX_HEADER} bytes`, length);
  if (length > bytes.length - WORD)
    throw new RequestError("header", `${length} bytes before the end of the file`, bytes.length - WORD);
  const data = bytes.subarray(WORD + Number(length));
  const header = readHeader(textOf("header", bytes.subarray(WORD, WORD + Number(length))));
  const given = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => ({
      name,
      ...locating(`header, ${quoted(name)}`, () => parse(tensorSchema, value, "tensor")),
    }))
    .toSorted((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  let end = 0;
  const tensors = given.map(({ name, dtype, shape, data_offsets: [from, to] }): Tensor => {
    const size = countOf(name, shape) * bytesOf(dtype);
    if (from !== end || to - from !== size)
      throw new RequestError(`header, ${quoted(name)}, data_offsets`, `${end}, ${end + size}`, [from, to]);
    end = to;
    if (end > data.length)
      throw new RequestError("data", `at least ${end} bytes for ${quoted(name)}`, data.length);
    const own = data.subarray(from, to);
    return { name, shape, integer: isInteger(dtype), values: () => valuesOf(name, dtype, own) };
  });
  if (end !== data.length) throw new RequestError("data", `${end} bytes`, data.length);
  const metadata = header["__metadata__"];
  const format =
    typeof metadata === "object" && metadata && "format" in metadata ? metadata.format : undefined;
  return { tensors, format };
}

function readHeader(text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw new RequestError("header", "JSON", text);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw new RequestError("header", "an object", header);
  refuseTwins(text);
  return header as Record<string, unknown>;
}

/** Throws RangeError where an object in a text, which is JSON, has a name twice: readers differ in which one counts. */
function refuseTwins(text: string): void {
  const open: Set<string>[] = [];
  let string = "";
  for (let at = 0; at < text.length; at++)
    switch (text[at]) {
      case '"': {
        const from = at;
        while (text[++at] !== '"') if (text[at] === "\\") at++;
        string = text.slice(from, at + 1);
        break;
      }
      case "{":
      case "[":
        open.push(new Set());
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ":": {
        const names = open.at(-1)!;
        const name = JSON.parse(string) as string;
        if (names.has(name)) throw new RequestError("header", "every name once", name);
        names.add(name);
      }
    }
}
