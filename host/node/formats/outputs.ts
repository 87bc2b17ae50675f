// Outputs of a network in a compact form: the largest of each input, and a digest of all.

import { createHash } from "node:crypto";
import { int64Bytes } from "./npy.ts";

/** SHA-256 of outputs as integers of 64 bits, low byte first, in hexadecimal digits. */
export function outputsDigest(outputs: Float64Array): string {
  return createHash("sha256").update(int64Bytes(outputs)).digest("hex");
}

/** The index of the largest of the `width` outputs of each input; the first of equal ones. */
export function largestOutputs(outputs: Float64Array, width: number): Float64Array {
  return Float64Array.from({ length: outputs.length / width }, (_, k) => {
    const row = outputs.subarray(k * width, (k + 1) * width);
    let best = 0;
    for (let i = 1; i < width; i++) if (row[i]! > row[best]!) best = i;
    return best;
  });
}
