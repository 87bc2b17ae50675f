// Layers with hidden units, half of which are pruned, as work of the kernel `forward`.

import { indexedValues } from "../../src/ensemble.ts";
import { denseColumns, densePlaces, type ForwardParams } from "../../src/kernels/forward.ts";
import type { WorkOf } from "../../src/plan.ts";
import { streamKey } from "../../src/random.ts";

/**
 * Inputs (columns) and outputs (rows) of layers. `samples` inputs take one thread about ten milliseconds with all hidden units,
 * and are enough to reuse weights; `few` are few enough for every engine.
 */
export const LAYER_SIZES = [
  { columns: 64, rows: 64, samples: 2 ** 14, few: 2 ** 11 },
  { columns: 256, rows: 256, samples: 2 ** 10, few: 2 ** 7 },
  { columns: 784, rows: 32, samples: 2 ** 11, few: 2 ** 8 },
] as const;
/** Hidden units of each input: half are positive, half negative. */
export const GROUP = 32;
export const SHIFT = 6;

/** Two ways to the same outputs: `audit` has all hidden units, `collapsed` the two that equal them. */
export interface Layer {
  readonly audit: WorkOf<"forward">;
  readonly collapsed: WorkOf<"forward">;
}

/** The work of a layer: units of +-1..+-4, weights of -64..64 of which half are pruned, inputs of -31..31. */
export function layerOf(columns: number, rows: number, samples: number): Layer {
  const drawn = (stream: number, range: number) => indexedValues(range, streamKey(1n, [stream, columns]));
  const hidden = columns * GROUP;
  const [unit, weight, kept, input] = [drawn(1003, 4), drawn(1004, 129), drawn(1005, 2), drawn(1006, 63)];
  const units = Int32Array.from({ length: hidden }, (_, i) => (i < hidden / 2 ? 1 : -1) * (1 + unit(i)));
  const weights = Int32Array.from({ length: rows * hidden }, (_, i) => (weight(i) - 64) * kept(i));
  const inputs = Int32Array.from({ length: samples * columns }, (_, i) => input(i) - 31);
  const params: ForwardParams = {
    samples,
    ...denseColumns(columns),
    group: GROUP,
    rows,
    rectify: 1,
    shift: SHIFT,
    quantizer: 0,
    relu: 1,
    most: 0,
    wide: 0,
  };
  const places = densePlaces();
  const dense = new Int32Array(rows * 2 * columns);
  weights.forEach((weight, i) => {
    const unit = units[i % hidden]!;
    const at = (2 * Math.floor(i / hidden) + Number(unit < 0)) * columns + (i % columns);
    dense[at]! += weight * Math.abs(unit);
  });
  const signs = Int32Array.from({ length: 2 * columns }, (_, i) => (i < columns ? 1 : -1));
  return {
    audit: { kernel: "forward", params, inputs: { inputs, places, units, weights } },
    collapsed: {
      kernel: "forward",
      params: { ...params, group: 2 },
      inputs: { inputs, places, units: signs, weights: dense },
    },
  };
}
