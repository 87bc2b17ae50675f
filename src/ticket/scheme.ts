// Which random network is pruned to a target, and which subset sums each of its weights asks for (Kumar & Natale,
// Lemmas 5 to 8, Theorems 1 and 2).
//
// Theorem 1 replaces a layer by two: every input has hidden units of its own, and unit q contributes u_q v_q to an output
// for inputs of the sign of u_q. So the units with u > 0 must sum up to the weight, and where inputs may be negative those
// with u < 0 as well. Theorem 2 does so for the first layer only. It has copies of every neuron, and in later layers the
// weights towards the copies of an input sum up to the weight.
//
// With 0 bits the random weights are -1, 0 and 1, and sums of those are the weights of the target themselves, in units of
// their own: what reaches as far as the target needs as many of them.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { itemOf, lawOf, placedValues, type Law } from "../ensemble.ts";
import { quantize, quantizers, type Network, type Quantizer } from "../network.ts";
import { streamKey, type Words } from "../random.ts";
import { acceptance } from "./support.ts";

/** The most bits of a random weight, so that products and drawing stay exact. */
const MAX_BITS = 10;
/** The most hidden units or copies of one input. */
export const MAX_UNITS = 10_000;
/** The most layers of a target, the most inputs or outputs of one, and the most places of a random layer. */
export const MAX_LAYERS = 1000;
export const MAX_WIDTH = 2 ** 20;
const MAX_PLACES = 2 ** 31;

/**
 * - `shared`: a hidden unit serves the inputs of whichever sign its u has
 * - `halves`: the first half of an input's units serves positive inputs and needs u > 0, the second half negative inputs
 *   and u < 0, as in the paper's proof
 */
export const poolings = ["shared", "halves"] as const;
export type Pooling = (typeof poolings)[number];

export interface Scheme {
  readonly theorem: 1 | 2;
  /** Random weights are uniform on -2^initialBits..2^initialBits, and reduced to -2^bits..2^bits. */
  readonly initialBits: number;
  readonly bits: number;
  /** `away` keeps uniform weights without 0 uniform; the others do not. */
  readonly weightQuantizer: Quantizer;
  /** Whether a random weight may be 0: Definition 4 has it so, Theorem 2 has not. */
  readonly zero: boolean;
  /** Which hidden units serve which inputs. */
  readonly pools: Pooling;
  /**
   * Whether a product z of two weights is used with a probability of 1 / r(|z|) only, r the number of its ways a b, a and b
   * in 1..2^bits. That makes the products that are used uniform on all there are, where the weights are uniform.
   */
  readonly support: boolean;
  /** Hidden units of each input: one number for every layer of the target (theorem 1), or one for the first (theorem 2). */
  readonly units: readonly number[];
  /** Copies of each neuron, for every layer of the target but the last (theorem 2; empty for theorem 1). */
  readonly copies: readonly number[];
}

const bits = integer(0, MAX_BITS);
// Without units, widths could be anything, and with them the target of a small file.
const counts = z.array(integer(1, MAX_UNITS), `integers in 1..${MAX_UNITS}`);
const schemaOf = z.strictObject({
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
  parse(widthsSchema, { widths });
  const { theorem, initialBits, bits: k, pools, units, copies } = parse(schemaOf, scheme, "scheme");
  const depth = widths.length - 1;
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
  const layers = widths.slice(1).flatMap((outputs, layer): RandomLayer[] => {
    const inputs = widths[layer]!;
    const common = { layer, inputs, outputs, signed: layer === 0 };
    const fan = theorem === 2 && layer < depth - 1 ? copies[layer]! : 1;
    if (theorem === 2 && layer > 0) {
      const group = copies[layer - 1]!;
      const lift = Math.max(k - targetBits, 0);
      const shift = targetBits + lift;
      const [rows, columns] = [outputs * fan, inputs * group];
      return [{ ...common, kind: "direct", rows, columns, shift, copies: fan, group, lift, signed: false }];
    }
    const group = units[layer]!;
    const lift = Math.max(2 * k - targetBits, 0);
    const hidden = inputs * group;
    return [
      { ...common, kind: "hidden", rows: hidden, columns: inputs, shift: 0, copies: 1, group, lift },
      {
        ...common,
        kind: "pooled",
        rows: outputs * fan,
        columns: hidden,
        shift: targetBits + lift,
        copies: fan,
        group,
        lift,
      },
    ];
  });
  layers.map(placesOf).forEach((places, l) => {
    if (places > MAX_PLACES)
      throw new RequestError(`mask.${l}`, `at most ${MAX_PLACES} places`, places, "mind units and copies");
  });
  return layers;
}

/** How many weights of a layer may be kept: those of its structure. They are numbered row by row. */
export function placesOf({ kind, rows, columns }: RandomLayer): number {
  return kind === "hidden" ? rows : rows * columns;
}

/** Streams of a seed below this one belong to ensembles. */
const NETWORK_STREAM = 2 ** 16;

/** How random weights are made. */
export type WeightLaw = Pick<Scheme, "initialBits" | "bits" | "weightQuantizer" | "zero">;

/** From which a layer of the random network is drawn under a seed. */
export function layerKey(scheme: WeightLaw, seed: bigint, index: number): Words {
  return streamKey(seed, [NETWORK_STREAM + index, drawnLaw(scheme).range]);
}

/** What values of 0..length - 1, all equally likely, stand for as reduced weights. */
export function reducedWeights(scheme: WeightLaw): Int32Array<ArrayBuffer> {
  const { initialBits, bits: k, weightQuantizer } = scheme;
  const law = drawnLaw(scheme);
  return Int32Array.from({ length: law.range }, (_, value) =>
    quantize(weightQuantizer, itemOf(law, value), initialBits - k),
  );
}

function drawnLaw({ initialBits, zero }: WeightLaw): Law {
  return lawOf(zero ? "rssp0" : "rssp", 2 ** initialBits);
}

/** The weights of a random network: of each layer, by its index, the reduced weight at each place of its structure. */
export type RandomWeights = (index: number) => (place: number) => number;

/** Those that a seed gives. */
export function drawnWeights(scheme: WeightLaw, seed: bigint): RandomWeights {
  const reduced = reducedWeights(scheme);
  return (index) => {
    const valueAt = placedValues(reduced.length, layerKey(scheme, seed, index));
    return (place) => reduced[valueAt(place)]!;
  };
}

/** How many weights of the random network of a seed are not 0. */
export function nonzeroWeights(layers: readonly RandomLayer[], scheme: Scheme, seed: bigint): number {
  const always = !reducedWeights(scheme).includes(0);
  const random = drawnWeights(scheme, seed);
  return layers.reduce((sum, layer, index) => {
    const places = placesOf(layer);
    if (always) return sum + places;
    const weightAt = random(index);
    let count = 0;
    for (let place = 0; place < places; place++) if (weightAt(place) !== 0) count++;
    return sum + count;
  }, 0);
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

/**
 * Every subset sum that a target asks of the random network that a seed gives a scheme, layer by layer, row by row, input by
 * input. `layers` are those of the scheme.
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
    const pools = Array.from({ length: layer.inputs }, (_, input) => poolsOf(layer, scheme, hidden, input));
    const accepted = layer.kind === "pooled" ? accepts(index) : undefined;
    for (let row = 0; row < layer.rows; row++)
      for (let input = 0; input < layer.inputs; input++) {
        const place = row * layer.columns + input * layer.group;
        const sum = weights[Math.floor(row / layer.copies) * layer.inputs + input]! * 2 ** layer.lift;
        // Drawn once for both signs.
        const drawn = Array.from({ length: layer.group }, (_, q) => weightAt(place + q));
        for (const { sign, members: all, factors } of pools[input]!) {
          const [items, members] = [[] as number[], [] as number[]];
          for (let i = 0; i < all.length; i++) {
            const item = factors[i]! * drawn[all[i]!]!;
            if (accepted && !accepted(place + all[i]!, item)) continue;
            items.push(item);
            members.push(all[i]!);
          }
          yield { index, row, place, input, sign, items, members, sum };
        }
      }
  }
}

/** Whether hidden unit q of an input may take part for inputs of the sign of its u. */
export function serves(pools: Pooling, group: number, q: number, u: number): boolean {
  return pools === "shared" || q < group / 2 === u > 0;
}

/** Who takes part in the subset sums of an input, for each of its signs, and what their weights are multiplied by. */
function poolsOf(
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
