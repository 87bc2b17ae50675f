// Writes safetensors files: 8 bytes with the length of the header, the header as JSON, and the tensors without gaps.

export interface WrittenTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row by row; little-endian in the file, as in memory on all systems that Node runs on. */
  readonly values: ArrayBufferView;
}

/** The bytes of a safetensors file. The tensors begin at a multiple of 8 bytes. */
export function encodeTensors(
  tensors: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, values }) => [
    name,
    { dtype, shape, data_offsets: [end, (end += values.byteLength)] },
  ]);
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const padded = Math.ceil(header.length / 8) * 8;
  const file = Buffer.alloc(8 + padded + end, " ");
  file.writeBigUInt64LE(BigInt(padded));
  header.copy(file, 8);
  let at = 8 + padded;
  for (const { values } of tensors) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}
