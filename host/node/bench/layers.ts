// Layers with hidden units, half of them pruned, as work of the kernel `forward`.

import { drawValue } from "../../../src/ensemble.ts";
import type { ForwardParams } from "../../../src/kernels/forward.ts";
import type { Work } from "../../../src/plan.ts";
import { streamKey } from "../../../src/random.ts";

/** Inputs and outputs, and inputs of a pass on one thread: some milliseconds of all hidden units. */
export const SHAPES = [
  { columns: 64, rows: 64, samples: 2 ** 11 },
  { columns: 256, rows: 256, samples: 2 ** 7 },
  { columns: 784, rows: 32, samples: 2 ** 8 },
] as const;
/** Hidden units of each input, half of them for either sign. */
export const GROUP = 32;
export const SHIFT = 6;

/** The same outputs from all hidden units and from the two that equal them. */
export interface Layer {
  readonly audit: Work;
  readonly collapsed: Work;
}

/** Units are +-1..+-4, weights -64..64 of which half are 0, inputs -31..31. */
export function layerOf(columns: number, rows: number, samples: number): Layer {
  let drawn = 0;
  const key = streamKey(1n, [1000, columns]);
  const draw = (range: number) => drawValue(range, key, drawn++, 0);
  const hidden = columns * GROUP;
  const units = Int32Array.from({ length: hidden }, (_, i) => (i < hidden / 2 ? 1 : -1) * (1 + draw(4)));
  const weights = Int32Array.from({ length: rows * hidden }, () => (draw(129) - 64) * draw(2));
  const inputs = Int32Array.from({ length: samples * columns }, () => draw(63) - 31);
  const params: ForwardParams = {
    networks: 1,
    samples,
    columns,
    group: GROUP,
    rows,
    broadcast: 0,
    rectify: 1,
    shift: SHIFT,
    quantizer: 0,
    relu: 1,
    most: 0,
    wide: 0,
  };
  const dense = new Int32Array(rows * 2 * columns);
  weights.forEach((weight, i) => {
    const unit = units[i % hidden]!;
    const at = (2 * Math.floor(i / hidden) + Number(unit < 0)) * columns + (i % columns);
    dense[at]! += weight * Math.abs(unit);
  });
  const signs = Int32Array.from({ length: 2 * columns }, (_, i) => (i < columns ? 1 : -1));
  return {
    audit: { kernel: "forward", params, inputs: { inputs, units, weights } },
    collapsed: {
      kernel: "forward",
      params: { ...params, group: 2 },
      inputs: { inputs, units: signs, weights: dense },
    },
  };
}
