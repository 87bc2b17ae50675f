// Digests, by which the outputs of engines and of runs are compared.

import { createHash } from "node:crypto";

/** The first 64 bits of the SHA-256 of words, low byte first, as 16 hexadecimal digits. */
export function digestOf(outputs: readonly Uint32Array[]): string {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of outputs)
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex").slice(0, 16);
}
