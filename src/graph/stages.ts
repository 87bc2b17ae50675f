// The forward pass of a network as stages, each of which is work of one kernel.
//
// Between stages a value has shape [points, channels]: the channels of one point of an image are adjacent, since each tap of a
// window reads all of them. A list of features is one point. Where a graph needs channels by channels (its input, its output, and
// what a flatten node passes on), a stage transposes the value.

import type { Network } from "../network.ts";
import {
  imageOf,
  isLinear,
  POINT,
  rowsOf,
  sizeOf,
  windowOutput,
  type AveragePoolNode,
  type Epilogue,
  type Graph,
  type GraphNode,
  type LinearNode,
  type Shape,
  type Window,
} from "./model.ts";

interface StageBase {
  /** What it is called in errors. */
  readonly name: string;
  /** What it reads: 0 is the input of the network, i + 1 the output of stage i. */
  readonly from: readonly number[];
}

/** Which points of an image each point of an output reads. */
interface Grid {
  /** The points of the image, and of the output. */
  readonly pixels: number;
  readonly points: number;
  /** How many points of the image a point of the output reads. */
  readonly taps: number;
  /** The points that the points from..to - 1 of the output read, shape [to - from, taps]; -1 lies beside the image. */
  readonly placesOf: (from: number, to: number) => Int32Array<ArrayBuffer>;
}

/** What is computed between the inputs of a layer and its outputs. */
export interface Hidden {
  /** Hidden units of each column. */
  readonly group: number;
  /** Whether hidden units are rectified. */
  readonly rectify: boolean;
  /** The weight of each hidden unit, shape [group, columns], for the rows of a group of channels, counted from 0. */
  readonly unitsOf: (channelGroup: number) => Int32Array<ArrayBuffer>;
  /** The weights of rows from..to - 1, all of one group of channels, shape [to - from, group, columns]. */
  readonly weightsOf: (from: number, to: number) => Int32Array<ArrayBuffer>;
}

/**
 * A layer, perhaps with hidden units between its inputs and its weights. Its columns are the channels of its group at tap 0, then
 * those at tap 1 and so on, and last the constant unit if it has one.
 */
export interface LinearStage extends StageBase, Hidden {
  readonly kind: "linear";
  readonly grid: Grid;
  /** The channels of its input, and the outputs of each point, of all groups together. */
  readonly channels: number;
  readonly rows: number;
  /** The groups of channels, each of which is a layer of its own. */
  readonly groups: number;
  /** m, if its last column is the constant unit 2^m. */
  readonly constantBits: number | undefined;
  readonly epilogue: Epilogue;
}

/** The largest numbers of windows, or quotients of their sums. */
export interface PoolStage extends StageBase {
  readonly kind: "pool";
  readonly grid: Grid;
  readonly channels: number;
  readonly largest: boolean;
  /** What the sums of points from..to - 1 are divided by. */
  readonly divisorsOf: (from: number, to: number) => Uint32Array<ArrayBuffer>;
  /** The bits by which each value that it reads is shifted to the left. Two values lie behind one another. */
  readonly lefts: readonly number[];
  readonly epilogue: Epilogue;
}

/** The products of every point of one value with every point of another: output j of point i is the sum of first[i] second[j]. */
export interface BilinearStage extends StageBase {
  readonly kind: "bilinear";
  readonly grid: Grid;
  /** The numbers of each point of both values, and the outputs of each point, which are as many as there are points. */
  readonly channels: number;
  readonly rows: number;
  readonly epilogue: Epilogue;
}

/** A value of shape [rows, columns] as [columns, rows]. */
interface TransposeStage extends StageBase {
  readonly kind: "transpose";
  readonly rows: number;
  readonly columns: number;
}

export type Stage = LinearStage | PoolStage | BilinearStage | TransposeStage;
/** A stage that a kernel computes. */
export type ComputedStage = Exclude<Stage, { readonly kind: "transpose" }>;

/** A network as stages, the last of which gives its outputs. */
export interface StagedNetwork {
  /** The numbers of an input, and a bound on their magnitude. */
  readonly elements: number;
  readonly largest: number;
  readonly stages: readonly Stage[];
}

/** The numbers of a stage's output. */
export function elementsOf(stage: Stage): number {
  switch (stage.kind) {
    case "linear":
    case "bilinear":
      return stage.grid.points * stage.rows;
    case "pool":
      return stage.grid.points * stage.channels;
    default:
      return stage.rows * stage.columns;
  }
}

/** The columns of each group of a layer. */
export const columnsOfStage = ({ grid, channels, groups, constantBits }: LinearStage): number =>
  (grid.taps * channels) / groups + Number(constantBits !== undefined);

/** Every output reads one point. */
const pointGrid: Grid = { pixels: 1, points: 1, taps: 1, placesOf: (from, to) => new Int32Array(to - from) };

/** A window on an image of shape [channels, height, width]. */
export function windowGrid(window: Window, image: readonly [number, number, number]): Grid {
  const { size, stride, padding, dilation } = window;
  const [, height, width] = image;
  const [rows, columns] = windowOutput(window, image);
  const taps = size[0] * size[1];
  return {
    pixels: height * width,
    points: rows * columns,
    taps,
    placesOf(from, to) {
      const places = new Int32Array((to - from) * taps).fill(-1);
      for (let point = from; point < to; point++)
        for (let tap = 0; tap < taps; tap++) {
          const y =
            Math.floor(point / columns) * stride[0] + Math.floor(tap / size[1]) * dilation[0] - padding[0];
          const x = (point % columns) * stride[1] + (tap % size[1]) * dilation[1] - padding[1];
          if (y >= 0 && y < height && x >= 0 && x < width)
            places[(point - from) * taps + tap] = y * width + x;
        }
      return places;
    },
  };
}

/** One hidden unit of weight 1, not rectified, for each column: the layer itself. */
export function unhidden(
  columns: number,
  weightsOf: (from: number, to: number) => Int32Array<ArrayBuffer>,
): Hidden {
  return { group: 1, rectify: false, unitsOf: () => new Int32Array(columns).fill(1), weightsOf };
}

/** A dense layer of a network that is a chain; the constant unit is one of its columns. */
export function denseStage(
  index: number,
  { columns, rows, ...hidden }: Hidden & { readonly columns: number; readonly rows: number },
  epilogue: Epilogue,
): LinearStage {
  return {
    ...hidden,
    kind: "linear",
    name: `layer ${index + 1} of the pass`,
    from: [index],
    grid: pointGrid,
    channels: columns,
    rows,
    groups: 1,
    constantBits: undefined,
    epilogue,
  };
}

/** The layers of a network that is a chain as stages. */
export function networkStages({ layers, ...activation }: Omit<Network, "constant">): StagedNetwork {
  return {
    elements: layers[0]!.columns,
    largest: 2 ** activation.activationBits,
    stages: layers.map(({ rows, columns, shift, weights }, index) =>
      denseStage(
        index,
        {
          columns,
          rows,
          ...unhidden(columns, (from, to) => weights.slice(from * columns, to * columns)),
        },
        { ...activation, shift, relu: index < layers.length - 1 },
      ),
    ),
  };
}

/** What a node reads. */
export interface Read {
  readonly shape: Shape;
  readonly activationBits: number;
}

/** The points of a value. */
const pointsOf = (shape: Shape): number => sizeOf(shape) / imageOf(shape)[0];

/**
 * The stages of a graph.
 * @param stagesOf The stages of a layer, each of which reads the one before, if they are not the layer itself: a ticket has
 * hidden units and levels there.
 */
export function graphStages(
  { input, nodes }: Graph,
  stagesOf: (node: LinearNode, read: Read, from: number) => readonly LinearStage[] = (...of) => [
    linearStage(...of),
  ],
): StagedNetwork {
  const stages: Stage[] = [];
  const push = (stage: Stage): number => stages.push(stage);
  /** A value as [columns, rows], by a stage if its numbers move. */
  const transposed = (name: string, value: number, rows: number, columns: number): number =>
    rows === 1 || columns === 1 ? value : push({ kind: "transpose", name, from: [value], rows, columns });
  const [inputChannels] = imageOf(input.shape);
  // Of each value of the graph, the value that a stage gives.
  const values = [transposed("input", 0, inputChannels, pointsOf(input.shape))];
  const reads: Read[] = [input];
  for (const node of nodes) {
    const from = node.from.map((value) => values[value]!);
    const read = node.from.map((value) => reads[value]!);
    const first = read[0]!;
    if (node.kind === "flatten")
      values.push(transposed(node.name, from[0]!, pointsOf(first.shape), imageOf(first.shape)[0]));
    else if (isLinear(node)) {
      const stages = stagesOf(node, first, from[0]!);
      const last = stages.slice(0, -1).reduce((value, stage) => push({ ...stage, from: [value] }), from[0]!);
      const stage = { ...stages.at(-1)!, from: [last] };
      values.push(node.kind === "bilinear" ? pushBilinear(stage, push) : push(stage));
    } else values.push(push(poolStage(node, read, from)));
    reads.push({ shape: node.shape, activationBits: node.epilogue.activationBits });
  }
  const { name, shape } = nodes.at(-1)!;
  transposed(name, values.at(-1)!, pointsOf(shape), imageOf(shape)[0]);
  return { elements: sizeOf(input.shape), largest: 2 ** input.activationBits, stages };
}

/** Logits: a layer T^T x_i on every point, whose sums stay exact, and then the products with every point x_j. */
function pushBilinear(stage: LinearStage, push: (stage: Stage) => number): number {
  const { name, from, grid, rows, epilogue } = stage;
  const exact = { ...epilogue, shift: 0, quantizer: "floor", relu: false, clamp: false } as const;
  const products = push({ ...stage, epilogue: exact });
  return push({
    kind: "bilinear",
    name,
    from: [products, ...from],
    grid,
    channels: rows,
    rows: grid.points,
    epilogue,
  });
}

/**
 * A layer of a graph. Of logits it is the first stage, with their epilogue.
 * @param hidden The hidden units between its inputs and its weights, and the shift of sums with them; by default none.
 */
export function linearStage(
  node: LinearNode,
  { shape, activationBits }: Read,
  from: number,
  hidden?: Hidden & { readonly shift: number },
): LinearStage {
  const { name, biases, epilogue } = node;
  const [channels] = imageOf(shape);
  const rows = rowsOf(node, channels);
  const groups = node.kind === "conv" ? node.groups : 1;
  const grid =
    node.kind === "dense"
      ? pointGrid
      : windowGrid(node.kind === "conv" ? node.window : POINT, imageOf(shape));
  const numbers = (grid.taps * channels) / groups;
  const { shift, ...units } = hidden ?? {
    shift: epilogue.shift,
    ...unhidden(numbers + Number(biases !== undefined), (first, end) =>
      columnWeights(node, grid.taps, numbers, first, end),
    ),
  };
  return {
    kind: "linear",
    name,
    from: [from],
    grid,
    channels,
    rows,
    groups,
    constantBits: biases && activationBits,
    epilogue: { ...epilogue, shift },
    ...units,
  };
}

/** The weights of rows from..to - 1 in the order of columns: the `numbers` of all taps, tap by tap, and the bias. */
function columnWeights(
  { weights, biases }: LinearNode,
  taps: number,
  numbers: number,
  from: number,
  to: number,
): Int32Array<ArrayBuffer> {
  const [channels, columns] = [numbers / taps, numbers + Number(biases !== undefined)];
  const result = new Int32Array((to - from) * columns);
  for (let row = from; row < to; row++) {
    const start = (row - from) * columns;
    for (let channel = 0; channel < channels; channel++)
      for (let tap = 0; tap < taps; tap++)
        result[start + tap * channels + channel] = weights[(row * channels + channel) * taps + tap]!;
    if (biases) result[start + numbers] = biases[row]!;
  }
  return result;
}

/** Divisors of sums that are not divided. */
const ones = (from: number, to: number) => new Uint32Array(to - from).fill(1);

/** A pool, or the addition of two values as two points of all their numbers. */
function poolStage(
  node: Exclude<GraphNode, LinearNode | { readonly kind: "flatten" }>,
  reads: readonly Read[],
  from: readonly number[],
): PoolStage {
  const { name, epilogue } = node;
  const { shape } = reads[0]!;
  if (node.kind === "add") {
    const finest = Math.max(...reads.map(({ activationBits }) => activationBits));
    return {
      kind: "pool",
      name,
      from,
      grid: {
        pixels: 2,
        points: 1,
        taps: 2,
        placesOf: (first, end) => Int32Array.from({ length: 2 * (end - first) }, (_, i) => i % 2),
      },
      channels: sizeOf(shape),
      largest: false,
      divisorsOf: ones,
      ...withoutNegativeShift(
        reads.map(({ activationBits }) => finest - activationBits),
        epilogue,
      ),
    };
  }
  const grid = windowGrid(node.window, imageOf(shape));
  return {
    kind: "pool",
    name,
    from,
    grid,
    channels: imageOf(shape)[0],
    largest: node.kind === "max-pool",
    divisorsOf: node.kind === "max-pool" ? ones : (first, end) => counts(node, grid, first, end),
    ...withoutNegativeShift([0], epilogue),
  };
}

/** Sums that are multiplied by 2^-shift are sums of numbers that are. */
function withoutNegativeShift(
  lefts: readonly number[],
  epilogue: Epilogue,
): Pick<PoolStage, "lefts" | "epilogue"> {
  const more = Math.max(-epilogue.shift, 0);
  return { lefts: lefts.map((left) => left + more), epilogue: { ...epilogue, shift: epilogue.shift + more } };
}

/** How many numbers the averages of points from..to - 1 have. */
function counts(
  { countPadding }: AveragePoolNode,
  { taps, placesOf }: Grid,
  from: number,
  to: number,
): Uint32Array<ArrayBuffer> {
  const places = placesOf(from, to);
  return Uint32Array.from({ length: to - from }, (_, i) =>
    countPadding ? taps : places.subarray(i * taps, (i + 1) * taps).filter((place) => place >= 0).length,
  );
}
