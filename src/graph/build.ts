// Puts a graph together from its parts: names become indices, shapes and shifts follow, and what does not fit is refused with
// the name of its node.

import { Described, RequestError } from "../errors.ts";
import { MAX_DIVISOR } from "../kernels/pool.ts";
import type { Quantizer } from "../network.ts";
import {
  imageOf,
  isLinear,
  rangesOf,
  rowsOf,
  sizeOf,
  weightBits,
  windowOutput,
  type Epilogue,
  type Graph,
  type GraphInput,
  type GraphNode,
  type Shape,
  type ValueRange,
  type Window,
} from "./model.ts";
import type { GraphOutline, LinearOutline, NodeOutline } from "./outline.ts";

/** The name by which nodes read the input of the graph. */
const INPUT = "input";

/** The most nodes of a graph, the most elements of a value, and the most weights of a graph. */
export const MAX_NODES = 1000;
export const MAX_ELEMENTS = 2 ** 24;
export const MAX_WEIGHTS = 2 ** 24;
/** The most multiplications of one input, those of windows included. */
export const MAX_PRODUCTS = 2 ** 31;
/** The most places of a window, by the number of which an average is divided. */
const MAX_TAPS = MAX_DIVISOR;
/** The largest weight of a product of two matrices, so that engines take it. */
const MAX_PRODUCT = 2 ** 30;

interface PartBase {
  /** Default: its kind and its number among all nodes, such as `conv1`. */
  readonly name?: string | undefined;
  /** The names of what it reads, or `input`. Default: the part before it. */
  readonly from?: readonly string[] | undefined;
}

/** What becomes of sums. */
interface Rounding {
  /** m; `exact` keeps sums in their own unit, without a quantizer. */
  readonly activationBits: number | "exact";
  readonly quantizer: Quantizer;
  readonly relu: boolean;
  readonly clamp: boolean;
}

interface LinearPart extends PartBase, Rounding {
  readonly bits: number;
  readonly weights: Int32Array;
  /** The outputs: features or channels. */
  readonly outputs: number;
  readonly biases?: Int32Array | undefined;
}

/** One node before it is put into its graph. */
export type GraphPart =
  | (LinearPart & { readonly kind: "dense" })
  | (LinearPart & { readonly kind: "conv"; readonly window: Window; readonly groups: number })
  | (LinearPart & { readonly kind: "bilinear" | "product"; readonly inner: number })
  | (PartBase & { readonly kind: "max-pool"; readonly window: Window })
  | (PartBase &
      Rounding & { readonly kind: "average-pool"; readonly window: Window; readonly countPadding: boolean })
  | (PartBase & { readonly kind: "flatten" })
  | (PartBase & Rounding & { readonly kind: "add" });

/** A part without its name and numbers; `biases` says whether it has any. */
type WithoutNumbers<Part> = Part extends LinearPart
  ? Omit<Part, "name" | "from" | "weights" | "biases"> & { readonly biases: boolean }
  : Omit<Part, "name" | "from">;

/** What an outline of a node is built from. Its name is for messages. */
export interface OutlinePart {
  readonly name: string;
  /** The indices of the values that it reads. */
  readonly from: readonly number[];
  readonly part: WithoutNumbers<GraphPart>;
}

/**
 * The graph of parts.
 * @throws {RequestError} For names that occur twice or are not defined before they are used, values that nothing reads, shapes
 * that do not fit, sizes beyond limits, more than 2^31 multiplications for an input, and sums that could exceed 2^53.
 */
export function buildGraph(input: GraphInput, parts: readonly GraphPart[]): Graph {
  const indices = new Map([[INPUT, 0]]);
  const named = parts.map((given, i): OutlinePart => {
    const name = given.name ?? `${given.kind}${i + 1}`;
    if (indices.has(name)) throw new RequestError(`nodes.${i}.name`, "a name that no other node has", name);
    const from = readsOf(given, i, name, indices);
    indices.set(name, i + 1);
    const part = "weights" in given ? { ...given, biases: given.biases !== undefined } : given;
    return { name, from, part };
  });
  const outline = buildOutline(input, named);
  const nodes = outline.nodes.map((node, i): GraphNode => {
    const [part, { name }] = [parts[i]!, named[i]!];
    if (!isLinear(node) || !("weights" in part)) return { ...node, name } as GraphNode;
    const { weights, biases } = part;
    const read = shapeOf(outline, node.from[0]!);
    const rows = rowsOf(node, read[0]);
    checkCounts(name, weights, rows, weightsOf(node, read) / rows, biases);
    return { ...node, name, weights, biases };
  });
  const graph = { input, nodes };
  rangesOf(graph);
  checkProducts(graph);
  return graph;
}

/** @throws {RequestError} Where it would take minutes to run one input. */
function checkProducts({ input, nodes }: Graph): void {
  let products = 0;
  for (const node of nodes) {
    const [channels] = imageOf(node.from[0] === 0 ? input.shape : nodes[node.from[0]! - 1]!.shape);
    const taps = "window" in node ? node.window.size[0] * node.window.size[1] : 1;
    products +=
      sizeOf(node.shape) * taps * (isLinear(node) ? channels / (node.kind === "conv" ? node.groups : 1) : 1);
    if (products > MAX_PRODUCTS)
      throw new RequestError(
        node.name,
        `at most ${MAX_PRODUCTS} multiplications for an input up to here`,
        products,
      );
  }
}

/**
 * The outline of parts: shapes and shifts follow from what they read.
 * @throws {RequestError} For values that nothing reads, shapes that do not fit, and sizes beyond limits.
 */
export function buildOutline(input: GraphInput, parts: readonly OutlinePart[]): GraphOutline {
  if (parts.length < 1 || parts.length > MAX_NODES)
    throw new RequestError("nodes", `1..${MAX_NODES}`, parts.length);
  checkSize(INPUT, input.shape);
  const values: Value[] = [input];
  const isRead = new Set<number>();
  let weights = 0;
  const nodes = parts.map(({ part, name, from }): NodeOutline => {
    for (const value of from) isRead.add(value);
    const reads = from.map((value) => values[value]!);
    const node = nodeOf(part, name, from, reads);
    checkSize(name, node.shape);
    if (isLinear(node)) weights += weightsOf(node, reads[0]!.shape);
    if (weights > MAX_WEIGHTS)
      throw new RequestError(name, `at most ${MAX_WEIGHTS} weights up to here`, weights);
    values.push({ shape: node.shape, activationBits: node.epilogue.activationBits });
    return node;
  });
  const unread = values.findIndex((_, value) => value < nodes.length && !isRead.has(value));
  if (unread >= 0)
    throw new RequestError(
      unread === 0 ? INPUT : parts[unread - 1]!.name,
      "a node that reads it, or to be the last node, which is the output",
      new Described("neither"),
    );
  return { input, nodes };
}

/** What a node needs to know of a value that it reads. */
type Value = Pick<ValueRange, "shape" | "activationBits">;

/** The number of weights of a layer without its biases. */
function weightsOf(node: LinearOutline, read: Shape): number {
  const numbers = rowsOf(node, read[0]) * read[0];
  return node.kind === "conv" ? (numbers / node.groups) * node.window.size[0] * node.window.size[1] : numbers;
}

function shapeOf({ input, nodes }: GraphOutline, value: number): Shape {
  return value === 0 ? input.shape : nodes[value - 1]!.shape;
}

function checkSize(name: string, shape: Shape): void {
  const size = sizeOf(shape);
  if (!(size <= MAX_ELEMENTS)) throw new RequestError(name, `at most ${MAX_ELEMENTS} numbers`, size);
}

/** The indices of the values that a part reads. */
function readsOf(part: GraphPart, i: number, name: string, indices: ReadonlyMap<string, number>): number[] {
  const count = part.kind === "add" ? 2 : 1;
  if (!part.from && count > 1) throw new RequestError(name, "from, with the names of two nodes", undefined);
  if (!part.from) return [i];
  if (part.from.length !== count)
    throw new RequestError(`${name}: from`, count === 1 ? "one name" : "two names", part.from.length);
  return part.from.map((read) => {
    const index = indices.get(read);
    if (index === undefined)
      throw new RequestError(
        `${name}: from`,
        "names of nodes that are listed before it",
        read,
        "nodes are listed in the order in which they are computed, so that there are no cycles",
      );
    return index;
  });
}

function nodeOf(
  part: OutlinePart["part"],
  name: string,
  from: readonly number[],
  reads: readonly Value[],
): NodeOutline {
  const [read] = reads as readonly [Value];
  const image = imageOf(read.shape);
  const unrounded: Epilogue = {
    activationBits: read.activationBits,
    shift: 0,
    quantizer: "floor",
    relu: false,
    clamp: false,
  };
  switch (part.kind) {
    case "dense": {
      const { kind, biases, outputs, bits } = part;
      if (read.shape.length !== 1)
        throw new RequestError(
          name,
          "an input of one dimension",
          shapeText(read.shape),
          "put a flatten node before it",
        );
      const epilogue = epilogueFor(name, part, bits + read.activationBits);
      return { kind, from, shape: [outputs], bits, biases, epilogue };
    }
    case "conv": {
      const { kind, biases, outputs, bits, window, groups } = part;
      requireImage(name, read.shape);
      if (image[0] % groups !== 0 || outputs % groups !== 0)
        throw new RequestError(
          `${name}: groups`,
          `a divisor of ${image[0]} input and ${outputs} output channels`,
          groups,
        );
      const epilogue = epilogueFor(name, part, bits + read.activationBits);
      const shape = [outputs, ...fitted(name, window, image)] as const;
      return { kind, from, shape, bits, biases, window, groups, epilogue };
    }
    case "bilinear":
    case "product": {
      const { kind, outputs, bits, inner } = part;
      if (inner * 4 ** bits > MAX_PRODUCT)
        throw new RequestError(
          `${name}: bits`,
          `products of matrices of at most ${MAX_PRODUCT}`,
          inner * 4 ** bits,
          `a product of matrices with ${inner} columns and rows is at most ${inner} 4^bits`,
        );
      if (kind === "bilinear") requireImage(name, read.shape);
      const points = image[1] * image[2];
      const shape: Shape =
        kind === "bilinear"
          ? [points, image[1], image[2]]
          : read.shape.length === 1
            ? [outputs]
            : [outputs, image[1], image[2]];
      const unit = weightBits(part) + read.activationBits * (kind === "bilinear" ? 2 : 1);
      const epilogue = epilogueFor(name, part, unit);
      return { kind, from, shape, bits, biases: false, inner, epilogue };
    }
    case "max-pool":
    case "average-pool": {
      requireImage(name, read.shape);
      const shape = [image[0], ...fitted(name, part.window, image)] as const;
      checkWindows(name, part.window, image, shape);
      const { kind, window } = part;
      if (kind === "max-pool") return { kind, from, shape, window, epilogue: unrounded };
      const epilogue = epilogueFor(name, part, read.activationBits);
      return { kind, from, shape, window, countPadding: part.countPadding, epilogue };
    }
    case "flatten":
      return { kind: "flatten", from, shape: [sizeOf(read.shape)], epilogue: unrounded };
    default: {
      const [a, b] = reads as readonly [Value, Value];
      if (a.shape.join() !== b.shape.join())
        throw new RequestError(
          name,
          "two values of one shape",
          new Described(`${shapeText(a.shape)} and ${shapeText(b.shape)}`),
        );
      const epilogue = epilogueFor(name, part, Math.max(a.activationBits, b.activationBits));
      return { kind: "add", from, shape: a.shape, epilogue };
    }
  }
}

function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** The most activation bits, in which 2^m and the unit 1 are exact. */
const MAX_ACTIVATION_BITS = 52;

/** The epilogue of sums in units of 2^-unitBits. */
function epilogueFor(
  name: string,
  { activationBits: asked, quantizer, relu, clamp }: Rounding,
  unitBits: number,
): Epilogue {
  const activationBits = asked === "exact" ? unitBits : asked;
  if (activationBits > MAX_ACTIVATION_BITS)
    throw new RequestError(`${name}: activationBits`, `at most ${MAX_ACTIVATION_BITS}`, activationBits);
  return { activationBits, shift: unitBits - activationBits, quantizer, relu, clamp };
}

function requireImage(name: string, shape: Shape): void {
  if (shape.length !== 3)
    throw new RequestError(name, "an input of shape [channels, height, width]", shapeText(shape));
}

/** @throws {RequestError} For weights and biases of another count than shapes ask for. */
function checkCounts(
  name: string,
  weights: Int32Array,
  outputs: number,
  width: number,
  biases: Int32Array | undefined,
): void {
  if (weights.length !== outputs * width)
    throw new RequestError(
      `${name}: weights`,
      `${outputs} times ${width} numbers, as its input has them`,
      weights.length,
    );
  if (biases && biases.length !== outputs)
    throw new RequestError(`${name}: biases`, `${outputs} numbers`, biases.length);
}

/** Height and width of the output of a window. @throws {RequestError} Where the window does not fit into the image. */
function fitted(
  name: string,
  window: Window,
  image: readonly [number, number, number],
): readonly [number, number] {
  const [height, width] = windowOutput(window, image);
  if (window.size[0] * window.size[1] > MAX_TAPS)
    throw new RequestError(
      name,
      `a window of at most ${MAX_TAPS} places`,
      new Described(window.size.join(" x ")),
    );
  if (!(height >= 1 && width >= 1))
    throw new RequestError(
      name,
      `a window that fits into its input of ${image[1]} x ${image[2]}`,
      new Described(`${window.size.join(" x ")} with dilation ${window.dilation.join(", ")}`),
    );
  return [height, width];
}

/** @throws {RequestError} Where some window of a pool has nothing of the image. */
function checkWindows(
  name: string,
  { size, stride, padding, dilation }: Window,
  image: readonly [number, number, number],
  shape: readonly [number, number, number],
): void {
  for (const axis of [0, 1] as const) {
    const length = image[axis + 1]!;
    const firstOf = (at: number) => at * stride[axis] - padding[axis];
    // A window that begins inside the image has a place there. Its places may step over a small image.
    let isEmpty = firstOf(shape[axis + 1]! - 1) >= length;
    for (let at = 0; at < shape[axis + 1]! && firstOf(at) < 0; at++) {
      const steps = Math.ceil(-firstOf(at) / dilation[axis]);
      isEmpty ||= steps >= size[axis] || firstOf(at) + steps * dilation[axis] >= length;
    }
    if (isEmpty)
      throw new RequestError(`${name}: padding`, "less than the window, so that no window is empty", padding);
  }
}
