// The nodes of a network while a model is read. An activation is an affine map of the output of one of them, its origin. Nodes do
// not change: a ReLU or a factor that a layer takes up makes another layer, and the first one stays for others that read it.

import { RequestError } from "../../errors.ts";
import { MAX_NODES } from "../../graph/build.ts";
import { imageOf, sizeOf, type Shape, type Window } from "../../graph/model.ts";
import { Affine } from "./affine.ts";

interface NodeBase {
  /** How errors name the operator. */
  readonly what: string;
  readonly from: readonly Origin[];
  readonly shape: Shape;
  readonly relu: boolean;
  /** Whether its outputs are never negative. */
  readonly nonnegative: boolean;
  /** The number of nodes on the longest way from the input. */
  readonly depth: number;
}

/** The input of the model. */
interface InputOrigin {
  readonly kind: "input";
  readonly nonnegative: false;
  readonly depth: 0;
}

/** A matrix on features, or a convolution, with `rows` outputs or output channels. */
export interface LayerOrigin extends NodeBase {
  readonly kind: "layer";
  /** Its matrix, factors and shifts; the matrix of a convolution has a column for each input channel of a group and each tap. */
  readonly map: Affine;
  readonly rows: number;
  readonly image: { readonly window: Window; readonly groups: number } | undefined;
}

interface MaxPoolOrigin extends NodeBase {
  readonly kind: "max-pool";
  readonly window: Window;
}

interface AveragePoolOrigin extends NodeBase {
  readonly kind: "average-pool";
  readonly window: Window;
  readonly countPadding: boolean;
}

interface AddOrigin extends NodeBase {
  readonly kind: "add";
}

export type NodeOrigin = LayerOrigin | MaxPoolOrigin | AveragePoolOrigin | AddOrigin;
export type Origin = InputOrigin | NodeOrigin;

export const INPUT_ORIGIN: InputOrigin = { kind: "input", nonnegative: false, depth: 0 };

type WithoutDerived<Node> = Node extends NodeOrigin ? Omit<Node, "nonnegative" | "depth"> : never;

/** @throws {RequestError} For a node behind too many others. */
export function nodeOf(node: WithoutDerived<NodeOrigin>): NodeOrigin {
  const depth = 1 + Math.max(...node.from.map((origin) => origin.depth));
  if (node.kind !== "layer" && depth > MAX_NODES)
    throw new RequestError(node.what, `at most ${MAX_NODES} nodes, one behind the other`, depth);
  const nonnegative = node.relu || (node.kind !== "layer" && node.from.every((origin) => origin.nonnegative));
  return { ...node, depth, nonnegative };
}

/** The points of each channel of a node. */
function pointsOf(shape: Shape): number {
  return sizeOf(shape) / shape[0];
}

/** A map of channels as a map of all their points. */
export function spread(map: Affine, shape: Shape): Affine {
  const points = pointsOf(shape);
  return points === 1
    ? map
    : map.picked(Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(i / points)));
}

/** Whether an average commutes with a shift: padding that counts stays 0. */
export function countsPadding({
  window,
  countPadding,
}: Pick<AveragePoolOrigin, "window" | "countPadding">): boolean {
  return countPadding && window.padding.some((pad) => pad > 0);
}

/**
 * The node whose outputs are those of `origin` after factors and shifts, and perhaps a ReLU; undefined where the node cannot take
 * them up. An average cannot take up what its own ReLU would come before.
 * @param map Has no matrix.
 */
export function absorbed(origin: Origin, map: Affine, relu: boolean): Origin | undefined {
  const { isIdentity } = map;
  if (isIdentity && (!relu || origin.nonnegative)) return origin;
  if (origin.kind === "input") return undefined;
  if (!isIdentity && origin.relu) return undefined;
  const channels = map.ofBlocks(pointsOf(origin.shape));
  if (!channels) return undefined;
  const [from] = origin.from as readonly [Origin];
  switch (origin.kind) {
    case "layer":
      return nodeOf({ ...origin, map: origin.map.followedBy(channels), relu });
    case "add":
      return isIdentity ? nodeOf({ ...origin, relu }) : undefined;
    case "average-pool": {
      if (isIdentity) return nodeOf({ ...origin, relu });
      if (from.kind === "input" || (channels.hasShifts && countsPadding(origin))) return undefined;
      const inner = absorbed(from, spread(channels, from.shape), false);
      return inner && nodeOf({ ...origin, from: [inner], relu });
    }
    case "max-pool": {
      if (from.kind === "input" || !channels.isIncreasing) return undefined;
      const inner = absorbed(from, spread(channels, from.shape), relu);
      return inner && nodeOf({ ...origin, from: [inner] });
    }
    default:
      return origin satisfies never;
  }
}

/** The 1 x 1 convolution of each channel by itself that applies factors and shifts, and perhaps a ReLU. */
export function ofEachChannel(
  what: string,
  from: Origin,
  shape: Shape,
  map: Affine,
  relu: boolean,
): NodeOrigin {
  const [channels] = imageOf(shape);
  const ones = new Float64Array(channels).fill(1);
  const matrix = {
    name: "",
    rows: channels,
    columns: 1,
    values: ones,
    integer: map.exact,
    scales: Float64Array.of(1),
  };
  const window: Window = { size: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };
  return nodeOf({
    kind: "layer",
    what,
    from: [from],
    shape,
    relu,
    map: Affine.identity().times(matrix).followedBy(map),
    rows: channels,
    image: { window, groups: channels },
  });
}
