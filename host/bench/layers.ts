// Layers with hidden units, half of which are pruned, and convolutions, as work of the kernel `forward`.

import { indexedValues } from "../../src/ensemble.ts";
import { windowGrid } from "../../src/graph/stages.ts";
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

/**
 * Convolutions with windows of side x side points, moved by one point: those of LeNet-5, and one of a residual network.
 * `samples` images take one thread about ten milliseconds, and `few` are few enough for every engine.
 */
export const CONVOLUTIONS = [
  { channels: 1, height: 28, side: 5, padding: 0, rows: 6, samples: 2 ** 8, few: 2 ** 5 },
  { channels: 6, height: 12, side: 5, padding: 0, rows: 16, samples: 2 ** 9, few: 2 ** 6 },
  { channels: 64, height: 14, side: 3, padding: 1, rows: 64, samples: 2 ** 5, few: 2 ** 2 },
] as const;
export type Convolution = Omit<(typeof CONVOLUTIONS)[number], "samples" | "few">;

export const convolutionText = ({ channels, height, side, rows }: Convolution): string =>
  `${channels} x ${height} x ${height} -> ${rows}, ${side} x ${side}`;

/** The work of a convolution: weights of -64..64, inputs of -31..31. */
export function convolutionOf(
  { channels, height, side, padding, rows }: Convolution,
  samples: number,
): WorkOf<"forward"> {
  const drawn = (stream: number, range: number) => indexedValues(range, streamKey(1n, [stream, channels]));
  const [weight, input] = [drawn(1007, 129), drawn(1008, 63)];
  const window = {
    size: [side, side],
    stride: [1, 1],
    padding: [padding, padding, padding, padding],
    dilation: [1, 1],
  } as const;
  const { pixels, points, taps, placesOf } = windowGrid(window, [channels, height, height]);
  const columns = taps * channels;
  return {
    kernel: "forward",
    params: {
      samples,
      pixels,
      channels,
      points,
      taps,
      biased: 0,
      constantBits: 0,
      group: 1,
      rows,
      rectify: 0,
      shift: SHIFT,
      quantizer: 0,
      relu: 1,
      most: 0,
      wide: 0,
    },
    inputs: {
      inputs: Int32Array.from({ length: samples * pixels * channels }, (_, i) => input(i) - 31),
      places: placesOf(0, points),
      units: new Int32Array(columns).fill(1),
      weights: Int32Array.from({ length: rows * columns }, (_, i) => weight(i) - 64),
    },
  };
}
