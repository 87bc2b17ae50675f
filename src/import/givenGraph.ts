// A network with convolutions, pools or additions as it is in a file, of integers or of real numbers, and its forward pass in
// float64.

import { RequestError } from "../errors.ts";
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

/** The most multiplications of one input. */
const MAX_PRODUCTS = 2 ** 31;

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
  const shapes = shapesOf(graph);
  const values = [input];
  for (const node of graph.nodes)
    values.push(
      valuesOf(
        node,
        node.from.map((value) => ({ values: values[value]!, shape: shapes[value]! })),
      ),
    );
  return values.at(-1)!;
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
      eachTap(node.window, read.shape, node.shape, (input, output) => {
        if (read.values[input]! > result[output]!) result[output] = read.values[input]!;
      });
      return result;
    }
    default: {
      const [sums, counts] = [new Float64Array(sizeOf(node.shape)), new Float64Array(sizeOf(node.shape))];
      eachTap(node.window, read.shape, node.shape, (input, output) => {
        sums[output]! += read.values[input]!;
        counts[output]!++;
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
      eachTap(window, [1, height, width], [1, image[1], image[2]], (input, output, tap) => {
        result[row * points + output]! +=
          weights[row * columns + i * taps + tap]! * read.values[from + input]!;
      });
    }
  return result;
}

/** Calls `visit` with every number of a window inside of its image, for all windows of all channels. */
function eachTap(
  { size, stride, padding, dilation }: Window,
  before: Shape,
  behind: Shape,
  visit: (input: number, output: number, tap: number) => void,
): void {
  const [channels, height, width] = imageOf(before);
  const [, rows, columns] = imageOf(behind);
  for (let c = 0; c < channels; c++)
    for (let a = 0; a < size[0]; a++)
      for (let b = 0; b < size[1]; b++)
        for (let y = 0; y < rows; y++) {
          const row = y * stride[0] + a * dilation[0] - padding[0];
          if (row < 0 || row >= height) continue;
          for (let x = 0; x < columns; x++) {
            const column = x * stride[1] + b * dilation[1] - padding[1];
            if (column >= 0 && column < width)
              visit((c * height + row) * width + column, (c * rows + y) * columns + x, a * size[1] + b);
          }
        }
}
