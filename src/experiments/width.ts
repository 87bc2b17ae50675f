// The width experiment: how many hidden units each input needs for a random network to contain random square layers, by
// Theorem 1. A witness has the smallest mask, so its last item ends the shortest prefix of the items that attains the sum.
// So one solution with the most units gives the fewest units of each weight, and one trial counts for every number of units.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { drawValue } from "../ensemble.ts";
import type { Provenance, WidthFinding } from "../finding.ts";
import { quantizers, type Network, type Quantizer } from "../network.ts";
import { seedSchema, streamKey } from "../random.ts";
import { estimate } from "../statistics.ts";
import type { TallyLayout } from "../tally.ts";
import { theorem3 } from "../theory/paper.ts";
import { inputFailure, isSymmetric, missesOf } from "../theory/pool.ts";
import { demandsOf, layersOf, MAX_UNITS, nonzeroShare, type Demand, type Scheme } from "../ticket/scheme.ts";
import { fewestUnits, itemPools } from "../ticket/width.ts";

/** The most bits of random weights: the prediction has a sum for each of up to 2^(2 bits + 1) + 1 target weights. */
const MAX_BITS = 8;
const MAX_WIDTH = 64;
const MAX_DEPTH = 16;
/** By default there are as many units as give this failure, by theory. */
const DEFAULT_FAILURE = 1e-3;
/** The most weights for which the prediction sums over all numbers of units. With more, rare numbers count as failures. */
const FEW_WEIGHTS = 64;
/** Success probabilities for which a finding lists the required units. */
const LEVELS = [0.5, 0.9, 0.99];
/** The nanoseconds that a thread takes for a demand, and for each hidden unit of it, by a rough fit that never changes. */
const DEMAND_NANOSECONDS = 3000;
const UNIT_NANOSECONDS = 60;

/** The request of `measureWidth`. */
export interface WidthRequest {
  /** k: random weights are reduced to -2^k..2^k; 0..8. */
  bits: number;
  /** k_t: the weights of the layers are uniform on -2^k_t..2^k_t; 0..2 k. Default 2 k. */
  targetBits?: number;
  /** d: layers have d inputs and d outputs, 1..64. Default 1. */
  width?: number;
  /** l: the number of layers, 1..16. Default 1. The inputs of the first layer may be negative. */
  depth?: number;
  /** Random weights are drawn on -2^initialBits..2^initialBits; k..10. Default k. */
  initialBits?: number;
  /** The quantizer that reduces them to k bits. Default `away`. */
  weightQuantizer?: Quantizer;
  /** Whether random weights may be 0. Default false. */
  zero?: boolean;
  /** The number of networks that are drawn, 1..2^32 - 1. Default 500. */
  trials?: number;
  /** 0..2^64 - 1; a string is read as a decimal. Default 1. */
  seed?: bigint | number | string;
  /** The most hidden units of an input, 1..10,000. Default: by theory at most one trial in 1000 fails. */
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
  /** P(a random network contains the layers) by the number of units, as theory predicts it. */
  readonly predicted: (units: number) => number;
}

const schema = z.strictObject({
  bits: integer(0, MAX_BITS),
  // Its range depends on `bits` and is checked by widthConfig.
  targetBits: z.optional(z.unknown()),
  width: z._default(integer(1, MAX_WIDTH), 1),
  depth: z._default(integer(1, MAX_DEPTH), 1),
  // Checked by layersOf, with the rest of the scheme.
  initialBits: z.optional(z.unknown()),
  weightQuantizer: z._default(z.enum(quantizers, `one of ${quantizers.join(", ")}`), "away"),
  zero: z._default(z.boolean("true or false"), false),
  trials: z._default(integer(1, 2 ** 32 - 1), 500),
  seed: z._default(seedSchema, 1n),
  maxUnits: z.optional(integer(1, MAX_UNITS)),
});

/**
 * Fills in the defaults of a request and checks it.
 * @throws {RequestError} Names the field that is wrong.
 */
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
  const maxUnits = asked.maxUnits ?? fewestUnits((units) => 1 - predicted(units) <= DEFAULT_FAILURE);
  if (maxUnits === undefined)
    throw new RequestError("maxUnits", `a number up to ${MAX_UNITS} where theory asks for more`, undefined);
  return { targetBits, width, depth, scheme: schemeWith(maxUnits), trials, maxUnits, seed, predicted };
}

const widthsOf = ({ width, depth }: Pick<WidthConfig, "width" | "depth">) =>
  Array.from({ length: depth + 1 }, () => width);

/**
 * P(random layers are contained) by the number of units. The outputs of an input are taken to be independent given the number
 * of units that serve each sign.
 */
function predictionOf(targetBits: number, width: number, depth: number, scheme: Scheme) {
  const [, layer] = layersOf(widthsOf({ width, depth }), targetBits, scheme);
  const pools = itemPools({ kind: "pooled", rectified: true, signed: true }, scheme);
  const symmetric = pools.every(isSymmetric);
  const most = 2 ** targetBits;
  const values = 2 * most + 1;
  // Under a symmetric law a weight and its opposite are missed equally often.
  const weights = Array.from({ length: symmetric ? most + 1 : values }, (_, i) => (symmetric ? i : i - most));
  const shares = weights.map((weight) => (symmetric && weight > 0 ? 2 : 1) / values);
  const sums = weights.map((weight) => weight * 2 ** layer!.scaleBits);
  const misses = (symmetric ? pools.slice(0, 1) : pools).map((pool) => missesOf(pool, sums));
  const [positive, negative] = [misses[0]!, misses.at(-1)!];
  const cache = new Map<number, number>();
  const fails = (n: number, other?: number): number => {
    const key = n * (MAX_UNITS + 2) + (other ?? MAX_UNITS + 1);
    let failure = cache.get(key);
    if (failure === undefined) {
      const positiveMisses = positive(n);
      const negativeMisses = other === undefined ? undefined : negative(other);
      let miss = 0;
      for (let i = 0; i < shares.length; i++) {
        const first = positiveMisses[i]!;
        const second = negativeMisses?.[i] ?? 0;
        miss += shares[i]! * (first + second * (1 - first));
      }
      cache.set(key, (failure = -Math.expm1(width * Math.log1p(-Math.min(1, miss)))));
    }
    return failure;
  };
  return (units: number): number => {
    const negligible = (shares.length <= FEW_WEIGHTS ? 1e-18 : DEFAULT_FAILURE / 10) / width;
    const first = inputFailure(units, pools, fails, negligible);
    const later = depth > 1 ? inputFailure(units, pools.slice(0, 1), fails, negligible) : 0;
    return (1 - first) ** width * (1 - later) ** (width * (depth - 1));
  };
}

/** The first stream of this experiment. Lower streams draw ensembles and networks, and accept products. */
const TARGET_STREAM = 2 ** 18;
const TRIAL_STREAM = TARGET_STREAM + 1;

/** The demands of a trial. Its layers and its random network depend on the seed and the trial index alone. */
export function trialDemands(config: WidthConfig, trial: number): Generator<Demand, void, undefined> {
  const { targetBits, width, depth, scheme, seed } = config;
  const [high, low] = streamKey(seed, [TRIAL_STREAM, trial]);
  const trialSeed = (BigInt(high) << 32n) | BigInt(low);
  const range = 2 ** (targetBits + 1) + 1;
  const target: Network = {
    layers: Array.from({ length: depth }, (_, l) => {
      const key = streamKey(trialSeed, [TARGET_STREAM + l, range]);
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
  return demandsOf(target, layers, scheme, trialSeed);
}

/** The number of demands of a trial: one for each weight, and a second one in the first layer, whose inputs have signs. */
export function demandsPerTrial({ width, depth }: WidthConfig): number {
  return (depth + 1) * width ** 2;
}

/** The fewest hidden units with which a demand has a subset, read off its witness; Infinity where there is no witness. */
export function unitsServing({ members }: Demand, witness: readonly number[] | null | undefined): number {
  if (!witness) return Infinity;
  return witness.length === 0 ? 0 : members[witness.at(-1)!]! + 1;
}

/**
 * The layout of the tally. Word u counts the trials that succeed with u units and with no fewer, for u = 0..`maxUnits`. The last
 * word counts those that need more than `maxUnits`.
 */
export function widthLayout({ maxUnits }: WidthConfig): TallyLayout {
  return { length: maxUnits + 2, pairs: [] };
}

/** The index in the tally of a trial with these fewest units. */
export function tallyIndex({ maxUnits }: WidthConfig, fewest: number): number {
  return Math.min(fewest, maxUnits + 1);
}

/** The trials of a unit, a power of two. A thread takes about a second for them; the configuration alone decides it. */
export function widthUnit(config: WidthConfig): number {
  const { maxUnits, scheme } = config;
  // A demand has about half of the units as items, and a bitset of all sums of these.
  const words = (maxUnits / 2) * 4 ** scheme.bits * (maxUnits / 2 / 32);
  const nanoseconds =
    demandsPerTrial(config) * (DEMAND_NANOSECONDS + UNIT_NANOSECONDS * maxUnits + words / 4);
  return 2 ** Math.max(0, Math.round(Math.log2(1e9 / nanoseconds)));
}

/** The fields of a configuration that decide its numbers: all but the trials. */
export function widthFields({ targetBits, width, depth, scheme, maxUnits, seed }: WidthConfig) {
  const { bits, initialBits, weightQuantizer, zero } = scheme;
  const random = { bits, initialBits, weightQuantizer, zero };
  return { ...random, targetBits, width, depth, maxUnits, seed: String(seed) };
}

/**
 * The finding of an experiment.
 * @param tally The sum of the tallies of `trials` trials.
 * @param asked The trials asked for.
 */
export function findWidth(
  config: WidthConfig,
  { trials, words: tally }: { readonly trials: number; readonly words: ArrayLike<number> },
  provenance: Provenance,
  asked = config.trials,
): WidthFinding {
  const { targetBits, width, depth, scheme, maxUnits, seed, predicted } = config;
  const { bits, initialBits, weightQuantizer, zero } = scheme;
  let solved = 0;
  const curve = Array.from({ length: maxUnits + 1 }, (_, units) => ({
    units,
    ...estimate((solved += tally[units]!), trials),
    predicted: predicted(units),
  }));
  const required = LEVELS.map((probability) => {
    const reached = curve.find((point) => point.probability >= probability);
    const predictedUnits = fewestUnits((units) => predicted(units) >= probability);
    return {
      probability,
      ...(reached && { units: reached.units }),
      ...(predictedUnits !== undefined && { predicted: predictedUnits }),
    };
  });
  const lowerBound = depth * theorem3(width, targetBits, 1).value + Math.log2(LEVELS[0]!);
  const nonzero = nonzeroShare(scheme);
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
    asked,
    complete: trials >= asked,
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
