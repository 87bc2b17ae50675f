// A network with convolutions, pools or additions as it is in a file, of integers or of real numbers, and its forward pass in
// float64.

import { RequestError } from "../errors.ts";
import { MAX_PRODUCTS } from "../graph/build.ts";
import { imageOf, sizeOf, type Shape, type Window } from "../graph/model.ts";
import { realWeights, type GivenLayer } from "./given.ts";

interface NodeBase {
  /** How errors name the operator that it comes from. */
  readonly what: string;
  /** What it reads: 0 is the input of the graph, i + 1 the output of node i. */
  readonly from: readonly number[];
  /** The shape of its output: [features] or [channels, height, width]. */
  readonly shape: Shape;
}

/** A node with weights. A row of a convolution has a number for each input channel of its group and each tap. */
export interface GivenLinear extends NodeBase {
  readonly kind: "dense" | "conv";
  readonly layer: GivenLayer;
  /** Undefined for a dense layer. */
  readonly window: Window | undefined;
  readonly groups: number;
  readonly relu: boolean;
}

export type GivenNode =
  | GivenLinear
  | (NodeBase & { readonly kind: "max-pool"; readonly window: Window })
  | (NodeBase & {
      readonly kind: "average-pool";
      readonly window: Window;
      /** Whether padding counts as zeros. */
      readonly countPadding: boolean;
      readonly relu: boolean;
    })
  | (NodeBase & { readonly kind: "flatten" })
  | (NodeBase & { readonly kind: "add"; readonly relu: boolean });

/** The nodes of a file, and what else is to be said of it. */
export interface GivenGraph {
  /** The shape of the input. */
  readonly input: Shape;
  /** In the order in which they are computed. The last one is the output. */
  readonly nodes: readonly GivenNode[];
  /** Whether all numbers are integers without scales, which are then the integers of the network. */
  readonly integer: boolean;
  /** Sentences about parts of the file that the network leaves out. */
  readonly notes: readonly string[];
}

/** Whether a file has a graph, and no chain of dense layers. */
export function isGivenGraph(given: object): given is GivenGraph {
  return "nodes" in given;
}

export function isGivenLinear(node: GivenNode): node is GivenLinear {
  return node.kind === "dense" || node.kind === "conv";
}

/** The shapes of all values: entry 0 is the input, entry i + 1 the output of node i. */
export function shapesOf({ input, nodes }: Pick<GivenGraph, "input" | "nodes">): Shape[] {
  return [input, ...nodes.map(({ shape }) => shape)];
}

/**
 * The number of multiplications of one input, with those by padding.
 * @throws {RequestError} Where it would take minutes to run one input.
 */
export function productsOf(nodes: readonly GivenNode[]): number {
  let products = 0;
  for (const node of nodes)
    products += isGivenLinear(node)
      ? sizeOf(node.shape) * node.layer.columns
      : "window" in node
        ? sizeOf(node.shape) * node.window.size[0] * node.window.size[1]
        : 0;
  if (products > MAX_PRODUCTS)
    throw new RequestError("network", `at most ${MAX_PRODUCTS} multiplications for an input`, products);
  return products;
}

/**
 * Runs one input through a graph of real numbers.
 * @param input Row by row.
 * @returns The outputs, row by row.
 */
export function forwardGiven(graph: GivenGraph, input: Float64Array): Float64Array {
  return givenValues(graph, input).at(-1)!;
}

/** All values of a graph for one input: entry 0 is the input, entry i + 1 the output of node i. */
export function givenValues(graph: GivenGraph, input: Float64Array): Float64Array[] {
  const shapes = shapesOf(graph);
  const values = [input];
  for (const node of graph.nodes)
    values.push(
      valuesOf(
        node,
        node.from.map((value) => ({ values: values[value]!, shape: shapes[value]! })),
      ),
    );
  return values;
}

interface Read {
  readonly values: Float64Array;
  readonly shape: Shape;
}

function valuesOf(node: GivenNode, [first, second]: readonly Read[]): Float64Array {
  const read = first!;
  switch (node.kind) {
    case "flatten":
      return read.values;
    case "add":
      return rectified(
        read.values.map((value, i) => value + second!.values[i]!),
        node.relu,
      );
    case "dense":
    case "conv":
      return rectified(linear(node, read), node.relu);
    case "max-pool": {
      const result = new Float64Array(sizeOf(node.shape)).fill(-Infinity);
      eachRun(node.window, read.shape, node.shape, ({ input, step, output, count }) => {
        for (let i = 0; i < count; i++)
          result[output + i] = Math.max(result[output + i]!, read.values[input + i * step]!);
      });
      return result;
    }
    default: {
      const [sums, counts] = [new Float64Array(sizeOf(node.shape)), new Float64Array(sizeOf(node.shape))];
      eachRun(node.window, read.shape, node.shape, ({ input, step, output, count }) => {
        for (let i = 0; i < count; i++) {
          sums[output + i]! += read.values[input + i * step]!;
          counts[output + i]!++;
        }
      });
      const all = node.window.size[0] * node.window.size[1];
      return rectified(
        sums.map((sum, i) => sum / (node.countPadding ? all : counts[i]!)),
        node.relu,
      );
    }
  }
}

function rectified(values: Float64Array, relu: boolean): Float64Array {
  return relu ? values.map((value) => Math.max(value, 0)) : values;
}

const POINT: Window = { size: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/** A convolution; a dense layer is one of a single point, whose features are channels. */
function linear({ layer, window = POINT, groups, shape }: GivenLinear, read: Read): Float64Array {
  const { rows, columns, biases } = layer;
  const weights = realWeights(layer);
  const [channels, height, width] = imageOf(read.shape);
  const image = imageOf(shape);
  const points = image[1] * image[2];
  const taps = window.size[0] * window.size[1];
  const perGroup = channels / groups;
  const result = new Float64Array(sizeOf(shape));
  biases?.forEach((bias, row) => result.fill(bias, row * points, (row + 1) * points));
  // Channel by channel: a channel of the input and a channel of the output are in use at a time.
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < perGroup; i++) {
      const from = (Math.floor((row * groups) / rows) * perGroup + i) * height * width;
      const kernel = row * columns + i * taps;
      eachRun(window, [1, height, width], [1, image[1], image[2]], ({ input, step, output, count, tap }) => {
        const weight = weights[kernel + tap]!;
        for (let k = 0; k < count; k++)
          result[row * points + output + k]! += weight * read.values[from + input + k * step]!;
      });
    }
  return result;
}

/** Numbers of an input that a tap of a window brings to consecutive numbers of an output. */
interface Run {
  /** The first number of the input, how far apart they are, the first number of the output, and how many there are. */
  readonly input: number;
  readonly step: number;
  readonly output: number;
  readonly count: number;
  readonly tap: number;
}

/** Calls `visit` with all numbers of all windows inside of the image, row by row. */
function eachRun(
  { size, stride, padding, dilation }: Window,
  before: Shape,
  behind: Shape,
  visit: (run: Run) => void,
): void {
  const [channels, height, width] = imageOf(before);
  const [, rows, columns] = imageOf(behind);
  const step = stride[1];
  for (let b = 0; b < size[1]; b++) {
    const left = b * dilation[1] - padding[1];
    const first = Math.max(0, Math.ceil(-left / step));
    const count = Math.min(columns, Math.floor((width - 1 - left) / step) + 1) - first;
    if (count <= 0) continue;
    for (let c = 0; c < channels; c++)
      for (let a = 0; a < size[0]; a++)
        for (let y = 0; y < rows; y++) {
          const row = y * stride[0] + a * dilation[0] - padding[0];
          if (row < 0 || row >= height) continue;
          const input = (c * height + row) * width + first * step + left;
          visit({ input, step, output: (c * rows + y) * columns + first, count, tap: a * size[1] + b });
        }
  }
}
