// Runs a target and its pruned network on the same inputs and compares the outputs. The certificate proves that they are
// equal; this shows it, by arithmetic that shares no code with the certificate.

import { epilogueOf, graphForward, graphValues, type Read } from "../graph/forward.ts";
import {
  imageOf,
  isFactored,
  isGraph,
  isLinear,
  POINT,
  sizeOf,
  type FactoredNode,
  type Graph,
  type LinearNode,
} from "../graph/model.ts";
import { activate, forward, MAX_SUM, type Activation, type Network } from "../network.ts";
import type { KeptLayer } from "./kept.ts";
import { stacksOf, type Stack } from "./levels.ts";
import { skipped } from "./skips.ts";

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

/**
 * Runs one input through the pruned network of a graph's ticket.
 * @param input Row by row.
 * @returns The output, row by row; undefined where a number reaches 2^53. Partial sums may exceed it.
 */
export function forwardKeptGraph(
  target: Graph,
  layers: readonly KeptLayer[],
  input: ArrayLike<number>,
): Float64Array | undefined {
  let isExact = true;
  // The layers of a graph whose layers take over additions know that they do.
  const skip = layers.some((layer) => layer.skip) ? "none" : "identity";
  const { graph } = skipped(target, skip);
  const linear = graph.nodes.filter(isLinear);
  const stacks = stacksOf(layers);
  const outputs = graphValues(graph, input, (node, read) => {
    const stack = stacks[linear.indexOf(node)]!;
    const values = isFactored(node) ? factoredValues(node, stack, read) : stackValues(node, stack, read);
    isExact &&= values !== undefined;
    return values ?? new Float64Array(sizeOf(node.shape));
  });
  return isExact ? outputs.at(-1)! : undefined;
}

/**
 * The outputs of a pair of random matrices without a ReLU between: every point times the kept columns of the first matrix, and
 * then times the second matrix. In logits, the second matrix is multiplied by the points as well.
 * @returns Undefined where the magnitudes of an output's products could sum to 2^53.
 */
function factoredValues(
  node: FactoredNode,
  { hidden, pooled }: Stack<KeptLayer>,
  { values, shape }: Read,
): Float64Array | undefined {
  const [channels] = imageOf(shape);
  const points = values.length / channels;
  const { rows, group, scaleBits } = pooled;
  const epilogue = { ...node.epilogue, shift: node.epilogue.shift + scaleBits };
  const columns = channels * group;
  const units = new Float64Array(columns);
  for (let column = 0; column < columns; column++) {
    const start = hidden.rowStarts[column]!;
    if (start < hidden.rowStarts[column + 1]!) units[column] = hidden.weights[start]!;
  }
  // Every point times the columns of the first matrix.
  const firsts = new Float64Array(points * columns);
  for (let point = 0; point < points; point++)
    for (let column = 0; column < columns; column++)
      firsts[point * columns + column] =
        units[column]! * values[Math.floor(column / group) * points + point]!;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const isLogits = node.kind === "bilinear";
  let [most, all] = [0, 0];
  for (let row = 0; row < rows; row++) {
    let magnitude = 0;
    for (let w = pooled.rowStarts[row]!; w < pooled.rowStarts[row + 1]!; w++)
      magnitude += Math.abs(units[pooled.columnIndices[w]!]! * pooled.weights[w]!) * largest;
    most = Math.max(most, magnitude);
    all += magnitude * largest;
  }
  if ((isLogits ? all : most) * 2 ** Math.max(0, -epilogue.shift) >= MAX_SUM) return undefined;
  const outputs = new Float64Array(sizeOf(node.shape));
  // In logits, outputs are points j, and this is one of them times the columns of the second matrix.
  const seconds = new Float64Array(isLogits ? columns : 0);
  for (let output = 0; output < node.shape[0]; output++) {
    const [from, to] = isLogits
      ? [0, pooled.weights.length]
      : [pooled.rowStarts[output]!, pooled.rowStarts[output + 1]!];
    if (isLogits) {
      seconds.fill(0);
      for (let [w, row] = [from, 0]; w < to; w++) {
        while (w >= pooled.rowStarts[row + 1]!) row++;
        seconds[pooled.columnIndices[w]!]! += pooled.weights[w]! * values[row * points + output]!;
      }
    }
    for (let point = 0; point < points; point++) {
      let sum = 0;
      if (isLogits)
        for (let column = 0; column < columns; column++)
          sum += firsts[point * columns + column]! * seconds[column]!;
      else
        for (let w = from; w < to; w++)
          sum += firsts[point * columns + pooled.columnIndices[w]!]! * pooled.weights[w]!;
      outputs[output * points + point] = epilogueOf(epilogue, sum);
    }
  }
  return outputs;
}

/** The rows of the last level at every point, shape [rows, points]; undefined where one reaches 2^53. */
function levelValues(
  { hidden, levels }: Stack<KeptLayer>,
  { values, bits, shape }: Read,
): Float64Array | undefined {
  const [, height, width] = imageOf(shape);
  const points = height * width;
  let below = new Float64Array(hidden.rows * points);
  for (let unit = 0; unit < hidden.rows; unit++)
    for (let w = hidden.rowStarts[unit]!; w < hidden.rowStarts[unit + 1]!; w++)
      for (let point = 0; point < points; point++)
        below[unit * points + point] = Math.max(
          0,
          // What lies behind the channels is the constant unit.
          hidden.weights[w]! * (values[hidden.columnIndices[w]! * points + point] ?? 2 ** bits),
        );
  for (const { rows, rowStarts, columnIndices, weights } of levels) {
    const above = new Float64Array(rows * points);
    for (let row = 0; row < rows; row++)
      for (let point = 0; point < points; point++) {
        let [sum, bound] = [0, 0];
        for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++) {
          const product = weights[w]! * below[columnIndices[w]! * points + point]!;
          sum += product;
          bound += Math.abs(product);
        }
        if (bound >= MAX_SUM) return undefined;
        above[row * points + point] = Math.max(0, sum);
      }
    below = above;
  }
  return below;
}

/**
 * The outputs of the random layers of a layer: those of the hidden units of each channel, those of the levels if there are any,
 * then the sums over a window of them.
 */
function stackValues(
  node: Exclude<LinearNode, FactoredNode>,
  { hidden, levels, pooled }: Stack<KeptLayer>,
  read: Read,
): Float64Array | undefined {
  const { values, shape, bits } = read;
  const copies = levels.length > 0 ? levelValues({ hidden, levels, pooled }, read) : values;
  if (!copies) return undefined;
  const [channels, height, width] = imageOf(shape);
  const [rows, outputHeight, outputWidth] = imageOf(node.shape);
  const { stride, padding, dilation, size } = node.kind === "conv" ? node.window : POINT;
  const groups = node.kind === "conv" ? node.groups : 1;
  const [points, taps, perGroup] = [outputHeight * outputWidth, size[0] * size[1], channels / groups];
  const { group, scaleBits } = pooled;
  const shift = node.epilogue.shift + scaleBits;
  const epilogue = { ...node.epilogue, shift };
  const outputs = new Float64Array(rows * points);
  const [high, low] = [new Float64Array(points), new Float64Array(points)];
  // The random weight of the skip to each output lies behind the hidden units.
  const firstEdge = hidden.rowStarts.length - 1 - rows;
  const edges = Float64Array.from({ length: rows }, (_, row) => {
    const start = hidden.rowStarts[firstEdge + row]!;
    if (!hidden.skip?.edge || start === hidden.rowStarts[firstEdge + row + 1]) return 0;
    return hidden.weights[start]! * hidden.skip.edge;
  });
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 2 ** bits);
  const isLarge = (weight: number) => Math.abs(weight) * largest >= MAX_SUM;
  if (hidden.weights.some(isLarge) || edges.some(isLarge)) return undefined;
  /** Adds v times the hidden unit of weight u to the sum of an output point. */
  const add = (point: number, u: number, v: number, value: number) => {
    const unit = Math.max(0, u * value);
    const highPart = Math.floor(unit / SPLIT);
    high[point]! += v * highPart;
    low[point]! += v * (unit - highPart * SPLIT);
  };
  for (let row = 0; row < rows; row++) {
    high.fill(0);
    low.fill(0);
    for (let w = pooled.rowStarts[row]!; w < pooled.rowStarts[row + 1]!; w++) {
      const slot = Math.floor(pooled.columnIndices[w]! / group);
      const isBias = slot === perGroup * taps;
      const channel = isBias
        ? channels
        : Math.floor((row * groups) / rows) * perGroup + Math.floor(slot / taps);
      const unit = channel * group + (pooled.columnIndices[w]! % group);
      const start = hidden.rowStarts[unit]!;
      const isPair = levels.length === 0;
      if (isPair && start === hidden.rowStarts[unit + 1]) continue;
      const [u, v] = [isPair ? hidden.weights[start]! : 1, pooled.weights[w]!];
      const source = isPair ? channel : unit;
      const [a, b] = [Math.floor((slot % taps) / size[1]), slot % size[1]];
      for (let point = 0; point < points; point++) {
        const y = Math.floor(point / outputWidth) * stride[0] + a * dilation[0] - padding[0];
        const x = (point % outputWidth) * stride[1] + b * dilation[1] - padding[1];
        if (isBias) add(point, u, v, isPair ? 2 ** bits : copies[unit * height * width]!);
        else if (y >= 0 && y < height && x >= 0 && x < width)
          add(point, u, v, copies[(source * height + y) * width + x]!);
      }
    }
    for (let point = 0; point < points; point++) {
      const products = high[point]! * SPLIT + low[point]!;
      if (Math.abs(products) >= MAX_SUM) return undefined;
      const sum = products + (edges[row] === 0 ? 0 : edges[row]! * values[row * points + point]!);
      if (Math.abs(sum) * 2 ** Math.max(0, -shift) >= MAX_SUM) return undefined;
      outputs[row * points + point] = epilogueOf(epilogue, sum);
    }
  }
  return outputs;
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
/** A multiplication of a graph counts as this many multiplications, and so does each number of its values. */
const GRAPH_WORK = 8;
/** The number of drawn inputs where not all inputs are run; the inputs of one repeated value come on top. */
const DRAWN_INPUTS = 32;
/** The most inputs of one batch, and the most numbers that a layer may compute for a batch. */
const BATCH_INPUTS = 1024;
const BATCH_NUMBERS = 2 ** 22;

/** A target and its pruned network as functions of a batch of inputs. */
interface Sides {
  /** Inputs are `columns` integers of least..most. */
  readonly columns: number;
  readonly least: number;
  readonly most: number;
  readonly outputs: number;
  /** The multiplications for one input, and the most numbers of a layer. */
  readonly work: number;
  readonly widest: number;
  readonly target: (inputs: readonly (readonly number[])[]) => Float64Array;
  readonly kept: (inputs: readonly (readonly number[])[]) => Float64Array | undefined;
}

/**
 * Runs a target and the pruned network of its ticket on all inputs of -2^m..2^m, or of 0..2^m if inputs are never negative. Where
 * they are too many, it runs those of the five inputs that repeat one of -2^m, 2^m, 0, -1, 1 that are in range, and 32 drawn
 * ones.
 * @param random Draws an integer of 0..range - 1.
 */
export function compareOutputs(
  target: Network | Graph,
  layers: readonly KeptLayer[],
  random: (range: number) => number,
): OutputComparison {
  const sides = isGraph(target) ? graphSides(target, layers) : networkSides(target, layers);
  return sides ? compareSides(sides, random) : NOT_RUN;
}

/** Where nothing is run. */
const NOT_RUN: OutputComparison = { inputs: 0, exhaustive: false, difference: undefined };

function networkSides(target: Network, layers: readonly KeptLayer[]): Sides {
  const columns = target.layers[0]!.columns - Number(target.constant);
  const most = 2 ** target.activationBits;
  const flat = (inputs: readonly (readonly number[])[]) =>
    inputs.flatMap((input) => (target.constant ? [...input, most] : input));
  return {
    columns,
    least: -most,
    most,
    outputs: target.layers.at(-1)!.rows,
    work: [...target.layers, ...layers].reduce(
      (sum, { rows, weights }) => sum + weights.length + ROW_WORK * rows,
      0,
    ),
    widest: layers.reduce((width, { rows }) => Math.max(width, rows), columns),
    target: (inputs) => forward(target, flat(inputs)),
    kept: (inputs) => forwardKept(target, layers, flat(inputs)),
  };
}

/** The sides of a graph; undefined where it is too large to be run. */
function graphSides(target: Graph, layers: readonly KeptLayer[]): Sides | undefined {
  const { shape, activationBits, nonnegative } = target.input;
  const most = 2 ** activationBits;
  const sizes = target.nodes.map((node) => sizeOf(node.shape));
  const outputs = sizes.at(-1)!;
  const widest = sizes.reduce((a, b) => Math.max(a, b), sizeOf(shape));
  const stacks = stacksOf(layers);
  let [work, l] = [sizeOf(shape), 0];
  for (const [i, node] of target.nodes.entries()) {
    work += GRAPH_WORK * sizes[i]!;
    if ("window" in node) work += GRAPH_WORK * sizes[i]! * node.window.size[0] * node.window.size[1];
    if (!isLinear(node)) continue;
    const { hidden, levels, pooled } = stacks[l++]!;
    const weights = node.weights.length + pooled.weights.length;
    work += (GRAPH_WORK * weights * sizes[i]!) / node.shape[0];
    const read = target.nodes[node.from[0]! - 1]?.shape ?? shape;
    const [, height, width] = imageOf(read);
    work += levels.reduce((sum, level) => sum + GRAPH_WORK * (level.rows + hidden.rows) * height * width, 0);
    // Every point is multiplied by all columns of the first matrix, and in logits these by those of every point.
    const products = sizes[i]! / node.shape[0] + (node.kind === "bilinear" ? sizes[i]! : 0);
    if (isFactored(node)) work += GRAPH_WORK * products * pooled.columns;
  }
  if (work * DRAWN_INPUTS > MAX_WORK) return undefined;
  return {
    columns: sizeOf(shape),
    least: nonnegative ? 0 : -most,
    most,
    outputs,
    work,
    widest,
    target: (inputs) => graphForward(target, inputs.flat()),
    kept: (inputs) => {
      const all = new Float64Array(inputs.length * outputs);
      for (const [k, input] of inputs.entries()) {
        const values = forwardKeptGraph(target, layers, input);
        if (!values) return undefined;
        all.set(values, k * outputs);
      }
      return all;
    },
  };
}

function compareSides(
  { columns, least, most, outputs: outputCount, work, widest, target, kept }: Sides,
  random: (range: number) => number,
): OutputComparison {
  const range = most - least + 1;
  const gridSize = range ** columns;
  const exhaustive = gridSize <= MAX_GRID && gridSize * work <= MAX_WORK;
  const repeated = [-most, most, 0, -1, 1].filter((value) => value >= least).map((value) => () => value);
  const inputAt = (k: number): number[] => {
    if (exhaustive)
      return Array.from({ length: columns }, (_, i) => (Math.floor(k / range ** i) % range) + least);
    const draw = repeated[k] ?? (() => random(range) + least);
    return Array.from({ length: columns }, draw);
  };
  const count = exhaustive ? gridSize : repeated.length + DRAWN_INPUTS;
  const batchSize = Math.max(1, Math.min(BATCH_INPUTS, Math.floor(BATCH_NUMBERS / widest)));
  for (let first = 0; first < count; first += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, count - first) }, (_, k) => inputAt(first + k));
    const outputs = kept(batch);
    // The target's own sums stay below 2^53: its weights are in coarser units than those of the random network.
    if (!outputs) return NOT_RUN;
    const differing = target(batch).findIndex((output, i) => output !== outputs[i]);
    if (differing >= 0)
      return {
        inputs: first + batch.length,
        exhaustive,
        difference: batch[Math.floor(differing / outputCount)],
      };
  }
  return { inputs: count, exhaustive, difference: undefined };
}
