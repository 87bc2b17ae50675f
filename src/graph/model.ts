// Integer networks as directed acyclic graphs: dense and convolutional layers, attention, pooling, flattening and additions, each
// with the precision of its own output.
//
// A value of the graph is a tensor of integers in units of 2^-m, m its activation bits: [features] or [channels, height, width],
// row by row. A node computes exact sums in a finer unit, and its quantizer brings them back to the unit of its output. Since
// every node states m, the layers of one network may have different precisions, and a node without a quantizer passes its sums
// on exactly (Kumar & Natale, Definitions 3 to 6).

import { RequestError } from "../errors.ts";
import { MAX_SUM, type Quantizer } from "../network.ts";

/** [features] or [channels, height, width]. */
export type Shape = readonly [number] | readonly [number, number, number];

/** How the sums of a node become its outputs, in this order: quantizer, ReLU, clamp. */
export interface Epilogue {
  /** m: outputs are integers in units of 2^-m, 0..52. */
  readonly activationBits: number;
  /** The bits that the quantizer removes from a sum, -52..52. Sums are multiplied by 2^-shift, exactly, where it is negative. */
  readonly shift: number;
  readonly quantizer: Quantizer;
  readonly relu: boolean;
  /** Whether outputs are clamped to -2^m..2^m. */
  readonly clamp: boolean;
}

interface NodeBase {
  /** Unique in its graph. */
  readonly name: string;
  /** What it reads: 0 is the input of the graph, i + 1 the output of node i. */
  readonly from: readonly number[];
  /** The shape of its output. */
  readonly shape: Shape;
  readonly epilogue: Epilogue;
}

/** What nodes with weights share. */
interface LinearBase extends NodeBase {
  /**
   * k_t: weights and biases are integers of -2^k_t..2^k_t, in units of 2^-k_t. The weights of a factored node are sums of
   * products of two such integers, in units of 2^-(2 k_t).
   */
  readonly bits: number;
  readonly weights: Int32Array;
  /** One for each output feature or channel: the weights of an input that is always 1. */
  readonly biases: Int32Array | undefined;
}

/** A matrix on [inputs]. `weights` has shape [outputs, inputs]. */
export interface DenseNode extends LinearBase {
  readonly kind: "dense";
}

/** A window that slides over an image. Pairs are vertical, horizontal; padding is top, left, bottom, right. */
export interface Window {
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
}

/**
 * A convolution (cross-correlation, as in neural networks) with zero padding. `weights` has shape [output channels, input
 * channels / groups, height, width]. Output channel o reads the input channels of its group, floor(o groups / output channels).
 */
export interface ConvNode extends LinearBase {
  readonly kind: "conv";
  readonly window: Window;
  readonly groups: number;
}

/** A node whose matrix is the product of two, without a ReLU between. Only the product is kept. */
interface FactoredBase extends LinearBase {
  /** The columns of the first matrix, which are the rows of the second one. Weights are at most inner 4^k_t in magnitude. */
  readonly inner: number;
}

/**
 * The logits of attention over the points of an image, its tokens: output channel j at point i is x_i^T T x_j, where x_i are the
 * channels at point i, and T is the product of a matrix of queries and a transposed matrix of keys. `weights` has shape
 * [channels, channels], T transposed.
 */
export interface BilinearNode extends FactoredBase {
  readonly kind: "bilinear";
}

/**
 * The values and the output matrix of attention, on every point: x^T T, where T is the product of two matrices. `weights` has
 * shape [outputs, channels], T transposed.
 */
export interface ProductNode extends FactoredBase {
  readonly kind: "product";
}

/** The largest number of each window and channel. Padding is left out. */
export interface MaxPoolNode extends NodeBase {
  readonly kind: "max-pool";
  readonly window: Window;
}

/**
 * The average of each window and channel. The quantizer divides the exact sum by the count of numbers times 2^shift, once, so
 * that a window of a power of two is a shift.
 */
export interface AveragePoolNode extends NodeBase {
  readonly kind: "average-pool";
  readonly window: Window;
  /** Whether padding counts as zeros. Otherwise a window is divided by the numbers that it has inside the image. */
  readonly countPadding: boolean;
}

/** [channels, height, width] as [features], in that order. */
export interface FlattenNode extends NodeBase {
  readonly kind: "flatten";
}

/** The sum of two values of one shape, each brought exactly to the finer of their units. */
export interface AddNode extends NodeBase {
  readonly kind: "add";
}

/** A layer with weights. */
export type LinearNode = DenseNode | ConvNode | FactoredNode;
/** A node whose matrix is the product of two. */
export type FactoredNode = BilinearNode | ProductNode;
/** A node that reduces windows of one channel. */
export type PoolNode = MaxPoolNode | AveragePoolNode;
/** A node of a graph, told apart by `kind`. */
export type GraphNode = LinearNode | PoolNode | FlattenNode | AddNode;

/** The input of a graph: integers of -2^m..2^m, or of 0..2^m if they are never negative. */
export interface GraphInput {
  readonly shape: Shape;
  /** m, 0..20. */
  readonly activationBits: number;
  readonly nonnegative: boolean;
}

/** A network: every node follows those that it reads, and the last node is the output. */
export interface Graph {
  readonly input: GraphInput;
  readonly nodes: readonly GraphNode[];
}

/** Any network that is a graph, told from a network of the older form. */
export function isGraph(network: object): network is Graph {
  return "nodes" in network;
}

/** A window over a single point. */
export const POINT: Window = { size: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/** The number of elements of a value. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product: number, length) => product * length, 1);
}

/** A value as channels of an image; [features] are channels of one point. */
export function imageOf(shape: Shape): readonly [number, number, number] {
  return shape.length === 1 ? [shape[0], 1, 1] : shape;
}

/** Whether a node is a layer with weights. */
export function isLinear<Node extends { readonly kind: string }>(
  node: Node,
): node is Extract<Node, { readonly kind: LinearNode["kind"] }> {
  return node.kind === "dense" || node.kind === "conv" || isFactored(node);
}

/** Whether the matrix of a node is the product of two. */
export function isFactored<Node extends { readonly kind: string }>(
  node: Node,
): node is Extract<Node, { readonly kind: FactoredNode["kind"] }> {
  return node.kind === "bilinear" || node.kind === "product";
}

/** The bits of the unit of a node's weights, 2^-bits. */
export function weightBits({ kind, bits }: Pick<LinearNode, "kind" | "bits">): number {
  return isFactored({ kind }) ? 2 * bits : bits;
}

/** The rows of a node's weights, given the channels of what it reads: its outputs, but for logits. */
export function rowsOf({ kind, shape }: Pick<LinearNode, "kind" | "shape">, channels: number): number {
  return kind === "bilinear" ? channels : shape[0];
}

/** Whether the output of a node can be negative, given whether what it reads can be. */
export function isSigned(
  { kind, epilogue }: { readonly kind: GraphNode["kind"]; readonly epilogue: Epilogue },
  reads: readonly boolean[],
): boolean {
  return !epilogue.relu && (isLinear({ kind }) || reads.includes(true));
}

/** What a value of a graph may be. */
export interface ValueRange {
  readonly shape: Shape;
  readonly activationBits: number;
  /** Whether it can be negative. */
  readonly signed: boolean;
  /** A bound on the magnitude of its integers. */
  readonly largest: number;
}

/** The range of the graph's input, value 0. */
function inputRange({ shape, activationBits, nonnegative }: GraphInput): ValueRange {
  return { shape, activationBits, signed: !nonnegative, largest: 2 ** activationBits };
}

/**
 * The range of a node's output, and the bound on its sums.
 * @param reads The ranges of what the node reads, in its order.
 * @throws {RequestError} Where a sum could exceed 2^53, beyond which no engine adds exactly.
 */
function nodeRange(node: GraphNode, reads: readonly ValueRange[]): ValueRange & { readonly sum: number } {
  const { name, shape, epilogue } = node;
  const { activationBits, shift, clamp } = epilogue;
  const sum = largestSum(node, reads);
  // The numerator of a quotient is exact as well.
  const numerator = shift < 0 ? sum * 2 ** -shift : sum;
  if (numerator > MAX_SUM)
    throw new RequestError(
      name,
      `sums of at most ${MAX_SUM}`,
      numerator,
      "clamp activations or take fewer bits",
    );
  const count = node.kind === "average-pool" ? leastCount(node) : 1;
  // `floor` and `away` round a magnitude up.
  const output = Math.ceil(numerator / (count * 2 ** Math.max(shift, 0)));
  return {
    shape,
    activationBits,
    signed: isSigned(
      node,
      reads.map(({ signed }) => signed),
    ),
    largest: clamp ? Math.min(output, 2 ** activationBits) : output,
    sum,
  };
}

/** The ranges of all values: entry 0 is the input, entry i + 1 the output of node i. */
export function rangesOf({ input, nodes }: Graph): ValueRange[] {
  const ranges: ValueRange[] = [inputRange(input)];
  for (const node of nodes)
    ranges.push(
      nodeRange(
        node,
        node.from.map((value) => ranges[value]!),
      ),
    );
  return ranges;
}

/** A bound on the magnitude of a node's sums, before its quantizer. */
function largestSum(node: GraphNode, reads: readonly ValueRange[]): number {
  const [{ largest, activationBits }] = reads as readonly [ValueRange];
  switch (node.kind) {
    case "bilinear":
      // Numbers are multiplied by each other even where all weights are 0.
      return (
        Math.max(
          node.weights.reduce((total, weight) => total + Math.abs(weight), 0),
          1,
        ) *
        largest ** 2
      );
    case "dense":
    case "conv":
    case "product": {
      const { weights, biases, shape } = node;
      const rows = shape[0];
      const width = weights.length / rows;
      let most = 0;
      for (let row = 0; row < rows; row++) {
        let sum = Math.abs(biases?.[row] ?? 0) * 2 ** activationBits;
        for (let i = row * width; i < (row + 1) * width; i++) sum += Math.abs(weights[i]!) * largest;
        most = Math.max(most, sum);
      }
      return most;
    }
    case "average-pool":
      return node.window.size[0] * node.window.size[1] * largest;
    case "add": {
      const finest = Math.max(...reads.map((read) => read.activationBits));
      return reads.reduce((sum, read) => sum + read.largest * 2 ** (finest - read.activationBits), 0);
    }
    default:
      return largest;
  }
}

/** The fewest numbers by which an average is divided. */
function leastCount({ window: { size, padding }, countPadding }: AveragePoolNode): number {
  // A corner has the fewest numbers; a bound of 1 is enough where the window is padded.
  return countPadding || padding.every((pad) => pad === 0) ? size[0] * size[1] : 1;
}

/** Height and width of the output of a window, at least 1 where it fits into the image. */
export function windowOutput(
  { size, stride, padding, dilation }: Window,
  [, height, width]: readonly [number, number, number],
): readonly [number, number] {
  const along = (length: number, axis: 0 | 1) =>
    Math.floor(
      (length + padding[axis] + padding[axis + 2]! - (dilation[axis] * (size[axis] - 1) + 1)) / stride[axis],
    ) + 1;
  return [along(height, 0), along(width, 1)];
}
