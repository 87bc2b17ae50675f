// Puts a graph together from its parts: names become indices, shapes and shifts follow, and what does not fit is refused with
// the name of its node.

import { Described, RequestError } from "../errors.ts";
import type { Quantizer } from "../network.ts";
import {
  imageOf,
  nodeRange,
  inputRange,
  sizeOf,
  windowOutput,
  type Epilogue,
  type Graph,
  type GraphInput,
  type GraphNode,
  type Shape,
  type ValueRange,
  type Window,
} from "./model.ts";

/** The name by which nodes read the input of the graph. */
export const INPUT = "input";

/** The most nodes of a graph, the most elements of a value, and the most weights of a graph. */
export const MAX_NODES = 1000;
export const MAX_ELEMENTS = 2 ** 24;
export const MAX_WEIGHTS = 2 ** 24;

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
  | (PartBase & { readonly kind: "max-pool"; readonly window: Window })
  | (PartBase &
      Rounding & { readonly kind: "average-pool"; readonly window: Window; readonly countPadding: boolean })
  | (PartBase & { readonly kind: "flatten" })
  | (PartBase & Rounding & { readonly kind: "add" });

/**
 * The graph of parts.
 * @throws {RequestError} For names that occur twice or are not defined before they are used, values that nothing reads, shapes
 * that do not fit, sizes beyond limits, and sums that could exceed 2^53.
 */
export function buildGraph(input: GraphInput, parts: readonly GraphPart[]): Graph {
  if (parts.length < 1 || parts.length > MAX_NODES)
    throw new RequestError("nodes", `1..${MAX_NODES}`, parts.length);
  checkSize(INPUT, input.shape);
  const indices = new Map([[INPUT, 0]]);
  const ranges: ValueRange[] = [inputRange(input)];
  const isRead = new Set<number>();
  let weights = 0;
  const nodes = parts.map((part, i): GraphNode => {
    const name = part.name ?? `${part.kind}${i + 1}`;
    if (indices.has(name)) throw new RequestError(`nodes.${i}.name`, "a name that no other node has", name);
    const from = readsOf(part, i, name, indices);
    for (const value of from) isRead.add(value);
    if ("weights" in part) weights += part.weights.length;
    if (weights > MAX_WEIGHTS)
      throw new RequestError(name, `at most ${MAX_WEIGHTS} weights up to here`, weights);
    const reads = from.map((value) => ranges[value]!);
    const node = nodeOf(part, name, from, reads);
    checkSize(name, node.shape);
    ranges.push(nodeRange(node, reads));
    indices.set(name, i + 1);
    return node;
  });
  const unread = ranges.findIndex((_, value) => value < nodes.length && !isRead.has(value));
  if (unread >= 0)
    throw new RequestError(
      unread === 0 ? INPUT : nodes[unread - 1]!.name,
      "a node that reads it, or to be the last node, which is the output",
      new Described("neither"),
    );
  return { input, nodes };
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
        "nodes that are listed before it",
        read,
        "nodes are listed in the order in which they are computed, so that there are no cycles",
      );
    return index;
  });
}

function nodeOf(
  part: GraphPart,
  name: string,
  from: readonly number[],
  reads: readonly ValueRange[],
): GraphNode {
  const [read] = reads as readonly [ValueRange];
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
      const { kind, weights, biases, outputs, bits } = part;
      if (read.shape.length !== 1)
        throw new RequestError(
          name,
          "an input of one dimension",
          shapeText(read.shape),
          "put a flatten node before it",
        );
      checkCounts(name, weights, outputs, read.shape[0], biases);
      const epilogue = epilogueFor(name, part, bits + read.activationBits);
      return { kind, name, from, shape: [outputs], bits, weights, biases, epilogue };
    }
    case "conv": {
      const { kind, weights, biases, outputs, bits, window, groups } = part;
      requireImage(name, read.shape);
      if (image[0] % groups !== 0 || outputs % groups !== 0)
        throw new RequestError(
          `${name}: groups`,
          `a divisor of ${image[0]} input and ${outputs} output channels`,
          groups,
        );
      checkCounts(name, weights, outputs, (image[0] / groups) * window.size[0] * window.size[1], biases);
      const epilogue = epilogueFor(name, part, bits + read.activationBits);
      const shape = [outputs, ...fitted(name, window, image)] as const;
      return { kind, name, from, shape, bits, weights, biases, window, groups, epilogue };
    }
    case "max-pool":
    case "average-pool": {
      requireImage(name, read.shape);
      const shape = [image[0], ...fitted(name, part.window, image)] as const;
      checkWindows(name, part.window, image, shape);
      const { kind, window } = part;
      if (kind === "max-pool") return { kind, name, from, shape, window, epilogue: unrounded };
      const epilogue = epilogueFor(name, part, read.activationBits);
      return { kind, name, from, shape, window, countPadding: part.countPadding, epilogue };
    }
    case "flatten":
      return { kind: "flatten", name, from, shape: [sizeOf(read.shape)], epilogue: unrounded };
    default: {
      const [a, b] = reads as readonly [ValueRange, ValueRange];
      if (a.shape.join() !== b.shape.join())
        throw new RequestError(
          name,
          "two values of one shape",
          new Described(`${shapeText(a.shape)} and ${shapeText(b.shape)}`),
        );
      const epilogue = epilogueFor(name, part, Math.max(a.activationBits, b.activationBits));
      return { kind: "add", name, from, shape: a.shape, epilogue };
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
  for (const axis of [0, 1] as const)
    for (let at = 0; at < shape[axis + 1]!; at++) {
      const first = at * stride[axis] - padding[axis];
      const reaches = Array.from({ length: size[axis] }, (_, a) => first + a * dilation[axis]).some(
        (place) => place >= 0 && place < image[axis + 1]!,
      );
      if (!reaches)
        throw new RequestError(
          `${name}: padding`,
          "less than the window, so that no window is empty",
          padding,
        );
    }
}
