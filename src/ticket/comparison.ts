// Runs a target and its pruned network on the same inputs and compares the outputs. The certificate proves that they are
// equal; this shows it, by arithmetic that shares no code with the certificate.

import { activate, forward, MAX_SUM, type Activation, type Network } from "../network.ts";
import type { KeptLayer } from "./kept.ts";

/** Activations are split at this power of 2 into two parts, so that the products of weights with each part add exactly. */
const SPLIT = 2 ** 26;

/**
 * Runs a pruned network, quantized and clamped as `network` is.
 * @param inputs Shape [samples, columns of the first layer], row by row.
 * @returns Shape [samples, rows of the last layer]; undefined where a sum reaches 2^53. Partial sums may exceed it.
 */
export function forwardKept(
  network: Activation,
  layers: readonly Pick<
    KeptLayer,
    "kind" | "rows" | "columns" | "shift" | "rowStarts" | "columnIndices" | "weights"
  >[],
  inputs: ArrayLike<number>,
): Float64Array | undefined {
  let values = Float64Array.from(inputs);
  for (const [l, layer] of layers.entries()) {
    const { kind, rows, columns, shift, rowStarts, columnIndices, weights } = layer;
    // The clamp applies to the outputs of target layers, not to the hidden units between a pair of random layers.
    const activation = kind === "hidden" ? { ...network, clamp: false } : network;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const samples = values.length / columns;
    const outputs = new Float64Array(samples * rows);
    // Rows whose partial sums could exceed 2^53.
    const isLarge = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) {
      let bound = 0;
      for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++) bound += Math.abs(weights[w]!) * largest;
      isLarge[row] = Number(bound > MAX_SUM);
    }
    for (let k = 0; k < samples; k++)
      for (let row = 0; row < rows; row++) {
        const [from, to] = [rowStarts[row]!, rowStarts[row + 1]!];
        let sum = 0;
        if (isLarge[row]) {
          let [high, low] = [0, 0];
          for (let w = from; w < to; w++) {
            const value = values[k * columns + columnIndices[w]!]!;
            const highPart = Math.floor(value / SPLIT);
            high += weights[w]! * highPart;
            low += weights[w]! * (value - highPart * SPLIT);
          }
          sum = high * SPLIT + low;
          if (Math.abs(sum) >= MAX_SUM) return undefined;
        } else for (let w = from; w < to; w++) sum += weights[w]! * values[k * columns + columnIndices[w]!]!;
        outputs[k * rows + row] = activate(activation, sum, shift, l === layers.length - 1);
      }
    values = outputs;
  }
  return values;
}

/** The result of running a target and its pruned network on the same inputs. */
export interface OutputComparison {
  /** The number of inputs that were run; 0 where a sum of the pruned network reaches 2^53. */
  readonly inputs: number;
  /** Whether they were all inputs of -2^m..2^m. */
  readonly exhaustive: boolean;
  /** The first input whose outputs differ, without the constant unit. */
  readonly difference: readonly number[] | undefined;
}

/** All inputs are run where they are at most MAX_GRID and take at most MAX_WORK multiplications. */
const MAX_GRID = 2 ** 20;
const MAX_WORK = 5e9;
/** Quantizer, ReLU and clamp of one row count as this many multiplications. */
const ROW_WORK = 16;
/** The number of drawn inputs where not all inputs are run; the inputs of one repeated value come on top. */
const DRAWN_INPUTS = 32;
/** The most inputs of one batch, and the most numbers that a layer may compute for a batch. */
const BATCH_INPUTS = 1024;
const BATCH_NUMBERS = 2 ** 22;

/**
 * Runs a target and the pruned network of its ticket on all inputs of -2^m..2^m. Where they are too many, it runs the five
 * inputs that repeat one of -2^m, 2^m, 0, -1, 1, and 32 drawn ones.
 * @param random Draws an integer of 0..range - 1.
 */
export function compareOutputs(
  target: Network,
  layers: readonly KeptLayer[],
  random: (range: number) => number,
): OutputComparison {
  const columns = target.layers[0]!.columns - Number(target.constant);
  const most = 2 ** target.activationBits;
  const gridSize = (2 * most + 1) ** columns;
  const workPerInput = [...target.layers, ...layers].reduce(
    (sum, { rows, weights }) => sum + weights.length + ROW_WORK * rows,
    0,
  );
  const exhaustive = gridSize <= MAX_GRID && gridSize * workPerInput <= MAX_WORK;
  const repeated = [-most, most, 0, -1, 1].map((value) => () => value);
  const inputAt = (k: number): number[] => {
    if (exhaustive)
      return Array.from(
        { length: columns },
        (_, i) => (Math.floor(k / (2 * most + 1) ** i) % (2 * most + 1)) - most,
      );
    const draw = repeated[k] ?? (() => random(2 * most + 1) - most);
    return Array.from({ length: columns }, draw);
  };
  const count = exhaustive ? gridSize : repeated.length + DRAWN_INPUTS;
  const outputCount = target.layers.at(-1)!.rows;
  const widest = layers.reduce((width, { rows }) => Math.max(width, rows), columns);
  const batchSize = Math.max(1, Math.min(BATCH_INPUTS, Math.floor(BATCH_NUMBERS / widest)));
  for (let first = 0; first < count; first += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, count - first) }, (_, k) => inputAt(first + k));
    const inputs = batch.flatMap((input) => (target.constant ? [...input, most] : input));
    const outputs = forwardKept(target, layers, inputs);
    // The target's own sums stay below 2^53: its weights are in coarser units than those of the random network.
    if (!outputs) return { inputs: 0, exhaustive: false, difference: undefined };
    const differing = forward(target, inputs).findIndex((output, i) => output !== outputs[i]);
    if (differing >= 0)
      return {
        inputs: first + batch.length,
        exhaustive,
        difference: batch[Math.floor(differing / outputCount)],
      };
  }
  return { inputs: count, exhaustive, difference: undefined };
}
