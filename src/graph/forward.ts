// The definition of a graph's forward pass, in float64, which is exact wherever `rangesOf` does not throw.

import { quantizeBy } from "../network.ts";
import {
  imageOf,
  POINT,
  sizeOf,
  type AveragePoolNode,
  type BilinearNode,
  type ConvNode,
  type Epilogue,
  type Graph,
  type GraphNode,
  type LinearNode,
  type MaxPoolNode,
  type Window,
} from "./model.ts";

/** The output of a sum: divided by `count` 2^shift by the quantizer, rectified, and clamped. */
export function epilogueOf(
  { activationBits, shift, quantizer, relu, clamp }: Epilogue,
  sum: number,
  count = 1,
): number {
  const numerator = shift < 0 ? sum * 2 ** -shift : sum;
  const output = quantizeBy(quantizer, numerator, count * 2 ** Math.max(shift, 0));
  const most = clamp ? 2 ** activationBits : Infinity;
  return Math.min(Math.max(output, relu ? 0 : -most), most);
}

/** The outputs of a layer with weights. */
export type LayerValues = (node: LinearNode, read: Read) => Float64Array;

/**
 * Runs one input through a graph.
 * @param input Integers in the range of the graph's input, row by row.
 * @param layerValues What the layers with weights compute, by default with the weights of their nodes.
 * @returns The output of every node, row by row.
 */
export function graphValues(
  { input: { shape, activationBits }, nodes }: Graph,
  input: ArrayLike<number>,
  layerValues: LayerValues = linearValues,
): Float64Array[] {
  const values: Float64Array[] = [Float64Array.from(input)];
  const shapes = [shape];
  const bits = [activationBits];
  for (const node of nodes) {
    const reads = node.from.map((value) => ({
      values: values[value]!,
      shape: shapes[value]!,
      bits: bits[value]!,
    }));
    values.push(nodeValues(node, reads, layerValues));
    shapes.push(node.shape);
    bits.push(node.epilogue.activationBits);
  }
  return values.slice(1);
}

/**
 * Runs inputs through a graph.
 * @param inputs Shape [samples, elements of the input].
 * @returns Shape [samples, elements of the output].
 */
export function graphForward(graph: Graph, inputs: ArrayLike<number>): Float64Array {
  const columns = sizeOf(graph.input.shape);
  const rows = sizeOf(graph.nodes.at(-1)!.shape);
  const all = Float64Array.from(inputs);
  const outputs = new Float64Array((all.length / columns) * rows);
  for (let k = 0; k * columns < all.length; k++)
    outputs.set(graphValues(graph, all.subarray(k * columns, (k + 1) * columns)).at(-1)!, k * rows);
  return outputs;
}

/** A value that a node reads: its integers, row by row, in units of 2^-bits. */
export interface Read {
  readonly values: Float64Array;
  readonly shape: GraphNode["shape"];
  readonly bits: number;
}

function linearValues(node: LinearNode, read: Read): Float64Array {
  switch (node.kind) {
    case "dense":
      return denseValues(node, read);
    case "conv":
      return windowValues(node, read);
    case "product":
      return windowValues({ ...node, window: POINT, groups: 1 }, read);
    default:
      return bilinearValues(node, read);
  }
}

function nodeValues(node: GraphNode, reads: readonly Read[], layerValues: LayerValues): Float64Array {
  const [first, second] = reads as readonly [Read, Read];
  switch (node.kind) {
    case "dense":
    case "conv":
    case "bilinear":
    case "product":
      return layerValues(node, first);
    case "max-pool":
    case "average-pool":
      return poolValues(node, first);
    case "flatten":
      return first.values;
    default: {
      const finest = Math.max(first.bits, second.bits);
      return first.values.map((value, i) =>
        epilogueOf(
          node.epilogue,
          value * 2 ** (finest - first.bits) + second.values[i]! * 2 ** (finest - second.bits),
        ),
      );
    }
  }
}

function biasOf({ biases }: Pick<LinearNode, "biases">, row: number, { bits }: Read): number {
  return (biases?.[row] ?? 0) * 2 ** bits;
}

function denseValues(node: LinearNode & { readonly kind: "dense" }, read: Read): Float64Array {
  const { weights, shape, epilogue } = node;
  const columns = read.values.length;
  return Float64Array.from({ length: shape[0] }, (_, row) => {
    let sum = biasOf(node, row, read);
    for (let i = 0; i < columns; i++) sum += weights[row * columns + i]! * read.values[i]!;
    return epilogueOf(epilogue, sum);
  });
}

/** Calls `visit` with every place of a window at output point (y, x) that lies inside the image. */
function inside(
  { size, stride, padding, dilation }: Window,
  [, height, width]: readonly [number, number, number],
  [y, x]: readonly [number, number],
  visit: (point: number) => void,
): void {
  for (let a = 0; a < size[0]; a++)
    for (let b = 0; b < size[1]; b++) {
      const row = y * stride[0] + a * dilation[0] - padding[0];
      const column = x * stride[1] + b * dilation[1] - padding[1];
      if (row >= 0 && row < height && column >= 0 && column < width) visit(row * width + column);
    }
}

function windowValues(
  node: Pick<ConvNode, "weights" | "biases" | "shape" | "epilogue" | "window" | "groups">,
  read: Read,
): Float64Array {
  const { weights, window, groups, epilogue } = node;
  const image = imageOf(read.shape);
  const [outputs, height, width] = imageOf(node.shape);
  const [taps, channels] = [window.size[0] * window.size[1], image[0] / groups];
  const result = new Float64Array(outputs * height * width);
  for (let o = 0; o < outputs; o++) {
    const firstChannel = Math.floor((o * groups) / outputs) * channels;
    const sums = result.subarray(o * height * width, (o + 1) * height * width).fill(biasOf(node, o, read));
    for (let i = 0; i < channels; i++)
      for (let tap = 0; tap < taps; tap++)
        addTap(sums, weights[(o * channels + i) * taps + tap]!, firstChannel + i, tap);
    sums.forEach((sum, point) => (sums[point] = epilogueOf(epilogue, sum)));
  }
  return result;

  /** Adds `weight`, times the value of `channel` that lies under `tap`, to each sum of an output channel. */
  function addTap(sums: Float64Array, weight: number, channel: number, tap: number): void {
    if (weight === 0) return;
    const { size, stride, padding, dilation } = window;
    const top = Math.floor(tap / size[1]) * dilation[0] - padding[0];
    const left = (tap % size[1]) * dilation[1] - padding[1];
    for (let y = 0; y < height; y++) {
      const row = y * stride[0] + top;
      if (row < 0 || row >= image[1]) continue;
      const first = (channel * image[1] + row) * image[2];
      for (let x = 0; x < width; x++) {
        const column = x * stride[1] + left;
        if (column >= 0 && column < image[2]) sums[y * width + x]! += weight * read.values[first + column]!;
      }
    }
  }
}

/** Output channel j at point i is the sum of weights[b, a] x_i[a] x_j[b] over the channels a and b. */
function bilinearValues({ weights, epilogue }: BilinearNode, { values, shape }: Read): Float64Array {
  const [channels] = imageOf(shape);
  const points = values.length / channels;
  const result = new Float64Array(points * points);
  for (let i = 0; i < points; i++) {
    const row = Float64Array.from({ length: channels }, (_, b) => {
      let sum = 0;
      for (let a = 0; a < channels; a++) sum += weights[b * channels + a]! * values[a * points + i]!;
      return sum;
    });
    for (let j = 0; j < points; j++) {
      let sum = 0;
      for (let b = 0; b < channels; b++) sum += row[b]! * values[b * points + j]!;
      result[j * points + i] = epilogueOf(epilogue, sum);
    }
  }
  return result;
}

function poolValues(node: MaxPoolNode | AveragePoolNode, read: Read): Float64Array {
  const { window, epilogue } = node;
  const image = imageOf(read.shape);
  const [channels, height, width] = imageOf(node.shape);
  const result = new Float64Array(channels * height * width);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let [largest, sum, count] = [-Infinity, 0, 0];
        inside(window, image, [y, x], (point) => {
          const value = read.values[c * image[1] * image[2] + point]!;
          largest = Math.max(largest, value);
          sum += value;
          count++;
        });
        if (node.kind === "average-pool" && node.countPadding) count = window.size[0] * window.size[1];
        result[(c * height + y) * width + x] =
          node.kind === "max-pool" ? epilogueOf(epilogue, largest) : epilogueOf(epilogue, sum, count);
      }
  return result;
}
