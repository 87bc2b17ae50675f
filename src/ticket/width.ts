// How wide a random network must be to contain a target with a given probability, by theory: the fewest hidden units and
// copies. The inputs of a layer are independent. The outputs of one input share its hidden units; they are taken to be
// independent given the number of units that serve each sign.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { parse } from "../check.ts";
import { outlineOf, type Network } from "../network.ts";
import { productWays } from "../theory/rejection.ts";
import {
  accepted,
  directPool,
  inputFailure,
  isSymmetric,
  missesOf,
  productPool,
  type Pool,
} from "../theory/pool.ts";
import {
  layersOf,
  MAX_UNITS,
  reducedWeights,
  type RandomLayer,
  type Scheme,
  type WeightLaw,
} from "./scheme.ts";

/** A scheme whose widths may be left open. */
export type OpenScheme = Omit<Scheme, "units" | "copies"> & Partial<Pick<Scheme, "units" | "copies">>;

/** Widths with a prediction. */
export interface PredictedWidth extends Pick<Scheme, "units" | "copies"> {
  /** P(some weight of the target has no subset), as theory predicts it. */
  readonly failure: number;
}

/** A scheme of which any field may be left open, and the failure that the default widths aim at, above 0 and below 1. */
export type SchemeRequest = Partial<Scheme> & { readonly failure?: number | undefined };

/**
 * Completes a scheme for a target and predicts how often its random network does not contain the target. The defaults are
 * Theorem 1, the fewest bits that can represent the target, initial weights of that precision, `away`, no zeros, shared
 * pools, all products, and the fewest units and copies for a failure of 0.01.
 * @param bits Target weights are integers of -2^bits..2^bits.
 * @throws {RequestError} For a scheme that cannot represent the target.
 * @example
 * ```ts
 * import { readNetwork, schemeFor } from "exacta/ticket";
 *
 * const { network, bits } = readNetwork({
 *   bits: 2,
 *   activationBits: 3,
 *   layers: [{ weights: [[4, -1], [0, 3]] }, { weights: [[-4, 2]] }],
 * });
 * const { scheme, predictedFailure } = schemeFor(network, bits, { theorem: 1, failure: 0.001 });
 * console.log(scheme.units, predictedFailure.toFixed(4)); // [ 64, 44 ] 0.0010
 * ```
 */
export function schemeFor(
  network: Network,
  bits: number,
  { failure = 0.01, ...given }: SchemeRequest = {},
): { scheme: Scheme; predictedFailure: number } {
  const { theorem = 1 } = given;
  const { bits: k = theorem === 2 ? bits : Math.ceil(bits / 2) } = given;
  const open: OpenScheme = {
    theorem,
    initialBits: k,
    bits: k,
    weightQuantizer: "away",
    zero: false,
    pools: "shared",
    support: false,
    ...given,
    ...(theorem === 1 && { copies: given.copies ?? [] }),
  };
  const { failure: predictedFailure, ...widths } = fewestWidths(network, bits, open, failure);
  return { scheme: { ...open, ...widths }, predictedFailure };
}

const FAILURE = "a number above 0 and below 1";
const failureSchema = z.number(FAILURE).check(z.refine((value) => value > 0 && value < 1, FAILURE));

/** Cases that are together less likely than this share of the failure budget count as failures and are not computed. */
const NEGLIGIBLE_SHARE = 1e-3;

/**
 * The fewest hidden units and copies for which the random network fails to contain a target with probability `failure` at
 * most. Units and copies that the scheme gives are kept. The layers share `failure` in proportion to their subset sums.
 *
 * This is a prediction, not a bound. For a `failure` of 0.5 and 0.1, random targets were missing 0.87 to 1.3 times as often
 * as predicted (k = 1..4, every quantizer, both theorems, 400 networks each), up to 1.5 times with a spare bit and 1.8 times
 * for k = 6. For 0.01 it was 0.8 to 1.5 times (1,500 networks each).
 * @param targetBits Target weights are integers of -2^targetBits..2^targetBits.
 * @param failure Above 0, below 1.
 * @throws {RequestError} For a scheme that cannot represent the target, and where more than 10,000 units or copies are needed.
 */
export function fewestWidths(
  target: Network,
  targetBits: number,
  scheme: OpenScheme,
  failure: number,
): PredictedWidth {
  parse(failureSchema, failure, "failure");
  const depth = target.layers.length;
  const step = scheme.pools === "halves" ? 2 : 1;
  const units = [...(scheme.units ?? repeated(scheme.theorem === 2 ? 1 : depth, step))];
  const copies = [...(scheme.copies ?? repeated(scheme.theorem === 2 ? depth - 1 : 0, 1))];
  const layers = layersOf(outlineOf(target, targetBits).widths, targetBits, {
    ...scheme,
    units,
    copies,
  }).filter(({ kind }) => kind !== "hidden");
  const pooled = layerFailures(
    target,
    layers.filter(({ kind }) => kind === "pooled"),
    scheme,
  );
  const directLayers = layers.filter(({ kind }) => kind === "direct");
  const direct = directLayers.length > 0 ? layerFailures(target, directLayers, scheme) : pooled;
  const sums = layers.map(({ inputs, outputs, signed }) => inputs * outputs * (signed ? 2 : 1));
  const logGoal = Math.log1p(-failure);
  let logSuccess = 0;
  // From the last layer to the first: the copies that a layer needs are rows of the layer before it, and what it leaves of
  // its share of the failure goes to the layers before it.
  for (let l = layers.length - 1; l >= 0; l--) {
    const layer = layers[l]!;
    const isDirect = layer.kind === "direct";
    const logShare = Math.min(
      ((logGoal - logSuccess) * sums[l]!) / total(sums.slice(0, l + 1)),
      (logGoal * sums[l]!) / total(sums),
    );
    const budget = -Math.expm1(logShare);
    const failureAt = (isDirect ? direct : pooled)(layer, copies[l] ?? 1, budget);
    const [widths, index] = isDirect ? ([copies, l - 1] as const) : ([units, l] as const);
    if (!(isDirect ? scheme.copies : scheme.units)) {
      const fewest = fewestUnits((width) => failureAt(width) <= budget);
      if (fewest === undefined)
        throw new RequestError(
          isDirect ? "copies" : "units",
          `at most ${MAX_UNITS} for a failure of ${failure}`,
          `more for layer ${l + 1}`,
          { option: "bits" },
        );
      const multiple = isDirect ? 1 : step;
      // A target of zeros needs no units, but a layer needs at least one weight.
      widths[index] = Math.max(1, Math.ceil(fewest / multiple)) * multiple;
    }
    logSuccess += Math.log1p(-failureAt(widths[index]!));
  }
  return { units, copies, failure: Math.abs(Math.expm1(logSuccess)) };
}

const repeated = (length: number, value: number) => Array.from({ length }, () => value);
const total = (list: readonly number[]) => list.reduce((a, b) => a + b);

/**
 * The fewest units for which a condition holds, by galloping and bisection; undefined where it fails up to MAX_UNITS.
 * @param holds Monotone: if it holds for a number of units, it holds for every larger one.
 */
export function fewestUnits(holds: (units: number) => boolean): number | undefined {
  let [low, high] = [-1, 0];
  while (!holds(high)) {
    if (high === MAX_UNITS) return undefined;
    low = high;
    high = Math.min(Math.ceil(high * 1.3) + 1, MAX_UNITS);
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The pools of the items that the hidden units or the copies of an input offer a weight, one for each sign of the input. */
export function itemPools(kind: RandomLayer["kind"], signed: boolean, law: PoolLaw): Pool[] {
  const weights = reducedWeights(law);
  const half = 2 ** law.bits;
  if (kind === "direct") return [directPool(weights, half)];
  return (signed ? ([1, -1] as const) : ([1] as const)).map((sign) => {
    const all = productPool(weights, half, sign);
    const pool = law.support ? accepted(all, productWays(half)) : all;
    return law.pools === "halves" ? { ...pool, serving: pool.serving / 2 } : pool;
  });
}

/** The law of the weights, and which of their products are used. */
type PoolLaw = WeightLaw & Pick<Scheme, "pools" | "support">;

/** P(some weight of a layer has no subset) by the number of its units or copies, for a budget of that failure. */
type LayerFailure = (layer: RandomLayer, copies: number, budget: number) => (width: number) => number;

/** The failures of layers of one kind, which share the tables of their pools. */
function layerFailures(target: Network, layers: readonly RandomLayer[], law: PoolLaw): LayerFailure {
  const [{ kind, scaleBits }] = layers as [RandomLayer];
  const pools = itemPools(kind, true, law);
  // Under a symmetric law a sum and its opposite are missed equally often, and the pools of both signs are equal.
  const symmetric = pools.every(isSymmetric);
  const sumOf = (weight: number) => (symmetric ? Math.abs(weight) : weight) * 2 ** scaleBits;
  const sumIndices = new Map<number, number>();
  for (const { layer } of layers)
    for (const weight of target.layers[layer]!.weights)
      if (!sumIndices.has(sumOf(weight))) sumIndices.set(sumOf(weight), sumIndices.size);
  const misses = (symmetric ? pools.slice(0, 1) : pools).map((pool) =>
    missesOf(pool, [...sumIndices.keys()]),
  );
  return ({ layer, inputs, signed }, copies, budget) => {
    // How often each sum occurs for one input, on average.
    const counts = new Float64Array(sumIndices.size);
    for (const weight of target.layers[layer]!.weights)
      counts[sumIndices.get(sumOf(weight))!]! += copies / inputs;
    // By the number of serving units, log P(every weight of an input has a subset).
    const logSuccesses = misses.map((missesAt) => {
      const cache: number[] = [];
      return (n: number) =>
        (cache[n] ??= missesAt(n).reduce(
          (sum, miss, i) => (counts[i]! > 0 ? sum + counts[i]! * Math.log1p(-Math.min(1, miss)) : sum),
          0,
        ));
    });
    const [positive, negative] = [logSuccesses[0]!, logSuccesses.at(-1)!];
    const serving = signed ? pools : pools.slice(0, 1);
    const fails = (n: number, other?: number) =>
      -Math.expm1(positive(n) + (other === undefined ? 0 : negative(other)));
    const negligible = (NEGLIGIBLE_SHARE * budget) / inputs;
    return (width) => -Math.expm1(inputs * Math.log1p(-inputFailure(width, serving, fails, negligible)));
  };
}
