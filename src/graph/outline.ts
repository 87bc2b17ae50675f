// A graph without its names and numbers: what a ticket says of its target.

import {
  isFactored,
  isLinear,
  isSigned,
  type Graph,
  type GraphInput,
  type GraphNode,
  type LinearNode,
  type Window,
} from "./model.ts";

type Outlined<Node> = Node extends LinearNode
  ? Omit<Node, "name" | "weights" | "biases"> & { readonly biases: boolean }
  : Omit<Node, "name">;

/** A node without its name and numbers; `biases` says whether it has any. */
export type NodeOutline = Outlined<GraphNode>;
export type LinearOutline = Extract<NodeOutline, { readonly kind: LinearNode["kind"] }>;

/** A graph without its names and numbers. Its nodes are known by their indices. */
export interface GraphOutline {
  readonly input: GraphInput;
  readonly nodes: readonly NodeOutline[];
}

export function outlineOfGraph({ input, nodes }: Graph): GraphOutline {
  return {
    input,
    nodes: nodes.map((node): NodeOutline => {
      if (!isLinear(node)) {
        const { name: _, ...rest } = node;
        return rest;
      }
      const { name: _, weights: __, biases, ...rest } = node;
      return { ...rest, biases: biases !== undefined };
    }),
  };
}

/** A graph of an outline, whose layers have no weights yet. Nodes are named by their kinds and numbers. */
export function graphOf({ input, nodes }: GraphOutline): Graph {
  return {
    input,
    nodes: nodes.map((node, i): GraphNode => {
      const name = `${node.kind}${i + 1}`;
      if (!isLinear(node)) return { ...node, name };
      const numbers = { weights: new Int32Array(), biases: node.biases ? new Int32Array() : undefined };
      return { ...node, name, ...numbers };
    }),
  };
}

/** Whether each value can be negative: entry 0 is the input, entry i + 1 the output of node i. */
export function signsOf({ input, nodes }: Pick<Graph, "input" | "nodes">): boolean[] {
  const signs = [!input.nonnegative];
  for (const node of nodes)
    signs.push(
      isSigned(
        node,
        node.from.map((value) => signs[value]!),
      ),
    );
  return signs;
}

/** The JSON of an outline, the same text for equal outlines. */
export function outlineText({ input, nodes }: GraphOutline): string {
  const { shape, activationBits, nonnegative } = input;
  return JSON.stringify({ input: { shape, activationBits, nonnegative }, nodes: nodes.map(ordered) });
}

/** A node with its fields in a fixed order. */
function ordered(node: NodeOutline): object {
  const { kind, from, shape, epilogue } = node;
  const { activationBits, shift, quantizer, relu, clamp } = epilogue;
  const layer = isLinear(node) && { bits: node.bits, biases: node.biases };
  const inner = isFactored(node) && { inner: node.inner };
  const window = "window" in node && { window: orderedWindow(node.window) };
  const groups = node.kind === "conv" && { groups: node.groups };
  const countPadding = node.kind === "average-pool" && { countPadding: node.countPadding };
  const rounding = { epilogue: { activationBits, shift, quantizer, relu, clamp } };
  return { kind, from, shape, ...layer, ...inner, ...window, ...groups, ...countPadding, ...rounding };
}

function orderedWindow({ size, stride, padding, dilation }: Window): Window {
  return { size, stride, padding, dilation };
}
