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
import { digitsProbability, firstLevelProbability, levelsProbability } from "../theory/levels.ts";
import { isLinear, weightBits, type Graph } from "../graph/model.ts";
import {
  askedWeights,
  demandCount,
  graphLayersOf,
  lawAt,
  layersOf,
  matricesOf,
  MAX_UNITS,
  reducedWeights,
  skipSlot,
  type GraphScheme,
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

/** A scheme for a graph of which any field may be left open, and the failure that the default units aim at. */
export type GraphSchemeRequest = Partial<GraphScheme> & {
  readonly failure?: number | undefined;
  /** Whether weights are made in depth from weights of 0 bits. Default: whether `copies` are given. */
  readonly depthConstruction?: boolean | undefined;
};

/**
 * Completes a scheme for a graph, as `schemeFor` does for a network. Each layer has the fewest bits that can represent it unless
 * the request states others.
 * @throws {RequestError} For a scheme that cannot represent the target.
 * @example
 * ```ts
 * import { graphSchemeFor, readGraph } from "exacta/ticket";
 *
 * const graph = readGraph({
 *   input: { shape: [1, 4, 4], activationBits: 3, nonnegative: true },
 *   activationBits: 3,
 *   nodes: [
 *     { kind: "conv", bits: 2, weights: [[[[1, -2], [0, 4]]]], relu: true },
 *     { kind: "flatten" },
 *     { kind: "dense", bits: 1, weights: [[1, 1, 1, -1, 0, 0, 2, 1, 0]] },
 *   ],
 * });
 * const { scheme, predictedFailure } = graphSchemeFor(graph, { failure: 0.001 });
 * console.log(scheme.bits, scheme.units, predictedFailure.toFixed(4)); // [ 1, 1 ] [ 60, 40 ] 0.0010
 * ```
 */
export function graphSchemeFor(
  graph: Graph,
  { failure = 0.01, depthConstruction, ...given }: GraphSchemeRequest = {},
): { scheme: GraphScheme; predictedFailure: number } {
  const nodes = graph.nodes.filter(isLinear);
  const isDeep = depthConstruction ?? given.copies !== undefined;
  if (given.copies && !isDeep) throw new RequestError("copies", "the construction in depth", given.copies);
  const bits = given.bits ?? nodes.map((node) => (isDeep ? 0 : Math.ceil(weightBits(node) / 2)));
  const open = {
    theorem: 1,
    initialBits: bits,
    bits,
    weightQuantizer: "away",
    zero: false,
    pools: "shared",
    support: false,
    skip: "identity",
    ...given,
  } as const;
  if (isDeep) return deepSchemeFor(graph, open, given, failure);
  const units = [...(given.units ?? repeated(nodes.length, stepOf(open)))];
  const layers = graphLayersOf(graph, { ...open, units }).filter(({ kind }) => kind !== "hidden");
  const laws = layers.map(({ layer }) => ({ ...open, ...lawAt(open, 2 * layer) }));
  const asked = { layers, laws, units, copies: [], open: { units: !given.units, copies: false } };
  const { failure: predictedFailure, units: found } = fewest(askedWeights(graph, layers), asked, failure);
  return { scheme: { ...open, units: found }, predictedFailure };
}

/** The scheme of weights that are made in depth. The layers share the failure equally, and the prediction is exact. */
function deepSchemeFor(
  graph: Graph,
  open: Omit<GraphScheme, "units" | "copies">,
  given: Pick<GraphSchemeRequest, "units" | "copies">,
  failure: number,
): { scheme: GraphScheme; predictedFailure: number } {
  parse(failureSchema, failure, "failure");
  const nodes = graph.nodes.filter(isLinear);
  const least = {
    ...open,
    units: given.units ?? repeated(nodes.length, 1),
    copies: given.copies ?? repeated(nodes.length, 1),
  };
  const layers = graphLayersOf(graph, least).filter(({ kind }) => kind === "pooled");
  const matrices = matricesOf(graph);
  const goal = (1 - failure) ** (1 / nodes.length);
  const [units, copies] = [[...least.units], [...least.copies]];
  let success = 1;
  for (const [l, layer] of layers.entries()) {
    const classes = inputClasses(layer).map(({ inputs, signed, has }) => ({
      inputs,
      signed,
      weights: Array.from(matrices[l]!.filter((_, i) => has(i))),
    }));
    /** P(the levels and the digits of a layer exist, given its first copies). */
    const edges = (c: number) =>
      classes.reduce((product, { inputs, signed, weights }) => {
        const digits = weights.reduce((all, weight) => all * digitsProbability(weight, c, open), 1);
        return product * (levelsProbability(nodes[l]!.bits, c, open) ** inputs * digits) ** (signed ? 2 : 1);
      }, 1);
    const first = (h: number, c: number) =>
      classes.reduce(
        (product, { inputs, signed }) => product * firstLevelProbability(h, c, open, signed) ** inputs,
        1,
      );
    copies[l] =
      given.copies?.[l] ?? fewestOf("copies", (c) => c > 0 && edges(c) >= Math.sqrt(goal), failure, l);
    const c = copies[l];
    // The units take what the copies leave of the failure, half of it or more.
    const left = given.copies ? Math.sqrt(goal) : goal / edges(c);
    units[l] = given.units?.[l] ?? fewestOf("units", (h) => h > 0 && first(h, c) >= left, failure, l);
    success *= first(units[l], c) * edges(c);
  }
  const scheme = { ...open, units, copies };
  graphLayersOf(graph, scheme);
  return { scheme, predictedFailure: 1 - success };
}

/** As `fewestUnits`. @throws {RequestError} Where more than MAX_UNITS are needed. */
function fewestOf(field: string, holds: (width: number) => boolean, failure: number, layer: number): number {
  const least = fewestUnits(holds);
  if (least !== undefined) return least;
  throw new RequestError(
    field,
    `at most ${MAX_UNITS} for a failure of ${failure}`,
    `more for layer ${layer + 1}`,
  );
}

const FAILURE = "a number above 0 and below 1";
const failureSchema = z.number(FAILURE).check(z.refine((value) => value > 0 && value < 1, FAILURE));

/** Cases that are together less likely than this share of the failure budget count as failures and are not computed. */
const NEGLIGIBLE_SHARE = 1e-3;
/** The failure budget of each layer for the prediction of widths that have been found or given. */
const PREDICTED_BUDGET = 1e-9;

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
  const depth = target.layers.length;
  const units = [...(scheme.units ?? repeated(scheme.theorem === 2 ? 1 : depth, stepOf(scheme)))];
  const copies = [...(scheme.copies ?? repeated(scheme.theorem === 2 ? depth - 1 : 0, 1))];
  const { widths } = outlineOf(target, targetBits);
  const layers = layersOf(widths, targetBits, { ...scheme, units, copies }).filter(
    ({ kind }) => kind !== "hidden",
  );
  const laws = layers.map(() => scheme);
  const open = { units: !scheme.units, copies: !scheme.copies };
  return fewest(matricesOf(target), { layers, laws, units, copies, open }, failure);
}

/** The layers of a random network that hold the weights of its target, the laws of their weights, and their widths. */
interface Asked {
  readonly layers: readonly RandomLayer[];
  readonly laws: readonly PoolLaw[];
  readonly units: readonly number[];
  readonly copies: readonly number[];
  /** Which widths are to be found. */
  readonly open: { readonly units: boolean; readonly copies: boolean };
}

/** Half of the units serve each sign where pools are halves. */
const stepOf = ({ pools }: Pick<Scheme, "pools">) => (pools === "halves" ? 2 : 1);

/** The fewest units and copies of open widths, which start at the least that they can be. */
function fewest(matrices: readonly Int32Array[], asked: Asked, failure: number): PredictedWidth {
  parse(failureSchema, failure, "failure");
  const { layers, laws, open } = asked;
  const [units, copies] = [[...asked.units], [...asked.copies]];
  const failures = failuresOf(matrices, layers, laws);
  const sums = layers.map((layer) => demandCount(layer) / layer.copies);
  const logGoal = Math.log1p(-failure);
  let logSuccess = 0;
  // From the last layer to the first: the copies that a layer needs are rows of the layer before it, and what it leaves of
  // its share of the failure goes to the layers before it.
  for (let l = layers.length - 1; l >= 0; l--) {
    const isDirect = layers[l]!.kind === "direct";
    const logShare = Math.min(
      ((logGoal - logSuccess) * sums[l]!) / total(sums.slice(0, l + 1)),
      (logGoal * sums[l]!) / total(sums),
    );
    const budget = -Math.expm1(logShare);
    const failureAt = failures[l]!(copies[l] ?? 1, budget);
    const [widths, index] = isDirect ? ([copies, l - 1] as const) : ([units, l] as const);
    if (isDirect ? open.copies : open.units) {
      const least = fewestUnits((width) => failureAt(width) <= budget);
      if (least === undefined)
        throw new RequestError(
          isDirect ? "copies" : "units",
          `at most ${MAX_UNITS} for a failure of ${failure}`,
          `more for layer ${l + 1}`,
          { option: "bits" },
        );
      const multiple = isDirect ? 1 : stepOf(laws[l]!);
      // A target of zeros needs no units, but a layer needs at least one weight.
      widths[index] = Math.max(1, Math.ceil(least / multiple)) * multiple;
    }
    logSuccess += Math.log1p(-failureAt(widths[index]!));
  }
  // The cut of rare cases depends on the failure that was asked for, and the prediction must not.
  const success = layers.reduce((sum, { kind }, l) => {
    const width = kind === "direct" ? copies[l - 1]! : units[l]!;
    return sum + Math.log1p(-failures[l]!(copies[l] ?? 1, PREDICTED_BUDGET)(width));
  }, 0);
  return { units, copies, failure: Math.abs(Math.expm1(success)) };
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

/**
 * The pools of the items that the hidden units or the copies of an input offer a weight, one for each sign of the input, or one
 * for both where hidden units are not rectified.
 */
export function itemPools(
  { kind, rectified, signed }: Pick<RandomLayer, "kind" | "rectified" | "signed">,
  law: PoolLaw,
): Pool[] {
  const weights = reducedWeights(law);
  const half = 2 ** law.bits;
  if (kind === "direct") return [directPool(weights, half)];
  const signs = !rectified ? ([0] as const) : signed ? ([1, -1] as const) : ([1] as const);
  return signs.map((sign) => {
    const all = productPool(weights, half, sign);
    const pool = law.support ? accepted(all, productWays(half)) : all;
    return law.pools === "halves" && rectified ? { ...pool, serving: pool.serving / 2 } : pool;
  });
}

/** The law of the weights, and which of their products are used. */
type PoolLaw = WeightLaw & Pick<Scheme, "pools" | "support">;

/** P(some weight of a layer has no subset) by the number of its units or copies, for a budget of that failure. */
type LayerFailure = (copies: number, budget: number) => (width: number) => number;

/** The failures of layers. Those of one law and scale share the tables of their pools. */
function failuresOf(
  matrices: readonly Int32Array[],
  layers: readonly RandomLayer[],
  laws: readonly PoolLaw[],
): LayerFailure[] {
  const keyOf = (l: number) =>
    `${layers[l]!.kind} ${layers[l]!.rectified} ${layers[l]!.scaleBits} ${JSON.stringify(lawAt(laws[l]!, 0))}`;
  const alike = new Map<string, number[]>();
  layers.forEach((_, l) => alike.set(keyOf(l), [...(alike.get(keyOf(l)) ?? []), l]));
  const failures: LayerFailure[] = [];
  for (const group of alike.values()) {
    const failureOf = layerFailures(
      matrices,
      group.map((l) => layers[l]!),
      laws[group[0]!]!,
    );
    for (const l of group) failures[l] = (copies, budget) => failureOf(layers[l]!, copies, budget);
  }
  return failures;
}

/** The inputs of a layer whose weights are alike: all of them, or the channels and the constant unit of biases. */
function inputClasses({ inputs, slots, constant, signed }: RandomLayer) {
  const bias = (i: number) => constant && i % slots === slots - 1;
  const channels = { inputs: inputs - Number(constant), signed, has: (i: number) => !bias(i) };
  return constant ? [channels, { inputs: 1, signed: false, has: bias }] : [channels];
}

/** The failures of layers of one kind, law and scale, which share the tables of their pools. */
function layerFailures(matrices: readonly Int32Array[], layers: readonly RandomLayer[], law: PoolLaw) {
  const [{ kind, rectified }] = layers as [RandomLayer];
  const pools = itemPools({ kind, rectified, signed: true }, law);
  // Under a symmetric law a sum and its opposite are missed equally often, and the pools of both signs are equal.
  const symmetric = pools.every(isSymmetric);
  const sumIndices = new Map<number, number>();
  const sumIndex = (sum: number) => {
    const key = symmetric ? Math.abs(sum) : sum;
    if (!sumIndices.has(key)) sumIndices.set(key, sumIndices.size);
    return sumIndices.get(key)!;
  };
  const indices = new Map(layers.map((layer) => [layer.layer, sumsOfLayer(matrices, layer, law, sumIndex)]));
  const misses = (symmetric ? pools.slice(0, 1) : pools).map((pool) =>
    missesOf(pool, [...sumIndices.keys()]),
  );
  const [missesPositive, missesNegative] = [misses[0]!, misses.at(-1)!];
  // The sums of items of -1, 0 and 1 are an interval: who misses the nearer of two sums of one sign misses the other as well.
  const neither = (a: number, b: number) => (pools[0]!.half === 1 ? Math.min(a, b) : a * b);
  /** log P(the weights of diagonals have their subsets, with the random skip cut or with it kept). */
  const logDiagonal = (diagonals: readonly Diagonal[], n: number, other: number | undefined) => {
    const all = [missesPositive(n), ...(other === undefined ? [] : [missesNegative(other)])];
    const successOf = (chance: (missed: Float64Array) => number) =>
      all.reduce((product, missed) => product * chance(missed), 1);
    return diagonals.reduce((sum, { cut, kept, count }) => {
      const isCut = successOf((missed) => 1 - missed[cut]!);
      let success = 0;
      for (const [other, share] of kept) {
        const isKept = successOf((missed) => 1 - missed[other]!);
        const isBoth = successOf((m) => 1 - m[cut]! - m[other]! + neither(m[cut]!, m[other]!));
        success += share * (cut === other ? isCut : isCut + isKept - isBoth);
      }
      return sum + count * Math.log(Math.min(1, success));
    }, 0);
  };
  return (layer: RandomLayer, copies: number, budget: number) => {
    const classes = inputClasses(layer).map(({ inputs, signed, has }) => {
      const { sums, diagonals } = indices.get(layer.layer)!;
      // How often each sum occurs for one input, on average.
      const counts = new Float64Array(sumIndices.size);
      sums.forEach((index, i) => {
        if (index !== ON_DIAGONAL && has(i)) counts[index]! += copies / inputs;
      });
      // The constant unit of biases has no skip.
      const own = has(0)
        ? diagonals.map((diagonal) => ({ ...diagonal, count: diagonal.count / inputs }))
        : [];
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
        -Math.expm1(positive(n) + (other === undefined ? 0 : negative(other)) + logDiagonal(own, n, other));
      const negligible = (NEGLIGIBLE_SHARE * budget) / layer.inputs;
      return (width: number) => inputs * Math.log1p(-inputFailure(width, serving, fails, negligible));
    });
    return (width: number) => -Math.expm1(classes.reduce((sum, logSuccess) => sum + logSuccess(width), 0));
  };
}

/** Weights of one value on the diagonal of random skips. */
interface Diagonal {
  /** The index of their sum where the skip is cut; and the indices of their sums where it is kept, with their probabilities. */
  readonly cut: number;
  readonly kept: ReadonlyMap<number, number>;
  readonly count: number;
}

const ON_DIAGONAL = -1;

/** The index of the sum of each weight in the matrix; those on the diagonal of random skips apart. */
function sumsOfLayer(
  matrices: readonly Int32Array[],
  layer: RandomLayer,
  law: PoolLaw,
  sumIndex: (sum: number) => number,
) {
  const { slots, scaleBits, skip } = layer;
  const diagonals = new Map<number, Diagonal>();
  const sums = matrices[layer.layer]!.map((weight, i) => {
    const sum = weight * 2 ** scaleBits;
    if (!skip?.edge || i % slots !== skipSlot(layer, Math.floor(i / slots))) return sumIndex(sum);
    const known = diagonals.get(sum);
    if (known) diagonals.set(sum, { ...known, count: known.count + 1 });
    else {
      const values = reducedWeights(law);
      const kept = new Map<number, number>();
      for (const value of values) {
        const index = sumIndex(sum - value * skip.edge);
        kept.set(index, (kept.get(index) ?? 0) + 1 / values.length);
      }
      diagonals.set(sum, { cut: sumIndex(sum), kept, count: 1 });
    }
    return ON_DIAGONAL;
  });
  return { sums, diagonals: [...diagonals.values()] };
}
