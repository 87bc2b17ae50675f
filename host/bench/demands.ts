// The subset sums of a layer whose weights are drawn, for the kernel that prunes.

import { drawValue } from "../../src/ensemble.ts";
import { outlineOf, readNetwork } from "../../src/network.ts";
import { streamKey } from "../../src/random.ts";
import { demandChunks } from "../../src/ticket/chunks.ts";
import { layersOf } from "../../src/ticket/scheme.ts";
import { schemeFor } from "../../src/ticket/width.ts";

/** The demands of a layer of weights of 8 bits, which random weights of 4 bits are pruned to, in pieces of work. */
export function demandsOf(columns: number, rows: number) {
  const key = streamKey(1n, [1002, columns]);
  const weights = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, i) => drawValue(513, key, row * columns + i, 0) - 256),
  );
  const { network, bits } = readNetwork({ bits: 8, activationBits: 8, layers: [{ weights }] });
  const { scheme } = schemeFor(network, bits, { bits: 4 });
  const layers = layersOf(outlineOf(network, bits).widths, bits, scheme);
  return [...demandChunks(network, layers, scheme, 1n, false)];
}
