// safetensors files (https://huggingface.co/docs/safetensors): the length of the header in 8 bytes, little-endian; the header in
// JSON; and the tensors without gaps up to the end of the file.

import * as z from "zod/mini";
import { RequestError, locating } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { bytesOf, countOf, dtypes, isInteger, valuesOf, type Tensor } from "./tensor.ts";
import { quoted, textOf } from "./text.ts";

/** The bytes of the header's length. */
const LENGTH_BYTES = 8;
/** The most bytes of a header: over 8,000 for each of 1000 layers. */
const MAX_HEADER_BYTES = 2 ** 23;

const offset = integer(0, Number.MAX_SAFE_INTEGER, "integers of 0 or more");
const tensorSchema = z.strictObject({
  dtype: z.enum(dtypes, `one of ${dtypes.join(", ")}`),
  shape: z.array(offset, "a list of integers"),
  data_offsets: z.tuple([offset, offset], "two integers"),
});

/**
 * Reads the tensors of a file, in the order of their bytes, and the entries of its metadata. Tensors are not decoded yet.
 * @throws {RequestError} For a file of another format, and for one whose tensors do not fill it without gaps.
 */
export function readSafetensors(bytes: Uint8Array): {
  tensors: Tensor[];
  metadata: Readonly<Record<string, unknown>>;
} {
  if (bytes.length < LENGTH_BYTES)
    throw new RequestError("file", `at least ${LENGTH_BYTES} bytes`, bytes.length);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES)
    throw new RequestError("header", `at most ${MAX_HEADER_BYTES} bytes`, length);
  if (length > bytes.length - LENGTH_BYTES)
    throw new RequestError(
      "header",
      `${length} bytes before the end of the file`,
      bytes.length - LENGTH_BYTES,
    );
  const data = bytes.subarray(LENGTH_BYTES + Number(length));
  const header = readHeader(textOf("header", bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + Number(length))));
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
    const tensorBytes = data.subarray(from, to);
    return { name, shape, integer: isInteger(dtype), values: () => valuesOf(name, dtype, tensorBytes) };
  });
  if (end !== data.length) throw new RequestError("data", `${end} bytes`, data.length);
  const metadata = header["__metadata__"];
  return { tensors, metadata: typeof metadata === "object" && metadata ? { ...metadata } : {} };
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
  refuseDuplicates(text);
  return header as Record<string, unknown>;
}

/**
 * Checks that no object has a name twice, since JSON readers differ in which value counts. `text` must be valid JSON.
 * @throws {RequestError} Names the first name that occurs twice.
 */
function refuseDuplicates(text: string): void {
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
