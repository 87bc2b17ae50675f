// Networks that are chains of dense layers, in their two forms: as lists of layers, and as graphs.

import { Described, RequestError } from "../errors.ts";
import { boundsOf, type Network } from "../network.ts";
import { buildGraph, type GraphPart } from "./build.ts";
import type { DenseNode, Graph, GraphNode } from "./model.ts";

/**
 * Turns a network into a graph of the same function, with biases in the place of the constant unit.
 * @param bits Weights are integers of -2^bits..2^bits.
 * @param nonnegative Whether inputs are never negative, which halves the subset sums of a ticket's first layer.
 * @example
 * ```ts
 * import { graphOfNetwork, readNetwork } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({ bits: 1, activationBits: 1, layers: [{ weights: [[2, -1]] }] });
 * console.log(graphOfNetwork(network, bits, true).nodes.map(({ kind, shape }) => `${kind} ${shape}`)); // [ 'dense 1' ]
 * ```
 */
export function graphOfNetwork(
  { layers, quantizer, activationBits, clamp, constant }: Network,
  bits: number,
  nonnegative: boolean,
): Graph {
  const inputs = layers[0]!.columns - Number(constant);
  const parts = layers.map((layer, l): GraphPart => {
    const relu = l < layers.length - 1;
    const columns = layer.columns - Number(constant);
    // The last row of a hidden layer passes the constant unit on.
    const outputs = layer.rows - Number(constant && relu);
    const weights = new Int32Array(outputs * columns);
    const biases = new Int32Array(outputs);
    for (let row = 0; row < outputs; row++) {
      const from = row * layer.columns;
      weights.set(layer.weights.subarray(from, from + columns), row * columns);
      biases[row] = layer.weights[from + columns] ?? 0;
    }
    const common = { kind: "dense", bits, outputs, weights, activationBits, quantizer, relu, clamp } as const;
    return { ...common, biases: constant ? biases : undefined };
  });
  return buildGraph({ shape: [inputs], activationBits, nonnegative }, parts);
}

/**
 * Turns a graph into a network, which Theorem 2 takes, if it is a chain of dense layers of one precision with a ReLU behind
 * each but the last, perhaps behind a flatten node.
 * @throws {RequestError} Names the first node that is none of these, or the input where it is never negative.
 * @example
 * ```ts
 * import { networkOfGraph, readGraph } from "exacta/ticket";
 *
 * const graph = readGraph({
 *   input: { shape: [2], activationBits: 1 },
 *   nodes: [{ kind: "dense", bits: 1, activationBits: 1, weights: [[2, -1]] }],
 * });
 * console.log(networkOfGraph(graph).network.layers[0]!.weights); // Int32Array(2) [ 2, -1 ]
 * ```
 */
export function networkOfGraph({ input, nodes }: Graph): { network: Network; bits: number } {
  const { activationBits } = input;
  const layers = nodes.filter((node): node is DenseNode => node.kind === "dense");
  const first = layers[0];
  const { quantizer, clamp } = first?.epilogue ?? { quantizer: "floor", clamp: false };
  const bits = first?.bits ?? 0;
  for (const [i, node] of nodes.entries()) {
    const { epilogue, from } = node;
    const isLast = i === nodes.length - 1;
    if (node.kind === "flatten" && i === 0 && !isLast) continue;
    if (node.kind !== "dense") refuse(node, "a dense layer", new Described(node.kind));
    else if (node.bits !== bits) refuse(node, `weights of ${bits} bits`, node.bits);
    else if (from[0] !== i) refuse(node, "the value before it as its input", new Described("another one"));
    else if (epilogue.activationBits !== activationBits)
      refuse(node, `activations of ${activationBits} bits`, epilogue.activationBits);
    else if (epilogue.quantizer !== quantizer) refuse(node, `the quantizer ${quantizer}`, epilogue.quantizer);
    else if (epilogue.clamp !== clamp) refuse(node, `clamp ${clamp}`, epilogue.clamp);
    else if (epilogue.relu === isLast) refuse(node, `relu ${!isLast}`, epilogue.relu);
  }
  if (input.nonnegative)
    throw new RequestError(
      "input",
      "numbers of both signs",
      new Described("numbers that are never negative"),
    );
  const constant = layers.some(({ biases }) => biases);
  const network: Network = {
    quantizer,
    activationBits,
    clamp,
    constant,
    layers: layers.map((node, l) => {
      const [outputs] = node.shape;
      const inputs = node.weights.length / outputs;
      const columns = inputs + Number(constant);
      const passes = constant && l < layers.length - 1;
      const rows = outputs + Number(passes);
      const weights = new Int32Array(rows * columns);
      for (let row = 0; row < outputs; row++) {
        weights.set(node.weights.subarray(row * inputs, (row + 1) * inputs), row * columns);
        if (node.biases) weights[row * columns + inputs] = node.biases[row]!;
      }
      // A weight of 1 passes the constant unit on.
      if (passes) weights[rows * columns - 1] = 2 ** bits;
      return { rows, columns, weights, shift: bits };
    }),
  };
  boundsOf(network);
  return { network, bits };
}

function refuse({ name }: GraphNode, expected: string, received: unknown): never {
  throw new RequestError(
    name,
    `${expected}, as in the chains of dense layers that Theorem 2 takes`,
    received,
  );
}

/** A graph for inputs that are never negative, if asked; inputs that are never negative stay so. */
export function withInputs(graph: Graph, nonnegative: boolean): Graph {
  return { ...graph, input: { ...graph.input, nonnegative: nonnegative || graph.input.nonnegative } };
}
