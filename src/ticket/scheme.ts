// Which random network is pruned to a target, and which subset sums each weight of the target asks for (Kumar & Natale,
// Lemmas 5 to 8, Theorems 1 and 2).
//
// Theorem 1 replaces a layer by a pair of layers. Every input has hidden units of its own, and unit q adds u_q v_q to an
// output for inputs of the sign of u_q. So the products of the kept units with u > 0 must sum to the weight, and, where inputs
// may be negative, those of the kept units with u < 0 too. Theorem 2 does this for the first layer only. It has copies of
// every neuron, and in later layers the weights towards the copies of an input must sum to the weight of that input.
//
// With 0 bits, random weights are -1, 1 and perhaps 0, and their sums are the target weights themselves (scaleBits is 0). A
// target weight w then needs at least |w| items.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { itemOf, lawOf, indexedValues, type Law } from "../ensemble.ts";
import { quantize, quantizers, type Network, type Quantizer } from "../network.ts";
import { streamKey, type WordPair } from "../random.ts";
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

const bits = integer(0, MAX_BITS);
// Without this bound the header of a small ticket file could ask for a network of any size.
const counts = z.array(integer(1, MAX_UNITS), `integers in 1..${MAX_UNITS}`);
const schemeSchema = z.strictObject({
  theorem: z.union([z.literal(1), z.literal(2)], "1 or 2"),
  bits,
  initialBits: bits,
  weightQuantizer: z.enum(quantizers, `one of ${quantizers.join(", ")}`),
  zero: z.boolean("true or false"),
  pools: z.enum(poolings, `one of ${poolings.join(", ")}`),
  support: z.boolean("true or false"),
  units: counts,
  copies: counts,
});
const widthsSchema = z.object({
  widths: z
    .array(integer(1, MAX_WIDTH), "a list of integers")
    .check(z.minLength(2, "inputs and outputs"), z.maxLength(MAX_LAYERS + 1, `at most ${MAX_LAYERS} layers`)),
});

/** One layer of the random network: a matrix of shape [rows, columns]. */
export interface RandomLayer {
  /**
   * - `hidden`: every input has `group` rows of its own, each with the weight of that input and no other
   * - `pooled`: the weights of every output towards the `group` hidden units of each input
   * - `direct`: the weights of every output towards the `group` copies of each input
   */
  readonly kind: "hidden" | "pooled" | "direct";
  readonly rows: number;
  readonly columns: number;
  /** How many low bits the quantizer drops from a sum; 0 where sums are not quantized. */
  readonly shift: number;
  /** The index of the target layer that it represents, the inputs and outputs of that layer, and the rows for each output. */
  readonly layer: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly copies: number;
  readonly group: number;
  /** A weight w of the target is the subset sum w 2^scaleBits. */
  readonly scaleBits: number;
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
  const layers = widths.slice(1).flatMap((_, layer) => randomLayers(widths, targetBits, scheme, layer));
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
  if (k > initialBits) throw new RequestError("initialBits", `at least bits, ${k}`, initialBits);
  const finest = theorem === 1 ? 2 * k : k;
  if (targetBits > finest && k > 0)
    throw new RequestError(
      "target bits",
      `at most ${finest} for theorem ${theorem} and ${k} bits`,
      targetBits,
    );
  const lengths = theorem === 1 ? ([depth, 0] as const) : ([1, depth - 1] as const);
  [units, copies].forEach((list, i) => {
    if (list.length !== lengths[i])
      throw new RequestError(
        ["units", "copies"][i]!,
        `${lengths[i]} numbers for theorem ${theorem} and ${depth} layers`,
        list.length,
      );
  });
  if (pools === "halves")
    units.forEach((count, l) => {
      if (count % 2 > 0) throw new RequestError(`units.${l}`, "an even number for halves", count);
    });
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
  const common = { layer, inputs, outputs, signed: layer === 0 };
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
    { ...common, kind: "hidden", rows: hidden, columns: inputs, shift: 0, copies: 1, group, scaleBits },
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
export function weightCount({ kind, rows, columns }: RandomLayer): number {
  return kind === "hidden" ? rows : rows * columns;
}

/** The first stream of a seed from which networks are drawn. Lower streams draw ensembles. */
const NETWORK_STREAM = 2 ** 16;

/** The law of random weights. */
export type WeightLaw = Pick<Scheme, "initialBits" | "bits" | "weightQuantizer" | "zero">;

/** The Threefry key from which a seed draws a layer of the random network. */
export function layerKey(scheme: WeightLaw, seed: bigint, index: number): WordPair {
  return streamKey(seed, [NETWORK_STREAM + index, initialLaw(scheme).range]);
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
export function drawnWeights(scheme: WeightLaw, seed: bigint): RandomWeights {
  const reduced = reducedWeights(scheme);
  return (layerIndex) => {
    const valueAt = indexedValues(reduced.length, layerKey(scheme, seed, layerIndex));
    return (weightIndex) => reduced[valueAt(weightIndex)]!;
  };
}

/** The number of weights of the random network of a seed that are not 0. */
export function nonzeroWeights(layers: readonly RandomLayer[], scheme: Scheme, seed: bigint): number {
  const neverZero = !reducedWeights(scheme).includes(0);
  const random = drawnWeights(scheme, seed);
  return layers.reduce((sum, layer, layerIndex) => {
    const weights = weightCount(layer);
    if (neverZero) return sum + weights;
    const weightAt = random(layerIndex);
    let count = 0;
    for (let index = 0; index < weights; index++) if (weightAt(index) !== 0) count++;
    return sum + count;
  }, 0);
}

/** The subset sum that a weight of the target asks for: some of the `items` must sum to `sum`. */
export interface Demand {
  /** The index of the layer in the random network, its row, and the input. */
  readonly index: number;
  readonly row: number;
  readonly input: number;
  /** The index of the row's first weight for that input. */
  readonly firstWeight: number;
  /** The sign of the inputs for which the weight is asked. */
  readonly sign: 1 | -1;
  /** Item i belongs to hidden unit or copy members[i] of the input, and to weight firstWeight + members[i]. */
  readonly items: readonly number[];
  readonly members: readonly number[];
  readonly sum: number;
}

/**
 * Every subset sum that a target asks of the random network of a seed: layer by layer, row by row, input by input, sign by
 * sign. `layers` must be those of the scheme.
 */
export function* demandsOf(
  target: Network,
  layers: readonly RandomLayer[],
  scheme: Scheme,
  seed: bigint,
): Generator<Demand, void, undefined> {
  const random = drawnWeights(scheme, seed);
  const accepts = acceptance(scheme, seed);
  let hidden: readonly number[] = [];
  for (const [index, layer] of layers.entries()) {
    const weightAt = random(index);
    if (layer.kind === "hidden") {
      hidden = Array.from({ length: layer.rows }, (_, unit) => weightAt(unit));
      continue;
    }
    const { weights } = target.layers[layer.layer]!;
    const candidates = Array.from({ length: layer.inputs }, (_, input) =>
      candidatesOf(layer, scheme, hidden, input),
    );
    const accepted = layer.kind === "pooled" ? accepts(index) : undefined;
    for (let row = 0; row < layer.rows; row++)
      for (let input = 0; input < layer.inputs; input++) {
        const firstWeight = row * layer.columns + input * layer.group;
        const sum = weights[Math.floor(row / layer.copies) * layer.inputs + input]! * 2 ** layer.scaleBits;
        // The weights are drawn once for both signs.
        const drawn = Array.from({ length: layer.group }, (_, q) => weightAt(firstWeight + q));
        for (const { sign, members: all, factors } of candidates[input]!) {
          const [items, members] = [[] as number[], [] as number[]];
          for (let i = 0; i < all.length; i++) {
            const item = factors[i]! * drawn[all[i]!]!;
            if (accepted && !accepted(firstWeight + all[i]!, item)) continue;
            items.push(item);
            members.push(all[i]!);
          }
          yield { index, row, firstWeight, input, sign, items, members, sum };
        }
      }
  }
}

/** Whether hidden unit q of an input, of weight u, may take part in subset sums for inputs of the sign of u. */
export function serves(pools: Pooling, group: number, q: number, u: number): boolean {
  return pools === "shared" || q < group / 2 === u > 0;
}

/**
 * The hidden units or copies that may take part in the subset sums of an input, for each of its signs, and the factors that
 * turn their weights into items.
 */
function candidatesOf(
  { kind, group, signed }: RandomLayer,
  { pools }: Scheme,
  hidden: readonly number[],
  input: number,
) {
  const all = Array.from({ length: group }, (_, q) => q);
  if (kind === "direct") return [{ sign: 1 as const, members: all, factors: all.map(() => 1) }];
  const unitOf = (q: number) => hidden[input * group + q]!;
  return (signed ? ([1, -1] as const) : ([1] as const)).map((sign) => {
    const members = all.filter((q) => Math.sign(unitOf(q)) === sign && serves(pools, group, q, sign));
    return { sign, members, factors: members.map(unitOf) };
  });
}
