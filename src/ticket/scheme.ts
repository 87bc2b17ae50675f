// Which random network is pruned to a target, and which subset sums each of its weights asks for (Kumar & Natale,
// Lemmas 5 to 8, Theorems 1 and 2).
//
// Theorem 1 replaces a layer by two: every input has hidden units of its own, and unit q contributes u_q v_q to an output
// for inputs of the sign of u_q. So the units with u > 0 must sum up to the weight, and where inputs may be negative those
// with u < 0 as well (the pooled scheme: any unit serves whichever sign its u has). Theorem 2 does so for the first layer
// only. It has copies of every neuron, and in later layers the weights towards the copies of an input sum up to the weight.

import * as z from "zod/mini";
import { expected, integer, parse } from "../check.ts";
import { itemOf, lawOf, placedValues, type Law } from "../ensemble.ts";
import { quantize, quantizers, type Network, type Quantizer } from "../network.ts";
import { streamKey, type Words } from "../random.ts";

/** The most bits of a random weight, so that products and drawing stay exact. */
const MAX_BITS = 10;
/** The most hidden units or copies of one input. */
const MAX_UNITS = 10_000;

export interface Scheme {
  readonly theorem: 1 | 2;
  /** Random weights are uniform on -2^initialBits..2^initialBits, and reduced to -2^bits..2^bits. */
  readonly initialBits: number;
  readonly bits: number;
  /** `away` keeps uniform weights without 0 uniform; the others do not. */
  readonly weightQuantizer: Quantizer;
  /** Whether a random weight may be 0: Definition 4 has it so, Theorem 2 has not. */
  readonly zero: boolean;
  /** Hidden units of each input: one number for every layer of the target (theorem 1), or one for the first (theorem 2). */
  readonly units: readonly number[];
  /** Copies of each neuron, for every layer of the target but the last (theorem 2; empty for theorem 1). */
  readonly copies: readonly number[];
}

const bits = integer(0, MAX_BITS);
const counts = z.array(integer(0, MAX_UNITS), `integers in 0..${MAX_UNITS}`);
const schemaOf = z.strictObject({
  theorem: z.union([z.literal(1), z.literal(2)], "1 or 2"),
  bits,
  initialBits: bits,
  weightQuantizer: z.enum(quantizers, `one of ${quantizers.join(", ")}`),
  zero: z.boolean("true or false"),
  units: counts,
  copies: counts,
});

/** One layer of the random network. */
export interface RandomLayer {
  /**
   * `hidden`: every input has `group` rows of its own, and no other weights. `pooled`: every output takes part in products
   * with the `group` hidden units of an input. `direct`: every output has a weight to each of the `group` copies of an input.
   */
  readonly kind: "hidden" | "pooled" | "direct";
  readonly rows: number;
  readonly columns: number;
  /** Bits that the quantizer takes off its sums. */
  readonly shift: number;
  /** The layer of the target that it serves, inputs and outputs of that, and how many rows each output has. */
  readonly layer: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly copies: number;
  readonly group: number;
  /** A weight w of the target is w 2^lift in units of the subset sums. */
  readonly lift: number;
  /** Whether inputs may be negative, so that two subset sums are asked for. */
  readonly signed: boolean;
}

/**
 * The random network for a target of these widths (inputs, then the outputs of every layer), whose weights have
 * `targetBits` bits, layer by layer.
 * Throws TypeError or RangeError for a scheme that cannot serve it.
 */
export function layersOf(widths: readonly number[], targetBits: number, scheme: Scheme): RandomLayer[] {
  const { theorem, initialBits, bits: k, units, copies } = parse(schemaOf, scheme, "scheme");
  const depth = widths.length - 1;
  if (k > initialBits) throw new RangeError(expected("bits", `at most initialBits, ${initialBits}`, k));
  const finest = theorem === 1 ? 2 * k : k;
  if (targetBits > finest)
    throw new RangeError(
      expected("target bits", `at most ${finest} for theorem ${theorem} and ${k} bits`, targetBits),
    );
  const lengths = theorem === 1 ? ([depth, 0] as const) : ([1, depth - 1] as const);
  [units, copies].forEach((list, i) => {
    if (list.length !== lengths[i])
      throw new RangeError(
        expected(["units", "copies"][i]!, `${lengths[i]} numbers for ${depth} layers`, list.length),
      );
  });
  return widths.slice(1).flatMap((outputs, layer): RandomLayer[] => {
    const inputs = widths[layer]!;
    const common = { layer, inputs, outputs, signed: layer === 0 };
    const fan = theorem === 2 && layer < depth - 1 ? copies[layer]! : 1;
    if (theorem === 2 && layer > 0) {
      const group = copies[layer - 1]!;
      const lift = k - targetBits;
      const [rows, columns] = [outputs * fan, inputs * group];
      return [
        { ...common, kind: "direct", rows, columns, shift: k, copies: fan, group, lift, signed: false },
      ];
    }
    const group = units[layer]!;
    const lift = 2 * k - targetBits;
    const hidden = inputs * group;
    return [
      { ...common, kind: "hidden", rows: hidden, columns: inputs, shift: 0, copies: 1, group, lift },
      {
        ...common,
        kind: "pooled",
        rows: outputs * fan,
        columns: hidden,
        shift: 2 * k,
        copies: fan,
        group,
        lift,
      },
    ];
  });
}

/** How many weights of a layer may be kept: those of its structure. They are numbered row by row. */
export function placesOf({ kind, rows, columns }: RandomLayer): number {
  return kind === "hidden" ? rows : rows * columns;
}

/** Streams of a seed below this one belong to ensembles. */
const NETWORK_STREAM = 2 ** 16;

/** From which a layer of the random network is drawn under a seed. */
export function layerKey(scheme: Scheme, seed: bigint, index: number): Words {
  return streamKey(seed, [NETWORK_STREAM + index, drawnLaw(scheme).range]);
}

/** What values of 0..length - 1, all equally likely, stand for as reduced weights. */
export function reducedWeights(scheme: Scheme): Int32Array<ArrayBuffer> {
  const { initialBits, bits: k, weightQuantizer } = scheme;
  const law = drawnLaw(scheme);
  return Int32Array.from({ length: law.range }, (_, value) =>
    quantize(weightQuantizer, itemOf(law, value), initialBits - k),
  );
}

function drawnLaw({ initialBits, zero }: Scheme): Law {
  return lawOf(zero ? "rssp0" : "rssp", 2 ** initialBits);
}

/** The weights of a random network: of each layer, by its index, the reduced weight at each place of its structure. */
export type RandomWeights = (index: number) => (place: number) => number;

/** Those that a seed gives. */
export function drawnWeights(scheme: Scheme, seed: bigint): RandomWeights {
  const reduced = reducedWeights(scheme);
  return (index) => {
    const valueAt = placedValues(reduced.length, layerKey(scheme, seed, index));
    return (place) => reduced[valueAt(place)]!;
  };
}

/** A subset sum that a weight of the target asks for: some of the `items` must sum up to `sum`. */
export interface Demand {
  /** The layer of the random network, its row, the input, and the place of the row's first weight for that. */
  readonly index: number;
  readonly row: number;
  readonly place: number;
  readonly input: number;
  /** The sign of the inputs for which it is asked. */
  readonly sign: 1 | -1;
  /** Each item with the hidden unit or the copy of the input that it belongs to: so many places further. */
  readonly items: readonly number[];
  readonly members: readonly number[];
  readonly sum: number;
}

/** Every subset sum that a target asks of a random network, layer by layer, row by row, input by input. */
export function* demandsOf(
  target: Network,
  layers: readonly RandomLayer[],
  random: RandomWeights,
): Generator<Demand, void, undefined> {
  let hidden: readonly number[] = [];
  for (const [index, layer] of layers.entries()) {
    const weightAt = random(index);
    if (layer.kind === "hidden") {
      hidden = Array.from({ length: layer.rows }, (_, unit) => weightAt(unit));
      continue;
    }
    const { weights } = target.layers[layer.layer]!;
    const pools = Array.from({ length: layer.inputs }, (_, input) => poolsOf(layer, hidden, input));
    for (let row = 0; row < layer.rows; row++)
      for (let input = 0; input < layer.inputs; input++) {
        const place = row * layer.columns + input * layer.group;
        const sum = weights[Math.floor(row / layer.copies) * layer.inputs + input]! * 2 ** layer.lift;
        for (const { sign, members, factors } of pools[input]!)
          yield {
            index,
            row,
            place,
            input,
            sign,
            items: members.map((q, i) => factors[i]! * weightAt(place + q)),
            members,
            sum,
          };
      }
  }
}

/** Who takes part in the subset sums of an input, for each of its signs, and what their weights are multiplied by. */
function poolsOf({ kind, group, signed }: RandomLayer, hidden: readonly number[], input: number) {
  const all = Array.from({ length: group }, (_, q) => q);
  if (kind === "direct") return [{ sign: 1 as const, members: all, factors: all.map(() => 1) }];
  return (signed ? ([1, -1] as const) : ([1] as const)).map((sign) => {
    const members = all.filter((q) => Math.sign(hidden[input * group + q]!) === sign);
    return { sign, members, factors: members.map((q) => hidden[input * group + q]!) };
  });
}

/**
 * Hidden units, or copies, that are enough for all but about one target in a hundred with so many weights: a guess, not a
 * bound. An odd sum is missed by n products with a probability of at least (3/4)^n, and by n uniform weights with one that
 * falls tenfold about every four weights (measured); half of the hidden units have the sign that an input asks for.
 */
export function enough(kind: "pooled" | "direct", bits: number, weights: number): number {
  const failure = 0.01 / Math.max(weights, 1);
  if (kind === "direct") return bits + 2 + Math.ceil(4 * Math.log10(0.5 / failure));
  const products = 2 * bits + 2 + Math.log(1 / failure) / Math.log(4 / 3);
  return Math.ceil(2 * products + 4 * Math.sqrt(products));
}
