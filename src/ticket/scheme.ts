// Which random network is pruned to a target, and which subset sums each weight of the target asks for (Kumar & Natale,
// Lemmas 5 to 8, Theorems 1 and 2).
//
// Theorem 1 replaces a layer by a pair of layers. Every input has hidden units of its own, and unit q adds u_q v_q to an
// output for inputs of the sign of u_q. So the products of the kept units with u > 0 must sum to the weight, and, where inputs
// may be negative, those of the kept units with u < 0 too. Theorem 2 does this for the first layer only. It has copies of
// every neuron, and in later layers the weights towards the copies of an input must sum to the weight of that input.
//
// A convolution is a layer whose inputs are channels: the hidden units of a channel serve it at every point, and each tap of a
// window has weights of its own towards them. So a row of its second random layer has a slot for each weight of the target's
// kernel, and a dense layer has a slot for each input.
//
// A factored node (attention) has no ReLU behind its hidden units. Then the products of all kept units, of both signs of u, must
// sum to the weight: one subset sum for any input.
//
// With 0 bits, random weights are -1, 1 and perhaps 0, and their sums are the target weights themselves (scaleBits is 0). A
// target weight w then needs at least |w| items.

import * as z from "zod/mini";
import { Described, RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { itemOf, lawOf, indexedValues, type Law } from "../ensemble.ts";
import { isFactored, isLinear, rowsOf, weightBits, type Graph, type LinearNode } from "../graph/model.ts";
import { graphOf, signsOf, type GraphOutline } from "../graph/outline.ts";
import { quantize, quantizers, type Network, type Outline, type Quantizer } from "../network.ts";
import { streamKey, type WordPair } from "../random.ts";
import { skipped, skips, type Skip } from "./skips.ts";
import { acceptance } from "./support.ts";

/** The most bits of a random weight, so that drawing (ranges below 2^22) and products stay exact. */
const MAX_BITS = 10;
/** The most hidden units or copies of one input. */
export const MAX_UNITS = 10_000;
/** The most layers of a target, the most inputs or outputs of a layer, and the most weights of a random layer. */
export const MAX_LAYERS = 1000;
export const MAX_WIDTH = 2 ** 20;
const MAX_WEIGHTS = 2 ** 31;

/**
 * Which hidden units serve which inputs:
 * - `shared`: every unit serves the inputs of the sign of its u
 * - `halves`: the first half of an input's units serves positive inputs and needs u > 0, the second half serves negative
 *   inputs and needs u < 0, as in the paper's proof of Lemma 5
 */
export const poolings = ["shared", "halves"] as const;
/** Which hidden units serve which inputs: `shared` or `halves`. */
export type Pooling = (typeof poolings)[number];

/** The random network that is pruned: which theorem, which weights, how wide. */
export interface Scheme {
  readonly theorem: 1 | 2;
  /** Random weights are uniform on -2^initialBits..2^initialBits, then reduced to -2^bits..2^bits. */
  readonly initialBits: number;
  readonly bits: number;
  /** How weights are reduced. `away` maps uniform weights without 0 to uniform weights without 0; the others do not. */
  readonly weightQuantizer: Quantizer;
  /** Whether a random weight may be 0: it may in Definition 4, and not in Theorem 2. */
  readonly zero: boolean;
  readonly pools: Pooling;
  /**
   * Whether a product z of two weights is used with probability 1 / r(|z|) only, r(z) the number of factorizations z = a b
   * with a, b in 1..2^bits. For uniform weights the used products are then uniform on all distinct products.
   */
  readonly support: boolean;
  /** Hidden units of each input: one number for every layer of the target (Theorem 1), or for its first layer (Theorem 2). */
  readonly units: readonly number[];
  /** Copies of each neuron, for every layer of the target but the last (Theorem 2); empty for Theorem 1. */
  readonly copies: readonly number[];
}

/** The random network that is pruned to a graph, by Theorem 1. The lists have a number for each layer with weights. */
export interface GraphScheme extends Omit<Scheme, "theorem" | "initialBits" | "bits" | "copies"> {
  readonly theorem: 1;
  readonly initialBits: readonly number[];
  readonly bits: readonly number[];
  /**
   * Copies of each power of two, where weights of more bits are made in depth from weights of 0 bits. Without it, every layer of
   * the target is a pair of layers.
   */
  readonly copies?: readonly number[];
  readonly skip: Skip;
}

const bits = integer(0, MAX_BITS);
// Without this bound the header of a small ticket file could ask for a network of any size.
const counts = z.array(integer(1, MAX_UNITS), `integers in 1..${MAX_UNITS}`);
const common = {
  weightQuantizer: z.enum(quantizers, `one of ${quantizers.join(", ")}`),
  zero: z.boolean("true or false"),
  pools: z.enum(poolings, `one of ${poolings.join(", ")}`),
  support: z.boolean("true or false"),
  units: counts,
};
const schemeSchema = z.strictObject({
  theorem: z.union([z.literal(1), z.literal(2)], "1 or 2"),
  bits,
  initialBits: bits,
  ...common,
  copies: counts,
});
const bitsList = z.array(bits, `integers in 0..${MAX_BITS}`);
const graphSchemeSchema = z.strictObject({
  theorem: z.literal(1, "1"),
  bits: bitsList,
  initialBits: bitsList,
  ...common,
  skip: z.enum(skips, `one of ${skips.join(", ")}`),
  copies: z.optional(counts),
});
const widthsSchema = z.object({
  widths: z
    .array(integer(1, MAX_WIDTH), "a list of integers")
    .check(z.minLength(2, "inputs and outputs"), z.maxLength(MAX_LAYERS + 1, `at most ${MAX_LAYERS} layers`)),
});

/** One layer of the random network: a matrix of shape [rows, columns]. */
export interface RandomLayer {
  /**
   * - `hidden`: every input has `group` rows of its own, each with the weight of that input and no other. A row with a random
   *   weight for each output follows where skips are random
   * - `level`: every input has `group` rows of its own, each with `fan` weights towards units of that input in the layer before
   * - `pooled`: the weights of every output towards the `group` hidden units of each input, or towards its rows of the last level
   * - `direct`: the weights of every output towards the `group` copies of each input
   */
  readonly kind: "hidden" | "level" | "pooled" | "direct";
  readonly rows: number;
  readonly columns: number;
  /** How many low bits the quantizer drops from a sum; 0 where sums are not quantized. */
  readonly shift: number;
  /** The index of the target layer that it represents, among the layers with weights. */
  readonly layer: number;
  /** The inputs of that layer, or its input channels and one more for biases; its outputs, and the rows for each output. */
  readonly inputs: number;
  readonly outputs: number;
  readonly copies: number;
  readonly group: number;
  /**
   * The rows of a level that read the same units, and the number of these units; rows block * b to block * b + block - 1 read the
   * units fan * b to fan * b + fan - 1. A hidden layer reads its inputs likewise.
   */
  readonly block: number;
  readonly fan: number;
  /**
   * The weights that an output of the target has: a slot for each channel of its group and each tap of the window, channel by
   * channel, and a last slot for the bias, if there are any.
   */
  readonly slots: number;
  /** The height and the width of the window of a convolution. */
  readonly taps: readonly [number, number] | undefined;
  readonly groups: number;
  /** Whether the last input is the constant unit of biases, which is never negative. */
  readonly constant: boolean;
  /**
   * The addition of a layer's inputs that its weights take over: the tap to which `weight`, 1 in the units of the target, is
   * added on the diagonal, and what the random weights of skips are multiplied by, 0 where there are none.
   */
  readonly skip: { readonly tap: number; readonly weight: number; readonly edge: number } | undefined;
  /** A weight w of the target is the subset sum w 2^scaleBits. */
  readonly scaleBits: number;
  /** Whether hidden units are rectified. Otherwise units of both signs serve all inputs, and a weight needs one subset sum. */
  readonly rectified: boolean;
  /** Whether inputs may be negative, so that every weight needs a subset sum for each sign of its input. */
  readonly signed: boolean;
}

/**
 * The random network for a target, layer by layer.
 * @param widths The inputs of the target, then the outputs of each of its layers.
 * @param targetBits Target weights are integers of -2^targetBits..2^targetBits.
 * @throws {RequestError} For a scheme that cannot represent the target, or with a layer of more than 2^31 weights.
 */
export function layersOf(widths: readonly number[], targetBits: number, scheme: Scheme): RandomLayer[] {
  parse(widthsSchema, { widths });
  parse(schemeSchema, scheme, "scheme");
  const depth = widths.length - 1;
  checkScheme(depth, targetBits, scheme);
  return checkCounts(widths.slice(1).flatMap((_, layer) => randomLayers(widths, targetBits, scheme, layer)));
}

/** The random network of a ticket, layer by layer. @throws {RequestError} As `layersOf` does. */
export function ticketLayers({ target, scheme }: Architecture): RandomLayer[] {
  return "nodes" in target
    ? graphLayersOf(graphOf(target), scheme as GraphScheme)
    : layersOf(target.widths, target.bits, scheme as Scheme);
}

/** The outline of a target and the random network that is pruned to it. */
export type Architecture =
  | { readonly target: Outline; readonly scheme: Scheme }
  | { readonly target: GraphOutline; readonly scheme: GraphScheme };

/**
 * The random network for a graph: two layers for each layer with weights, or one for each power of two and one more, in the order
 * of the nodes. The weights do not matter.
 * @throws {RequestError} For a scheme that cannot represent the target, or with a layer of more than 2^31 weights.
 */
export function graphLayersOf(target: Graph, scheme: GraphScheme): RandomLayer[] {
  const { skip, pools, support } = parse(graphSchemeSchema, scheme, "scheme");
  if (skip === "random" && (pools !== "shared" || support))
    throw new RequestError("skip", "identity or none with halves or support", skip);
  if (scheme.copies) checkDepth(scheme);
  const { graph, taps } = skipped(target, skip);
  const nodes = linearNodesOf(graph);
  if (nodes.length === 0)
    throw new RequestError("network", "a layer with weights or more", new Described("none"));
  const factored = nodes.find(({ node }) => isFactored(node))?.node;
  if (scheme.copies && factored) refuseInDepth(factored.name, "dense or conv", factored.kind);
  for (const name of ["bits", "initialBits", "units", "copies"] as const) {
    const list = scheme[name];
    if (list && list.length !== nodes.length)
      throw new RequestError(name, `${nodes.length} numbers for ${nodes.length} layers`, list.length);
  }
  return checkCounts(nodes.flatMap((node, layer) => graphLayers(node, layer, scheme, taps[layer])));
}

/** A layer of a graph, the number of features or channels that it reads, and whether they can be negative. */
interface LinearRead {
  readonly node: LinearNode;
  readonly channels: number;
  readonly signed: boolean;
}

/** The layers with weights of a graph. */
function linearNodesOf(graph: Graph): LinearRead[] {
  const signs = signsOf(graph);
  return graph.nodes.flatMap((node) => {
    if (!isLinear(node)) return [];
    const value = node.from[0]!;
    const { shape } = value === 0 ? graph.input : graph.nodes[value - 1]!;
    return [{ node, channels: shape[0], signed: signs[value]! }];
  });
}

function refuseInDepth(field: string, expected: string, received: unknown): never {
  throw new RequestError(field, `${expected}, for weights in depth`, received);
}

/** @throws {RequestError} Where a scheme that makes weights in depth has what only pairs of layers can have. */
function checkDepth({ bits: k, initialBits, pools, support, skip }: GraphScheme): void {
  for (const [field, list] of Object.entries({ bits: k, initialBits }))
    if (list.some((own) => own !== 0))
      refuseInDepth(
        field,
        "0",
        list.find((own) => own !== 0),
      );
  if (pools !== "shared") refuseInDepth("pools", "shared", pools);
  if (support) refuseInDepth("support", "false", support);
  if (skip !== "identity") refuseInDepth("skip", "identity", skip);
}

function graphLayers(
  { node, channels, signed }: LinearRead,
  layer: number,
  scheme: GraphScheme,
  skipTap: number | undefined,
): RandomLayer[] {
  const { initialBits, bits: k } = lawAt(scheme, 2 * layer);
  const targetBits = weightBits(node);
  checkBits(1, targetBits, k, initialBits, {
    field: `initialBits.${layer}`,
    target: `target bits of ${node.name}`,
  });
  const group = scheme.units[layer]!;
  checkHalves(scheme.pools, group, layer);
  const constant = node.biases !== undefined;
  const outputs = rowsOf(node, channels);
  const [taps, groups] = node.kind === "conv" ? [node.window.size, node.groups] : [undefined, 1];
  const inputs = channels + Number(constant);
  const slots = (channels / groups) * tapCount(taps) + Number(constant);
  const scaleBits = Math.max(2 * k - targetBits, 0);
  const rectified = !isFactored(node);
  const isRandom = scheme.skip === "random";
  const skip =
    skipTap === undefined ? undefined : { tap: skipTap, weight: 2 ** node.bits, edge: isRandom ? 2 ** k : 0 };
  const common = {
    layer,
    inputs,
    outputs,
    copies: 1,
    group,
    slots,
    taps,
    groups,
    constant,
    scaleBits,
    rectified,
    signed: signed && rectified,
    skip,
  };
  const shift = node.epilogue.shift + scaleBits;
  const hidden = inputs * group + (skip?.edge ? outputs : 0);
  const levels = levelsOf(node, common, scheme.copies?.[layer]);
  const last = levels.at(-1)?.group ?? group;
  return [
    { ...common, kind: "hidden", rows: hidden, columns: inputs, shift: 0, block: group, fan: 1 },
    ...levels,
    { ...common, kind: "pooled", rows: outputs, columns: slots * last, shift, group: last, block: 1, fan: 1 },
  ];
}

/**
 * The levels 1..k_t of a layer whose weights are made in depth. Level j has `copies` rows for each sign of an input and each
 * power 1, 2, ..., 2^j, power by power.
 */
function levelsOf(
  { bits: targetBits, name }: LinearNode,
  common: Pick<RandomLayer, "inputs" | "group" | "signed"> &
    Omit<RandomLayer, "kind" | "rows" | "columns" | "shift" | "block" | "fan">,
  copies: number | undefined,
): RandomLayer[] {
  const { inputs, group: units, signed } = common;
  const signs = signed ? 2 : 1;
  const last = signs * (copies ?? 0) * (targetBits + 1);
  // The sums of a row of the network then stay below 2^31.
  if (last * 2 ** targetBits >= 2 ** 31)
    throw new RequestError("copies", `fewer for the ${targetBits} bits of ${name}`, copies);
  return Array.from({ length: copies ? targetBits : 0 }, (_, below): RandomLayer => {
    const half = copies! * (below + 2);
    const group = signs * half;
    // Level 1 reads all units of an input, since their signs are random.
    const [block, fan] = below === 0 ? [group, units] : [half, copies! * (below + 1)];
    const columns = inputs * (below === 0 ? units : signs * copies! * (below + 1));
    return { ...common, kind: "level", rows: inputs * group, columns, shift: 0, group, block, fan };
  });
}

/** @throws {RequestError} For a layer of more than 2^31 weights. */
function checkCounts(layers: RandomLayer[]): RandomLayer[] {
  layers.map(weightCount).forEach((weights, l) => {
    if (weights > MAX_WEIGHTS)
      throw new RequestError(
        `mask.${l}`,
        `at most ${MAX_WEIGHTS} weights`,
        weights,
        "ask for fewer units and copies",
      );
  });
  return layers;
}

/** @throws {RequestError} Where the bits or the lists of a scheme do not fit a target of `depth` layers. */
function checkScheme(depth: number, targetBits: number, scheme: Scheme): void {
  const { theorem, initialBits, bits: k, pools, units, copies } = scheme;
  checkBits(theorem, targetBits, k, initialBits);
  const lengths = theorem === 1 ? ([depth, 0] as const) : ([1, depth - 1] as const);
  [units, copies].forEach((list, i) => {
    if (list.length !== lengths[i])
      throw new RequestError(
        ["units", "copies"][i]!,
        `${lengths[i]} numbers for theorem ${theorem} and ${depth} layers`,
        list.length,
      );
  });
  units.forEach((count, l) => checkHalves(pools, count, l));
}

/** @throws {RequestError} Where the bits of a layer cannot represent its target. */
function checkBits(
  theorem: 1 | 2,
  targetBits: number,
  k: number,
  initialBits: number,
  names = { field: "initialBits", target: "target bits" },
): void {
  if (k > initialBits) throw new RequestError(names.field, `at least bits, ${k}`, initialBits);
  const finest = theorem === 1 ? 2 * k : k;
  if (targetBits > finest && k > 0)
    throw new RequestError(
      names.target,
      `at most ${finest} for theorem ${theorem} and ${k} bits`,
      targetBits,
    );
}

function checkHalves(pools: Pooling, units: number, layer: number): void {
  if (pools === "halves" && units % 2 > 0)
    throw new RequestError(`units.${layer}`, "an even number for halves", units);
}

/** The layers of the random network that represent one layer of the target: a pair, or one `direct` layer. */
function randomLayers(
  widths: readonly number[],
  targetBits: number,
  { theorem, bits: k, units, copies: copiesOf }: Scheme,
  layer: number,
): RandomLayer[] {
  const [inputs, outputs] = [widths[layer]!, widths[layer + 1]!];
  const isLast = layer === widths.length - 2;
  const copies = theorem === 2 && !isLast ? copiesOf[layer]! : 1;
  const common = {
    layer,
    inputs,
    outputs,
    slots: inputs,
    taps: undefined,
    groups: 1,
    constant: false,
    rectified: true,
    signed: layer === 0,
    skip: undefined,
    block: 1,
    fan: 1,
  };
  if (theorem === 2 && layer > 0) {
    const group = copiesOf[layer - 1]!;
    const scaleBits = Math.max(k - targetBits, 0);
    const [rows, columns] = [outputs * copies, inputs * group];
    return [
      { ...common, kind: "direct", rows, columns, shift: targetBits + scaleBits, copies, group, scaleBits },
    ];
  }
  const group = units[layer]!;
  const scaleBits = Math.max(2 * k - targetBits, 0);
  const hidden = inputs * group;
  return [
    {
      ...common,
      kind: "hidden",
      rows: hidden,
      columns: inputs,
      shift: 0,
      copies: 1,
      group,
      scaleBits,
      block: group,
    },
    {
      ...common,
      kind: "pooled",
      rows: outputs * copies,
      columns: hidden,
      shift: targetBits + scaleBits,
      copies,
      group,
      scaleBits,
    },
  ];
}

/** The number of weights of a layer that may be kept, which its mask numbers row by row. */
export function weightCount(layer: RandomLayer): number {
  return layer.rows * rowLength(layer);
}

/** The weights of a row that may be kept. */
export function rowLength({ kind, columns, fan }: RandomLayer): number {
  return kind === "hidden" || kind === "level" ? fan : columns;
}

const tapCount = (taps: RandomLayer["taps"]) => (taps ? taps[0] * taps[1] : 1);

/** A weight of one output of the target. */
interface Slot {
  /** The input or channel that it is for, and its row and column in the window of a convolution. */
  readonly input: number;
  readonly tap: readonly [number, number] | undefined;
  /** Whether it is a bias. */
  readonly bias: boolean;
  /** Whether the slot needs a subset sum for negative inputs too. */
  readonly signed: boolean;
}

/** The slots of an output of the target. */
export function slotsOf(layer: RandomLayer, output: number): Slot[] {
  const { inputs, outputs, slots, taps, groups, constant, signed } = layer;
  const channels = inputs - Number(constant);
  const first = Math.floor((output * groups) / outputs) * (channels / groups);
  const [count, width] = [tapCount(taps), taps?.[1] ?? 1];
  return Array.from({ length: slots }, (_, slot) => {
    if (constant && slot === slots - 1) return { input: channels, tap: undefined, bias: true, signed: false };
    const tap = slot % count;
    const input = first + Math.floor(slot / count);
    return { input, tap: taps && [Math.floor(tap / width), tap % width], bias: false, signed };
  });
}

/** The slot of an output on the diagonal, where the input at its own place is; undefined where no addition is taken over. */
export function skipSlot(
  { inputs, constant, groups, taps, skip }: RandomLayer,
  output: number,
): number | undefined {
  const channels = (inputs - Number(constant)) / groups;
  return skip && (output % channels) * tapCount(taps) + skip.tap;
}

/** The number of subset sums that a layer asks for. With a random skip there is one more for each on the diagonal. */
export function demandCount({ kind, rows, slots, constant, signed, skip }: RandomLayer): number {
  if (kind === "hidden" || kind === "level") return 0;
  const signs = signed ? 2 : 1;
  return rows * (slots * signs - Number(constant && signed) + (skip?.edge ? signs : 0));
}

/** The weights that a random network represents: those of `matricesOf` with the additions that they take over. */
export function askedWeights(target: Target, layers: readonly RandomLayer[]): Int32Array[] {
  const matrices = matricesOf(target);
  for (const layer of layers)
    if (layer.kind === "pooled" && layer.skip) addSkip(matrices, layer, layer.skip.weight);
  return matrices;
}

/** Adds to the weights on the diagonal. */
export function addSkip(matrices: Int32Array[], layer: RandomLayer, weight: number): void {
  const matrix = matrices[layer.layer]!.slice();
  for (let output = 0; output < layer.outputs; output++)
    matrix[output * layer.slots + skipSlot(layer, output)!]! += weight;
  matrices[layer.layer] = matrix;
}

/** The weights of a target, a matrix [outputs, slots] for each layer with weights. Biases are in the last slot. */
export function matricesOf(target: Target): Int32Array[] {
  if ("layers" in target) return target.layers.map(({ weights }) => weights);
  return target.nodes.filter(isLinear).map(({ weights, biases, shape: [outputs] }) => {
    if (!biases) return weights;
    const width = weights.length / outputs;
    const all = new Int32Array(outputs * (width + 1));
    for (let output = 0; output < outputs; output++) {
      all.set(weights.subarray(output * width, (output + 1) * width), output * (width + 1));
      all[output * (width + 1) + width] = biases[output]!;
    }
    return all;
  });
}

/** A graph with other weights: a matrix [outputs, slots] for each layer, as `matricesOf` gives them. */
export function withMatrices(graph: Graph, matrices: readonly Int32Array[]): Graph {
  let index = 0;
  const nodes = graph.nodes.map((node) => {
    if (!isLinear(node)) return node;
    const matrix = matrices[index++]!;
    const [outputs] = node.shape;
    if (!node.biases) return { ...node, weights: matrix };
    const slots = matrix.length / outputs;
    const weights = matrix.filter((_, i) => i % slots < slots - 1);
    return { ...node, weights, biases: matrix.filter((_, i) => i % slots === slots - 1) };
  });
  return { ...graph, nodes };
}

/** What a random network is pruned to. */
export type Target = Pick<Network, "layers"> | Pick<Graph, "nodes">;

/** The first stream of a seed from which networks are drawn. Lower streams draw ensembles. */
const NETWORK_STREAM = 2 ** 16;

/** The law of random weights. */
export type WeightLaw = Pick<Scheme, "initialBits" | "bits" | "weightQuantizer" | "zero">;

/** The laws of the random weights of all layers: one, or one for each layer of a graph. */
export type WeightLaws = WeightLaw | Pick<GraphScheme, keyof WeightLaw>;

/** The law of the weights of a layer of the random network. */
export function lawAt(laws: WeightLaws, index: number): WeightLaw {
  // Weights that are made in depth have 0 bits, in more than two layers.
  const own = (given: number | readonly number[]) =>
    typeof given === "number" ? given : (given[Math.floor(index / 2)] ?? 0);
  const { weightQuantizer, zero } = laws;
  return { initialBits: own(laws.initialBits), bits: own(laws.bits), weightQuantizer, zero };
}

/** The Threefry key from which a seed draws a layer of the random network. */
export function layerKey(laws: WeightLaws, seed: bigint, index: number): WordPair {
  return streamKey(seed, [NETWORK_STREAM + index, initialLaw(lawAt(laws, index)).range]);
}

/** The reduced weight that each drawn value 0..length - 1 becomes; all values are equally likely. */
export function reducedWeights(scheme: WeightLaw): Int32Array<ArrayBuffer> {
  const { initialBits, bits: k, weightQuantizer } = scheme;
  const law = initialLaw(scheme);
  return Int32Array.from({ length: law.range }, (_, value) =>
    quantize(weightQuantizer, itemOf(law, value), initialBits - k),
  );
}

/** The probability that a random weight is not 0. */
export function nonzeroShare(scheme: WeightLaw): number {
  const weights = reducedWeights(scheme);
  return weights.filter((weight) => weight !== 0).length / weights.length;
}

/** The law of weights before they are reduced. */
function initialLaw({ initialBits, zero }: WeightLaw): Law {
  return lawOf(zero ? "rssp0" : "rssp", 2 ** initialBits);
}

/** The weights of a random network: by the index of the layer, then by the index of the weight, the reduced weight. */
export type RandomWeights = (layerIndex: number) => (weightIndex: number) => number;

/** The random weights of a seed. */
export function drawnWeights(laws: WeightLaws, seed: bigint): RandomWeights {
  return (layerIndex) => {
    const reduced = reducedWeights(lawAt(laws, layerIndex));
    const valueAt = indexedValues(reduced.length, layerKey(laws, seed, layerIndex));
    return (weightIndex) => reduced[valueAt(weightIndex)]!;
  };
}

/** The number of weights of the random network of a seed that are not 0. */
export function nonzeroWeights(layers: readonly RandomLayer[], laws: WeightLaws, seed: bigint): number {
  const random = drawnWeights(laws, seed);
  return layers.reduce((sum, layer, layerIndex) => {
    const weights = weightCount(layer);
    if (!reducedWeights(lawAt(laws, layerIndex)).includes(0)) return sum + weights;
    const weightAt = random(layerIndex);
    let count = 0;
    for (let index = 0; index < weights; index++) if (weightAt(index) !== 0) count++;
    return sum + count;
  }, 0);
}

/** The sign of the inputs of a subset sum. It is 0 where hidden units are not rectified: then one sum serves both signs. */
export type InputSign = 1 | -1 | 0;

/** The subset sum that a weight of the target asks for: some of the `items` must sum to `sum`. */
export interface Demand {
  /** The index of the layer in the random network, its row, the slot in that row, and the input of the slot. */
  readonly index: number;
  readonly row: number;
  readonly slot: number;
  readonly input: number;
  /** The index of the first weight of the slot. */
  readonly firstWeight: number;
  /** The sign of the inputs for which the weight is asked; 0: of both signs. */
  readonly sign: InputSign;
  /** Item i belongs to hidden unit or copy members[i] of the input, and to weight firstWeight + members[i]. */
  readonly items: readonly number[];
  readonly members: readonly number[];
  readonly sum: number;
}

/**
 * Every subset sum that a target asks of the random network of a seed: layer by layer, row by row, slot by slot, sign by
 * sign. `layers` must be those of the scheme. Random skips are left out: their demands are those of cut ones.
 * @param asks Which layers are asked, by default all.
 */
export function* demandsOf(
  target: Target,
  layers: readonly RandomLayer[],
  scheme: Scheme | GraphScheme,
  seed: bigint,
  asks: (layer: RandomLayer) => boolean = () => true,
): Generator<Demand, void, undefined> {
  const random = drawnWeights(scheme, seed);
  const accepts = acceptance(scheme, seed);
  const matrices = askedWeights(target, layers);
  let hidden: readonly number[] = [];
  for (const [index, layer] of layers.entries()) {
    const weightAt = random(index);
    if (layer.kind === "hidden") {
      hidden = Array.from({ length: layer.inputs * layer.group }, (_, unit) => weightAt(unit));
      continue;
    }
    if (!asks(layer)) continue;
    const { rows, columns, copies, group, slots, scaleBits } = layer;
    const weights = matrices[layer.layer]!;
    const candidates = Array.from({ length: layer.inputs }, (_, input) =>
      candidatesOf(layer, scheme, hidden, input),
    );
    const accepted = layer.kind === "pooled" ? accepts(index) : undefined;
    for (let row = 0; row < rows; row++) {
      const output = Math.floor(row / copies);
      for (const [slot, { input, signed }] of slotsOf(layer, output).entries()) {
        const firstWeight = row * columns + slot * group;
        const sum = weights[output * slots + slot]! * 2 ** scaleBits;
        // The weights are drawn once for both signs.
        const drawn = Array.from({ length: group }, (_, q) => weightAt(firstWeight + q));
        for (const { sign, members: all, factors } of candidates[input]!) {
          if (sign < 0 && !signed) continue;
          const [items, members] = [[] as number[], [] as number[]];
          for (let i = 0; i < all.length; i++) {
            const item = factors[i]! * drawn[all[i]!]!;
            if (accepted && !accepted(firstWeight + all[i]!, item)) continue;
            items.push(item);
            members.push(all[i]!);
          }
          yield { index, row, slot, firstWeight, input, sign, items, members, sum };
        }
      }
    }
  }
}

/** Whether hidden unit q of an input, of weight u, may take part in subset sums for inputs of the sign of u. */
export function serves(
  { rectified, group }: Pick<RandomLayer, "rectified" | "group">,
  pools: Pooling,
  q: number,
  u: number,
): boolean {
  return pools === "shared" || !rectified || q < group / 2 === u > 0;
}

/**
 * The hidden units or copies that may take part in the subset sums of an input, for each of its signs, and the factors that
 * turn their weights into items.
 */
function candidatesOf(
  layer: RandomLayer,
  { pools }: Pick<Scheme, "pools">,
  hidden: readonly number[],
  input: number,
): { readonly sign: InputSign; readonly members: readonly number[]; readonly factors: readonly number[] }[] {
  const { kind, group, rectified, signed } = layer;
  const all = Array.from({ length: group }, (_, q) => q);
  if (kind === "direct") return [{ sign: 1 as const, members: all, factors: all.map(() => 1) }];
  const unitOf = (q: number) => hidden[input * group + q]!;
  if (!rectified) {
    const members = all.filter((q) => unitOf(q) !== 0);
    return [{ sign: 0, members, factors: members.map(unitOf) }];
  }
  return (signed ? ([1, -1] as const) : ([1] as const)).map((sign) => {
    const members = all.filter((q) => Math.sign(unitOf(q)) === sign && serves(layer, pools, q, sign));
    return { sign, members, factors: members.map(unitOf) };
  });
}
