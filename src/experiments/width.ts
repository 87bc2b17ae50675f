// The width experiment: how many hidden units an input needs until a random network contains random square layers, by
// Theorem 1. A witness has the smallest mask, so its last item is where the first prefix of the items ends that has the
// sum. Solved once with the most units, each weight tells the fewest that serve it, and a trial gives the whole curve.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { drawValue } from "../ensemble.ts";
import type { Provenance, WidthFinding } from "../finding.ts";
import { quantizers, type Network, type Quantizer } from "../network.ts";
import { seedSchema, streamKey } from "../random.ts";
import { estimate } from "../statistics.ts";
import { theorem3 } from "../theory/paper.ts";
import { inputFailure, isSymmetric, missesOf } from "../theory/pool.ts";
import {
  demandsOf,
  layersOf,
  MAX_UNITS,
  reducedWeights,
  type Demand,
  type Scheme,
} from "../ticket/scheme.ts";
import { fewestUnits, itemPools } from "../ticket/width.ts";

/** Beyond this theory has a hundred thousand sums to look at. */
const MAX_BITS = 8;
const MAX_WIDTH = 64;
const MAX_DEPTH = 16;
/** Without a number of units so many are drawn that trials fail at most so often. */
const REST = 1e-3;
/** Probabilities for which the units are told. */
const LEVELS = [0.5, 0.9, 0.99];

/** The request of `measureWidth`. */
export interface WidthRequest {
  /** k: random weights are reduced to -2^k..2^k, 0..8. */
  bits: number;
  /** k_t: the weights of the layers are uniform on -2^k_t..2^k_t. Default 2 k, which is the most. */
  targetBits?: number;
  /** d: layers have d inputs and d outputs, 1..64. Default 1. */
  width?: number;
  /** l: layers in a row, 1..16. Default 1. The inputs of the first may be negative. */
  depth?: number;
  /** Bits of the random weights as drawn, up to 10. Default k. */
  initialBits?: number;
  /** How they are reduced. Default `away`. */
  weightQuantizer?: Quantizer;
  /** Whether random weights may be 0. Default false. */
  zero?: boolean;
  /** Networks that are drawn, 1..2^32 - 1. Default 500. */
  trials?: number;
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
  /** The most hidden units of an input, 1..10,000. Default: all but one in a thousand trials succeed, by theory. */
  maxUnits?: number;
}

export interface WidthConfig {
  readonly targetBits: number;
  readonly width: number;
  readonly depth: number;
  readonly scheme: Scheme;
  readonly trials: number;
  readonly maxUnits: number;
  readonly seed: bigint;
  /** P(the layers are contained), as theory predicts it, by the number of units. */
  readonly predicted: (units: number) => number;
}

const schema = z.strictObject({
  bits: integer(0, MAX_BITS),
  // How far it may go depends on the bits.
  targetBits: z.optional(z.unknown()),
  width: z._default(integer(1, MAX_WIDTH), 1),
  depth: z._default(integer(1, MAX_DEPTH), 1),
  // The scheme has checks of its own.
  initialBits: z.optional(z.unknown()),
  weightQuantizer: z._default(z.enum(quantizers, `one of ${quantizers.join(", ")}`), "away"),
  zero: z._default(z.boolean("true or false"), false),
  trials: z._default(integer(1, 2 ** 32 - 1), 500),
  seed: z._default(seedSchema, 1n),
  maxUnits: z.optional(integer(1, MAX_UNITS)),
});

/** Completes and checks a request. Throws TypeError or RangeError naming the field, what it may be and what came. */
export function widthConfig(request: WidthRequest): WidthConfig {
  const asked = parse(schema, request);
  const { bits, width, depth, trials, seed } = asked;
  const targetBits = parse(integer(0, 2 * MAX_BITS), asked.targetBits ?? 2 * bits, "targetBits");
  const open = {
    theorem: 1,
    initialBits: (asked.initialBits ?? bits) as number,
    bits,
    weightQuantizer: asked.weightQuantizer,
    zero: asked.zero,
    pools: "shared",
    support: false,
    copies: [],
  } as const;
  const schemeWith = (units: number): Scheme => ({
    ...open,
    units: Array.from({ length: depth }, () => units),
  });
  const predicted = predictionOf(targetBits, width, depth, schemeWith(1));
  const maxUnits = asked.maxUnits ?? fewestUnits((units) => 1 - predicted(units) <= REST);
  if (maxUnits === undefined)
    throw new RequestError("maxUnits", `a number up to ${MAX_UNITS} where theory asks for more`, undefined);
  return { targetBits, width, depth, scheme: schemeWith(maxUnits), trials, maxUnits, seed, predicted };
}

const widthsOf = ({ width, depth }: Pick<WidthConfig, "width" | "depth">) =>
  Array.from({ length: depth + 1 }, () => width);

/** By the number of units, P(random layers are contained), their outputs independent given how many units serve them. */
function predictionOf(targetBits: number, width: number, depth: number, scheme: Scheme) {
  const [, layer] = layersOf(widthsOf({ width, depth }), targetBits, scheme);
  const pools = itemPools("pooled", true, scheme);
  const symmetric = pools.every(isSymmetric);
  const most = 2 ** targetBits;
  const size = 2 * most + 1;
  // Where laws are symmetric, sums of both signs are one.
  const weights = Array.from({ length: symmetric ? most + 1 : size }, (_, i) => (symmetric ? i : i - most));
  const shares = weights.map((weight) => (symmetric && weight > 0 ? 2 : 1) / size);
  const sums = weights.map((weight) => weight * 2 ** layer!.scaleBits);
  const misses = (symmetric ? pools.slice(0, 1) : pools).map((pool) => missesOf(pool, sums));
  const [right, left] = [misses[0]!, misses.at(-1)!];
  const known = new Map<number, number>();
  const fails = (n: number, other?: number): number => {
    const key = n * (MAX_UNITS + 2) + (other ?? MAX_UNITS + 1);
    let failure = known.get(key);
    if (failure === undefined) {
      const one = right(n);
      const two = other === undefined ? undefined : left(other);
      let miss = 0;
      for (let i = 0; i < shares.length; i++) {
        const second = two?.[i] ?? 0;
        miss += shares[i]! * (one[i]! + second * (1 - one[i]!));
      }
      known.set(key, (failure = -Math.expm1(width * Math.log1p(-Math.min(1, miss)))));
    }
    return failure;
  };
  return (units: number): number => {
    const first = inputFailure(units, pools, fails, REST / 10 / width);
    const later = depth > 1 ? inputFailure(units, pools.slice(0, 1), fails, REST / 10 / width) : 0;
    return (1 - first) ** width * (1 - later) ** (width * (depth - 1));
  };
}

/** Streams of a seed below this one belong to ensembles, networks and the products they use. */
const TARGET_STREAM = 2 ** 18;
const TRIAL_STREAM = TARGET_STREAM + 1;

/** Every subset sum that a trial asks for: its layers and its random network depend on seed and trial alone. */
export function trialDemands(config: WidthConfig, trial: number): Generator<Demand, void, undefined> {
  const { targetBits, width, depth, scheme, seed } = config;
  const [high, low] = streamKey(seed, [TRIAL_STREAM, trial]);
  const own = (BigInt(high) << 32n) | BigInt(low);
  const range = 2 ** (targetBits + 1) + 1;
  const target: Network = {
    layers: Array.from({ length: depth }, (_, l) => {
      const key = streamKey(own, [TARGET_STREAM + l, range]);
      const weights = Int32Array.from(
        { length: width ** 2 },
        (_, i) => drawValue(range, key, i, 0) - 2 ** targetBits,
      );
      return { rows: width, columns: width, weights, shift: targetBits };
    }),
    quantizer: "floor",
    activationBits: 0,
    clamp: false,
    constant: false,
  };
  const layers = layersOf(widthsOf(config), targetBits, scheme);
  return demandsOf(target, layers, scheme, own);
}

/** How many subset sums a trial asks for. */
export function demandsPerTrial({ width, depth }: WidthConfig): number {
  return (depth + 1) * width ** 2;
}

/** The fewest hidden units that serve a demand, by its witness; Infinity where there is none. */
export function unitsServing({ members }: Demand, witness: readonly number[] | null | undefined): number {
  if (!witness) return Infinity;
  return witness.length === 0 ? 0 : members[witness.at(-1)!]! + 1;
}

/** What the fewest units of each trial say; `trials` of them, Infinity where all were too few. */
export function findWidth(
  config: WidthConfig,
  fewest: readonly number[],
  provenance: Provenance,
): WidthFinding {
  const { targetBits, width, depth, scheme, maxUnits, seed, predicted } = config;
  const { bits, initialBits, weightQuantizer, zero } = scheme;
  const trials = fewest.length;
  const ended = new Array<number>(maxUnits + 1).fill(0);
  for (const units of fewest) if (units <= maxUnits) ended[units]!++;
  let solved = 0;
  const curve = ended.map((more, units) => ({
    units,
    ...estimate((solved += more), trials),
    predicted: predicted(units),
  }));
  const required = LEVELS.map((probability) => {
    const reached = curve.find((point) => point.probability >= probability);
    const foreseen = fewestUnits((units) => predicted(units) >= probability);
    return {
      probability,
      ...(reached && { units: reached.units }),
      ...(foreseen !== undefined && { predicted: foreseen }),
    };
  });
  const lowerBound = depth * theorem3(width, targetBits, 1).value + Math.log2(LEVELS[0]!);
  const weights = reducedWeights(scheme);
  const nonzero = weights.filter((weight) => weight !== 0).length / weights.length;
  const units = required[0]!.units;
  const structured = units !== undefined && depth * units * width * (1 + width) * nonzero;
  const dense = units !== undefined && depth * 2 * units * width ** 2 * nonzero;
  return {
    kind: "width",
    bits,
    targetBits,
    width,
    depth,
    initialBits,
    weightQuantizer,
    zero,
    trials,
    seed: String(seed),
    maxUnits,
    curve,
    required,
    lowerBound,
    ...(structured !== false &&
      dense !== false && {
        parameters: { structured, dense },
        gap: { structured: structured / lowerBound, dense: dense / lowerBound },
      }),
    ...provenance,
  };
}
