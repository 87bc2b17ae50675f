// Residual connections y = Q(W x + x) whose sum a layer of the random network takes over: the layer then represents W + 1, and
// the addition is no node of the random network.

import { Described, RequestError } from "../errors.ts";
import {
  isFactored,
  isLinear,
  type AddNode,
  type FactoredNode,
  type Graph,
  type GraphNode,
  type LinearNode,
} from "../graph/model.ts";

/**
 * What becomes of the additions of a graph in its random network:
 * - `identity`: they stay, since they add equal integers
 * - `none`: there are none, and a layer W whose input is added to its output represents W + 1 instead
 * - `random`: likewise, with a random weight from each input to its output that is kept or cut, the same for both signs
 */
export const skips = ["identity", "none", "random"] as const;
/** What becomes of the additions of a graph in its random network: `identity`, `none` or `random`. */
export type Skip = (typeof skips)[number];

/** A graph without the additions that its layers take over. */
interface Skipped {
  readonly graph: Graph;
  /** For each layer with weights that takes over an addition, the tap that reads the input at the place of the output. */
  readonly taps: readonly (number | undefined)[];
}

/**
 * The graph of the random network.
 * @throws {RequestError} Where a skip other than `identity` does not apply, with the name of the node.
 */
export function skipped(graph: Graph, skip: Skip): Skipped {
  const { input, nodes } = graph;
  if (skip === "identity") return { graph, taps: nodes.filter(isLinear).map(() => undefined) };
  const taps = new Map<GraphNode, number>();
  /** The addition that a layer takes over. */
  const sums = new Map<GraphNode, AddNode>();
  for (const node of nodes) {
    if (node.kind !== "add") continue;
    const layer = layerOf(graph, node, skip);
    sums.set(layer, node);
    taps.set(layer, tapOf(layer));
  }
  if (sums.size === 0) throw new RequestError("skip", "identity, where there are no additions", skip);
  const left: GraphNode[] = [];
  // Of each value of the graph, its index without the additions.
  const values = [0];
  for (const node of nodes) {
    if (node.kind === "add") {
      const layer = node.from.find((value) => value > 0 && sums.get(nodes[value - 1]!) === node)!;
      values.push(values[layer]!);
      continue;
    }
    const from = node.from.map((value) => values[value]!);
    values.push(left.push({ ...node, from, epilogue: (sums.get(node) ?? node).epilogue }));
  }
  return { graph: { input, nodes: left }, taps: nodes.filter(isLinear).map((node) => taps.get(node)) };
}

/** A layer that can take over an addition. */
type TakingNode = Exclude<LinearNode, FactoredNode>;

/** The layer whose output an addition adds to the layer's input. */
function layerOf({ nodes }: Graph, { name, from }: AddNode, skip: Skip): TakingNode {
  const refuse = (where: string, expected: string, received: string): never => {
    throw new RequestError(where, `${expected}, for skip ${skip}`, new Described(received));
  };
  const layer = [0, 1]
    .map((i) => ({ node: nodes[from[i]! - 1], other: from[1 - i] }))
    .find(({ node, other }) => node && isLinear(node) && !isFactored(node) && node.from[0] === other)
    ?.node as TakingNode | undefined;
  if (!layer) return refuse(name, "the sum of a layer and the input of that layer", "another sum");
  const { shift, relu, clamp } = layer.epilogue;
  if (shift !== 0 || relu || clamp)
    refuse(layer.name, 'exact sums, activationBits "exact" and no ReLU and no clamp', "rounded ones");
  const value = nodes.indexOf(layer) + 1;
  if (nodes.some((node) => node.name !== name && node.from.includes(value)))
    refuse(layer.name, `an output that only ${name} reads`, "another reader");
  if (layer.kind === "conv" && layer.window.stride.some((stride) => stride !== 1))
    refuse(layer.name, "strides of 1", layer.window.stride.join(", "));
  if (tapOf(layer) < 0) refuse(layer.name, "a tap that reads the input at the place of the output", "none");
  return layer;
}

/** The tap of a window that reads the place of the output, -1 if there is none; 0 in a dense layer. */
function tapOf(layer: TakingNode): number {
  if (layer.kind === "dense") return 0;
  const { size, padding, dilation } = layer.window;
  const [a, b] = [padding[0] / dilation[0], padding[1] / dilation[1]];
  const isInside = Number.isInteger(a) && Number.isInteger(b) && a < size[0] && b < size[1];
  return isInside ? a * size[1] + b : -1;
}
