// The pruned network itself, run: every hidden unit that is kept, and nothing that is not.

import { activate, forward, MAX_SUM, type Activation, type Network } from "../network.ts";
import type { KeptLayer } from "./kept.ts";

/** Where a number is cut in two whose products with weights add up exactly. */
const CUT = 2 ** 26;

/**
 * What a pruned network makes of inputs, one after the other, quantized and clamped as `network` is; undefined where a sum
 * reaches 2^53. On its way it may.
 */
export function forwardKept(
  network: Activation,
  layers: readonly Pick<KeptLayer, "kind" | "rows" | "columns" | "shift" | "starts" | "places" | "weights">[],
  inputs: ArrayLike<number>,
): Float64Array | undefined {
  let values = Float64Array.from(inputs);
  for (const [l, { kind, rows, columns, shift, starts, places, weights }] of layers.entries()) {
    // What is within a pair of layers is none of the target's.
    const activation = kind === "hidden" ? { ...network, clamp: false } : network;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const count = values.length / columns;
    const outputs = new Float64Array(count * rows);
    // Rows whose sums could exceed 2^53 on their way.
    const isLarge = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) {
      let bound = 0;
      for (let w = starts[row]!; w < starts[row + 1]!; w++) bound += Math.abs(weights[w]!) * largest;
      isLarge[row] = Number(bound > MAX_SUM);
    }
    for (let k = 0; k < count; k++)
      for (let row = 0; row < rows; row++) {
        const [from, to] = [starts[row]!, starts[row + 1]!];
        let sum = 0;
        if (isLarge[row]) {
          let [high, low] = [0, 0];
          for (let w = from; w < to; w++) {
            const value = values[k * columns + places[w]!]!;
            const part = Math.floor(value / CUT);
            high += weights[w]! * part;
            low += weights[w]! * (value - part * CUT);
          }
          sum = high * CUT + low;
          if (Math.abs(sum) >= MAX_SUM) return undefined;
        } else for (let w = from; w < to; w++) sum += weights[w]! * values[k * columns + places[w]!]!;
        outputs[k * rows + row] = activate(activation, sum, shift, l === layers.length - 1);
      }
    values = outputs;
  }
  return values;
}

/** Inputs that were run through a target and the pruned network; 0 where its sums are too large. */
export interface Audit {
  readonly inputs: number;
  /** Every input there is was run. */
  readonly exhaustive: boolean;
  /** The first input whose outputs differ, the constant unit left out. */
  readonly difference: readonly number[] | undefined;
}

/** All inputs are run where there are no more of them, and where that takes no more multiplications. */
const MAX_GRID = 2 ** 20;
const MAX_WORK = 5e9;
/** What follows a sum takes as long as so many of them. */
const ROW_WORK = 16;
/** Inputs that are run otherwise, beside the extreme ones. */
const SAMPLES = 32;
/** Inputs that are run together, or fewer where a layer makes more numbers of them. */
const BATCH = 1024;
const BATCH_NUMBERS = 2 ** 22;

/**
 * Runs a target and the pruned network of its ticket on all inputs of -2^m..2^m, or, where there are too many, on the extreme
 * ones and on some that `random` draws: integers of 0..range - 1.
 */
export function audit(
  target: Network,
  layers: readonly KeptLayer[],
  random: (range: number) => number,
): Audit {
  const columns = target.layers[0]!.columns - Number(target.constant);
  const most = 2 ** target.activationBits;
  const grid = (2 * most + 1) ** columns;
  const work = [...target.layers, ...layers].reduce(
    (sum, { rows, weights }) => sum + weights.length + ROW_WORK * rows,
    0,
  );
  const exhaustive = grid <= MAX_GRID && grid * work <= MAX_WORK;
  const extremes = [-most, most, 0, -1, 1].map((value) => () => value);
  const inputAt = (k: number): number[] => {
    if (exhaustive)
      return Array.from(
        { length: columns },
        (_, i) => (Math.floor(k / (2 * most + 1) ** i) % (2 * most + 1)) - most,
      );
    const draw = extremes[k] ?? (() => random(2 * most + 1) - most);
    return Array.from({ length: columns }, draw);
  };
  const count = exhaustive ? grid : extremes.length + SAMPLES;
  const units = target.layers.at(-1)!.rows;
  const widest = layers.reduce((width, { rows }) => Math.max(width, rows), columns);
  const size = Math.max(1, Math.min(BATCH, Math.floor(BATCH_NUMBERS / widest)));
  for (let first = 0; first < count; first += size) {
    const batch = Array.from({ length: Math.min(size, count - first) }, (_, k) => inputAt(first + k));
    const inputs = batch.flatMap((input) => (target.constant ? [...input, most] : input));
    const got = forwardKept(target, layers, inputs);
    // The target adds up less: the random network's weights are finer.
    if (!got) return { inputs: 0, exhaustive: false, difference: undefined };
    const at = forward(target, inputs).findIndex((output, i) => output !== got[i]);
    if (at >= 0)
      return { inputs: first + batch.length, exhaustive, difference: batch[Math.floor(at / units)] };
  }
  return { inputs: count, exhaustive, difference: undefined };
}
