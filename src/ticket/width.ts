// How wide a random network must be to contain a target all but rarely, by theory: the fewest hidden units and copies. The
// inputs of a layer are independent; the outputs of one share the hidden units, and are taken to be independent given how
// many of those serve each sign.

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

/** Widths, and P(some weight of the target has no subset) as theory predicts it. */
export interface PredictedWidth extends Pick<Scheme, "units" | "copies"> {
  readonly failure: number;
}

/** What may be left open of a scheme, and how often its random network may fail to contain the target. */
export type SchemeRequest = Partial<Scheme> & { readonly failure?: number | undefined };

/**
 * The scheme of a request for a target whose weights have `bits` bits. By default: theorem 1, the fewest bits that serve, not
 * reduced, `away`, no zeros, shared pools, all products, and the widths that theory gives for a failure of 0.01, which is
 * predicted in any case.
 * @throws TypeError or RangeError for a scheme that cannot serve the target.
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

/** The share of the failure asked that may be counted without being worked out. */
const NEGLIGIBLE = 1e-3;

/**
 * The fewest hidden units for every layer, and copies, with which a target is not in the random network at most so often;
 * what a scheme says of them is kept. Layers share `failure` by the number of their subset sums.
 *
 * A prediction, not a bound. Where 0.5 and 0.1 were asked, targets of random weights were missing 0.87 to 1.3 times as
 * often as predicted (k = 1..4, every quantizer, both theorems, 400 networks each), up to 1.5 times with a spare bit and 1.8
 * times for k = 6; where 0.01 was asked, 0.8 to 1.5 times (1,500 networks each).
 * @param failure Above 0, below 1.
 * @throws TypeError or RangeError for a scheme that cannot serve the target, and where it would take more than 10,000.
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
  const units = [...(scheme.units ?? filled(scheme.theorem === 2 ? 1 : depth, step))];
  const copies = [...(scheme.copies ?? filled(scheme.theorem === 2 ? depth - 1 : 0, 1))];
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
  const others = layers.filter(({ kind }) => kind === "direct");
  const direct = others.length > 0 ? layerFailures(target, others, scheme) : pooled;
  const asked = layers.map(({ inputs, outputs, signed }) => inputs * outputs * (signed ? 2 : 1));
  const goal = Math.log1p(-failure);
  let logSuccess = 0;
  // From the last layer back: the copies that one needs are rows of the one before, and what one leaves over others take.
  for (let l = layers.length - 1; l >= 0; l--) {
    const layer = layers[l]!;
    const isDirect = layer.kind === "direct";
    const share = Math.min(
      ((goal - logSuccess) * asked[l]!) / total(asked.slice(0, l + 1)),
      (goal * asked[l]!) / total(asked),
    );
    const budget = -Math.expm1(share);
    const failureAt = (isDirect ? direct : pooled)(layer, copies[l] ?? 1, budget);
    const [list, at] = isDirect ? ([copies, l - 1] as const) : ([units, l] as const);
    if (!(isDirect ? scheme.copies : scheme.units)) {
      const fewest = fewestUnits((width) => failureAt(width) <= budget);
      if (fewest === undefined)
        throw new RequestError(
          isDirect ? "copies" : "units",
          `at most ${MAX_UNITS} for a failure of ${failure}`,
          `more for layer ${l + 1}`,
          { option: "bits" },
        );
      // A layer without any places is none.
      const times = isDirect ? 1 : step;
      list[at] = Math.max(1, Math.ceil(fewest / times)) * times;
    }
    logSuccess += Math.log1p(-failureAt(list[at]!));
  }
  return { units, copies, failure: Math.abs(Math.expm1(logSuccess)) };
}

const filled = (length: number, value: number) => Array.from({ length }, () => value);
const total = (list: readonly number[]) => list.reduce((a, b) => a + b);

/** The fewest units, up to the most there may be, of which something holds that holds of any more. */
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

/** What the hidden units of an input, or its copies, add to a weight: a pool for each sign of the input. */
export function poolsOf(kind: RandomLayer["kind"], signed: boolean, law: PoolLaw): Pool[] {
  const weights = reducedWeights(law);
  const half = 2 ** law.bits;
  if (kind === "direct") return [directPool(weights, half)];
  return (signed ? ([1, -1] as const) : ([1] as const)).map((sign) => {
    const all = productPool(weights, half, sign);
    const pool = law.support ? accepted(all, productWays(half)) : all;
    return law.pools === "halves" ? { ...pool, serving: pool.serving / 2 } : pool;
  });
}

/** How weights are made, and which of their products are used. */
type PoolLaw = WeightLaw & Pick<Scheme, "pools" | "support">;

/** P(some weight of a layer has no subset), by the number of its units or copies, and the budget of that failure. */
type LayerFailure = (layer: RandomLayer, copies: number, budget: number) => (width: number) => number;

/** Layers of one kind share what is worked out of their pools. */
function layerFailures(target: Network, layers: readonly RandomLayer[], law: PoolLaw): LayerFailure {
  const [{ kind, lift }] = layers as [RandomLayer];
  const pools = poolsOf(kind, true, law);
  // Where laws are symmetric, sums need no sign and both pools are one.
  const symmetric = pools.every(isSymmetric);
  const sumOf = (weight: number) => (symmetric ? Math.abs(weight) : weight) * 2 ** lift;
  const places = new Map<number, number>();
  for (const { layer } of layers)
    for (const weight of target.layers[layer]!.weights)
      if (!places.has(sumOf(weight))) places.set(sumOf(weight), places.size);
  const misses = (symmetric ? pools.slice(0, 1) : pools).map((pool) => missesOf(pool, [...places.keys()]));
  return ({ layer, inputs, signed }, copies, budget) => {
    const counts = new Float64Array(places.size);
    for (const weight of target.layers[layer]!.weights)
      counts[places.get(sumOf(weight))!]! += copies / inputs;
    const logs = misses.map((missesAt) => {
      const known: number[] = [];
      return (n: number) =>
        (known[n] ??= missesAt(n).reduce(
          (sum, miss, i) => (counts[i]! > 0 ? sum + counts[i]! * Math.log1p(-Math.min(1, miss)) : sum),
          0,
        ));
    });
    const [right, left] = [logs[0]!, logs.at(-1)!];
    const serving = signed ? pools : pools.slice(0, 1);
    const fails = (n: number, other?: number) =>
      -Math.expm1(right(n) + (other === undefined ? 0 : left(other)));
    const negligible = (NEGLIGIBLE * budget) / inputs;
    return (width) => -Math.expm1(inputs * Math.log1p(-inputFailure(width, serving, fails, negligible)));
  };
}
