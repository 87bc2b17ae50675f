// The pruned network itself, run: every hidden unit that is kept, and nothing that is not.

import { expected } from "../check.ts";
import { activate, forward, MAX_SUM, withConstant, type Activation, type Network } from "../network.ts";
import type { KeptLayer } from "./kept.ts";

/** Where a number is cut in two whose products with weights add up exactly. */
const CUT = 2 ** 26;

/**
 * What a pruned network makes of inputs, one after the other, quantized and clamped as `network` is.
 * Throws RangeError where a sum exceeds 2^53; on its way it may.
 */
export function forwardKept(
  network: Activation,
  layers: readonly Pick<KeptLayer, "rows" | "columns" | "shift" | "starts" | "places" | "weights">[],
  inputs: ArrayLike<number>,
): Float64Array {
  let values = Float64Array.from(inputs);
  layers.forEach(({ rows, columns, shift, starts, places, weights }, l) => {
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
        } else for (let w = from; w < to; w++) sum += weights[w]! * values[k * columns + places[w]!]!;
        if (Math.abs(sum) > MAX_SUM)
          throw new RangeError(expected(`random layer ${l + 1}`, `sums of at most ${MAX_SUM}`, sum));
        outputs[k * rows + row] = activate(network, sum, shift, l === layers.length - 1);
      }
    values = outputs;
  });
  return values;
}

/** Inputs that were run through a target and the pruned network. */
export interface Audit {
  readonly inputs: number;
  /** Every input there is was run. */
  readonly exhaustive: boolean;
  /** The first input whose outputs differ. */
  readonly difference: readonly number[] | undefined;
}

/** All inputs are run where there are no more of them, and where that takes no more multiplications: a minute at most. */
const MAX_GRID = 2 ** 20;
const MAX_WORK = 2e10;
/** Inputs that are run otherwise, beside the extreme ones. */
const SAMPLES = 32;
/** Inputs that are run together. */
const BATCH = 1024;

/**
 * Runs a target and the pruned network of its ticket on all inputs of -2^m..2^m, or, where there are too many, on the extreme
 * ones and on some that `random` draws: integers of 0..range - 1.
 */
export function audit(
  target: Network,
  layers: readonly KeptLayer[],
  random: (range: number) => number,
): Audit {
  const all = target.layers[0]!.columns;
  const columns = all - Number(target.constant);
  const most = 2 ** target.activationBits;
  const grid = (2 * most + 1) ** columns;
  const work = layers.reduce((sum, { weights }) => sum + weights.length, 1);
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
  for (let first = 0; first < count; first += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - first) }, (_, k) => inputAt(first + k));
    const inputs = withConstant(target, all, Int32Array.from(batch.flat()));
    const [wanted, got] = [forward(target, inputs), forwardKept(target, layers, inputs)];
    const at = wanted.findIndex((output, i) => output !== got[i]);
    if (at >= 0)
      return { inputs: first + batch.length, exhaustive, difference: batch[Math.floor(at / units)] };
  }
  return { inputs: count, exhaustive, difference: undefined };
}
