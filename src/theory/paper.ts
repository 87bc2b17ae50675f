// The statements of the paper, as formulas on integers: Kumar & Natale, "Quantization vs Pruning: Insights from the Strong
// Lottery Ticket Hypothesis", arXiv 2508.11020. The names are the paper's. Every result says in its field `holds` how far it
// holds; only results that hold always are bounds at finite n. Nothing here is fitted or improved: sharper laws are in
// window.ts. M is the half range, n the number of items, t a target, z a signed sum, all integers up to 2^53 - 1.

import * as z from "zod/mini";
import { RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { isProduct, type Ensemble } from "../ensemble.ts";
import { parityShare } from "./signed.ts";

/** A result that is true for every n. */
export interface Always {
  readonly holds: "always";
  readonly value: number;
}

/** The value that a quantity approaches as n grows; at finite n the truth may be on either side. */
export interface InTheLimit {
  readonly holds: "as n grows";
  readonly value: number;
}

/** Two sides between which a probability is as n grows; at finite n it may be outside. */
export interface InTheLimitBetween {
  readonly holds: "as n grows";
  readonly low: number;
  readonly high: number;
}

/** The form of a bound, whose constants the paper does not state: ours are fitted to exact probabilities, and are not proven. */
export interface Fitted {
  readonly holds: "fitted";
  readonly value: number;
}

const ANY = Number.MAX_SAFE_INTEGER;
const counts = integer(1, ANY);
const latticed = integer(
  2,
  ANY,
  `an integer in 2..${ANY}, for M = 1 the sums leave out every second integer`,
);
const signed = integer(-ANY, ANY);
const real = (text: string, holds: (value: number) => boolean) => z.number(text).check(z.refine(holds, text));
const probability = real("a number above 0, at most 1", (value) => value > 0 && value <= 1);
const positive = real("a number above 0", (value) => value > 0);
const distance = real("a number from 0", (value) => value >= 0);

/** Checks M and n. */
function check(halfRange: number, items: number, halfRanges = counts): void {
  parse(halfRanges, halfRange, "halfRange");
  parse(counts, items, "items");
}

/**
 * s2 = E X^2, the second moment of one item.
 * @throws {RequestError} M is not in 1..2^53 - 1, or for products no perfect square.
 */
export function secondMoment(ensemble: Ensemble, halfRange: number): number {
  parse(counts, halfRange, "halfRange");
  const side = isProduct(ensemble) ? Math.sqrt(halfRange) : halfRange;
  if (!Number.isInteger(side))
    throw new RequestError("halfRange", `a perfect square for ${ensemble}`, halfRange);
  const without0 = ((side + 1) * (2 * side + 1)) / 6;
  const with0 = (side * (side + 1)) / 3;
  if (ensemble === "products") return without0 * without0;
  if (ensemble === "products0") return without0 * with0;
  return ensemble === "rssp0" ? with0 : without0;
}

/** c_M = E A^2 / M^2 = 1/3 + 1/(2 M) + 1/(6 M^2), A uniform on 1..M. */
export function cOf(halfRange: number): number {
  parse(counts, halfRange, "halfRange");
  return ((1 + 1 / halfRange) * (2 + 1 / halfRange)) / 6;
}

/** gamma_n = 1 / (M sqrt(2 pi n c_M)): the height of the law of the signed sum, n >= 1. */
export function gammaOf(halfRange: number, items: number): number {
  check(halfRange, items);
  return 1 / (halfRange * Math.sqrt(2 * Math.PI * items * cOf(halfRange)));
}

/** rho_n = 2^(n+1) gamma_n, n >= 1. Infinity above the range of float64, from n about 1030 on. */
export function rhoOf(halfRange: number, items: number): number {
  return 2 * muOf(halfRange, items);
}

/** mu = 2^n gamma_n = rho_n / 2, near the mean number of signs with sum 0, n >= 1. Infinity above the range of float64. */
export function muOf(halfRange: number, items: number): number {
  return solutions(halfRange, items, 0);
}

/** x = z^2 / (2 n c_M M^2). */
function exponent(halfRange: number, items: number, sum: number): number {
  return sum ** 2 / (2 * items * cOf(halfRange) * halfRange ** 2);
}

/** mu e^-x, the mean number of signs with sum z, computed so that neither mu overflows nor e^-x underflows. */
function solutions(halfRange: number, items: number, sum: number): number {
  return Math.exp(items * Math.LN2 + Math.log(gammaOf(halfRange, items)) - exponent(halfRange, items, sum));
}

/**
 * Theorem 4, first moment: E I_{n,z} = gamma_n (exp(-z^2 / (2 n c_M M^2)) + O(1/n)), where I = N_z / 2^n and N_z counts
 * the signs with sum z. The O(1/n) is about -0.15/n of gamma_n at z = 0 (measured), -0.19/n for M = 3.
 * @throws {RequestError} M is 1, where the truth is 0 or twice this.
 */
export function theorem4Mean(halfRange: number, items: number, sum: number): InTheLimit {
  check(halfRange, items, latticed);
  parse(signed, sum, "sum");
  return {
    holds: "as n grows",
    value: gammaOf(halfRange, items) * Math.exp(-exponent(halfRange, items, sum)),
  };
}

/**
 * Theorem 4, second moment: E I_{n,z} I_{n,z'} = 2 gamma_n^2 (exp(-(z^2 + z'^2) / (2 n c_M M^2)) + O(1/n))
 * + 2^-n E I_{n,z} (1{z = z'} + 1{z = -z'}) where z and z' have one parity, else 0, which is exact.
 * @throws {RequestError} M is 1.
 */
export function theorem4Product(halfRange: number, items: number, sum: number, other: number): InTheLimit {
  parse(signed, other, "other");
  const [mean, otherMean] = [
    theorem4Mean(halfRange, items, sum).value,
    theorem4Mean(halfRange, items, other).value,
  ];
  if (Math.abs(sum % 2) !== Math.abs(other % 2)) return { holds: "as n grows", value: 0 };
  const diagonal = Number(sum === other) + Number(sum === -other);
  return { holds: "as n grows", value: 2 * mean * otherMean + 2 ** -items * mean * diagonal };
}

/**
 * The exact probability that A_1 + ... + A_n has the parity of z: 1/2 for even M, (1 + (-1/M)^n) / 2 for odd M and even z.
 * Without that parity no signs have sum z, so that this is an upper bound on P(N_z > 0) for every n >= 1.
 */
export function parityProbability(halfRange: number, items: number, sum: number): Always {
  check(halfRange, items);
  parse(signed, sum, "sum");
  return { holds: "always", value: parityShare(halfRange, items, sum) };
}

/**
 * Lemma 1: the sides of P(N_z > 0) for M >= 2. With r = mu exp(-z^2 / (2 n c_M M^2)): r / (1 + 2 r) and min(q, r) for z != 0,
 * r / (2 + 2 r) and min(q, r / 2) for z = 0, where solutions come in pairs. q is `parityProbability`: 1/2 for even M, and
 * (1 + (-1)^z (-1/M)^n) / 2 for odd M.
 * @throws {RequestError} M is 1, where P(N_z > 0) is 1 for |z| <= n of the parity of n, else 0, and both sides are false.
 */
export function lemma1(halfRange: number, items: number, sum: number): InTheLimitBetween {
  check(halfRange, items, latticed);
  parse(signed, sum, "sum");
  const { low, high } = between(solutions(halfRange, items, sum), sum === 0);
  return { holds: "as n grows", low, high: Math.min(parityShare(halfRange, items, sum), high) };
}

/** The sides of Lemma 1 without its cap q, in a form that is right for r = 0 and r = Infinity too. */
function between(r: number, paired: boolean): { readonly low: number; readonly high: number } {
  return paired ? { low: 1 / (2 + 2 / r), high: r / 2 } : { low: 1 / (2 + 1 / r), high: r };
}

/**
 * Lemma 2: the signed sum Lambda - 2 t. For any items X with the sum Lambda, as many choices of signs have it as index sets have
 * the sum t, and as many have 2 t - Lambda: an index set gives - or + to its items, and the other sign to the others.
 */
export function lemma2(target: number, total: number): Always {
  parse(signed, target, "target");
  parse(signed, total, "total");
  return { holds: "always", value: total - 2 * target };
}

/** @throws {RequestError} An argument is out of range, or a target has the empty or the full set, which Lemma 3 leaves out. */
function checkGiven(halfRange: number, items: number, target: number, total: number): void {
  check(halfRange, items);
  parse(signed, target, "target");
  parse(signed, total, "total");
  if (target === 0 || target === total)
    throw new RequestError("target", "neither 0 nor the total, which are always reached", target);
}

/**
 * Lemma 3: the sides of P(Y_t > 0 | Lambda), twice those of Lemma 1 at z = Lambda - 2 t with a cap of 1, where Y_t counts the
 * index sets with sum t and Lambda is the sum of all items (law `rssp`).
 * @throws {RequestError} t is 0 or Lambda: the empty set and the full set reach these, P is 1, and the formula is false.
 */
export function lemma3(halfRange: number, items: number, target: number, total: number): InTheLimitBetween {
  checkGiven(halfRange, items, target, total);
  const sum = lemma2(target, total).value;
  const { low, high } = between(solutions(halfRange, items, sum), sum === 0);
  return { holds: "as n grows", low: 2 * low, high: Math.min(1, 2 * high) };
}

/**
 * The mean of Y_t in Lemma 3: E[Y_t | Lambda] ~ 2 r, with r as in `lemma1` at z = Lambda - 2 t.
 * @throws {RequestError} As `lemma3`.
 */
export function lemma3Mean(halfRange: number, items: number, target: number, total: number): InTheLimit {
  checkGiven(halfRange, items, target, total);
  return { holds: "as n grows", value: 2 * solutions(halfRange, items, lemma2(target, total).value) };
}

/**
 * The second moment of Y_t in Lemma 3: E[Y_t^2 | Lambda] ~ 4 r^2 + 2 r, and 4 r^2 + 4 r for Lambda = 2 t, where complements have
 * the same sum.
 * @throws {RequestError} As `lemma3`.
 */
export function lemma3Square(halfRange: number, items: number, target: number, total: number): InTheLimit {
  const mean = lemma3Mean(halfRange, items, target, total).value;
  return { holds: "as n grows", value: mean * (mean + (total === 2 * target ? 2 : 1)) };
}

/**
 * E Y_t ~ 2^n / sqrt(pi n s2) exp(-t^2 / (n s2)), the mean number of index sets with sum t, s2 = E X^2; for t = 0 the
 * empty set on top. Not in the paper; it is Lemma 3 without the condition. Against exact values for |t| <= M: within 4 %
 * from n = 8 on for `rssp`, M = 4..256; within 25 % at n = 8 and 5 % at n = 16 for products, M = 16 and 64.
 * @throws {RequestError} The ensemble is `rnpp`, whose items take signs.
 */
export function expectedSolutions(
  ensemble: Ensemble,
  halfRange: number,
  items: number,
  target: number,
): InTheLimit {
  check(halfRange, items);
  parse(signed, target, "target");
  if (ensemble === "rnpp")
    throw new RequestError("ensemble", "one of rssp, rssp0, products, products0", ensemble);
  const variance = items * secondMoment(ensemble, halfRange);
  const mean = Math.exp(items * Math.LN2 - target ** 2 / variance - Math.log(Math.PI * variance) / 2);
  return { holds: "as n grows", value: mean + Number(target === 0) };
}

/** Lemma 4: s = sqrt(2/7) M sqrt(n ln n), the half width of the window of Lambda, in units of the items, n >= 1. */
export function lemma4HalfWidth(halfRange: number, items: number): number {
  check(halfRange, items);
  return halfRange * Math.sqrt((2 / 7) * items * Math.log(items));
}

/**
 * Lemma 4: P(Y_t = 0) = O(n^(-1/7)) for t = O(M) and lim log2(M) / n < 1, here min(1, 2 n^(-1/7)). The constant 2 is that of
 * Hoeffding's inequality in the proof; the constant of the proof's other part is not stated. The value is 1 up to n = 128 and
 * 0.1 at n = 1.28e9.
 */
export function lemma4Rate(items: number): InTheLimit {
  parse(counts, items, "items");
  return { holds: "as n grows", value: Math.min(1, 2 * items ** (-1 / 7)) };
}

/**
 * Hoeffding's inequality: P(|Lambda| >= s) <= min(1, 2 exp(-s^2 / (2 n M^2))) for n >= 1 independent items of mean 0 in -M..M,
 * as in every ensemble but `rnpp`; s >= 0.
 */
export function hoeffding(halfRange: number, items: number, s: number): Always {
  check(halfRange, items);
  parse(distance, s, "s");
  return { holds: "always", value: Math.min(1, 2 * Math.exp(-((s / halfRange) ** 2) / (2 * items))) };
}

/**
 * Theorem 3: a network from which each d x d layer of precision 2^-bits can be pruned with probability at least p has at
 * least d^2 log2(2^(bits+1) + 1) + log2 p parameters that are not 0. `bits` is the targets' k_t, 0..1000; 0 < p <= 1. The value
 * is negative, and no bound, where p is below 1 / (the number of such layers). The statement is about one layer, whose matrices
 * are all different functions. Matrices of several layers may be one function, so a sum over layers counts matrices.
 */
export function theorem3(width: number, bits: number, p: number): Always {
  parse(counts, width, "width");
  parse(integer(0, 1000), bits, "bits");
  parse(probability, p, "p");
  return { holds: "always", value: width ** 2 * Math.log2(2 ** (bits + 1) + 1) + Math.log2(p) };
}

/**
 * Corollary 1: the least hidden width of such a network with two dense layers. With d inputs, h hidden units and d outputs
 * it has 2 h d parameters, so h is at least Theorem 3's bound divided by 2 d. The paper states Omega(d log 1/delta).
 */
export function corollary1(width: number, bits: number, p: number): Always {
  return { holds: "always", value: theorem3(width, bits, p).value / (2 * width) };
}

export interface FollowUpOptions {
  /** Delta: how far a subset sum may miss its target, an integer from 0. Default 0. */
  readonly tolerance?: number;
  /** C, from 0. Default 2. */
  readonly c?: number;
  /** kappa, above 0. Default 1.65 for `rssp`, 2.5 for `rssp0`. */
  readonly kappa?: number;
}

/**
 * Kumar & Natale, "A Unified Framework for Quantized and Continuous Strong Lottery Tickets": n items bring every target of
 * -M..M within Delta of a subset sum with probability at least
 * 1 - 2 exp(-(n - C ln((M+1) / (Delta+1)))^2 / (kappa n)), for n > C ln((M+1) / (Delta+1)). For smaller n, and where that is
 * negative, the value is 0. The paper does not state C and kappa. The defaults are fitted, not proven: with them the form holds
 * for Delta = 0 and n up to 160, for `rssp` for M up to 1024 (1.618 is needed at M = 16, n = 84), for `rssp0` for M = 1, 2, 4, 8
 * (2.424 is needed at M = 1). kappa = 1.5 is too small for `rssp`: for M = 6, n = 24 the failure is 2.864e-5, and the form allows
 * 2.650e-5. A kappa below 1 / ln 2 = 1.443 (`rssp`) or 1 / ln 1.5 = 2.466 (`rssp0`) contradicts M = 1.
 */
export function followUp(
  ensemble: "rssp" | "rssp0",
  halfRange: number,
  items: number,
  { tolerance = 0, c = 2, kappa = ensemble === "rssp" ? 1.65 : 2.5 }: FollowUpOptions = {},
): Fitted {
  check(halfRange, items);
  if (ensemble !== "rssp" && ensemble !== "rssp0")
    throw new RequestError("ensemble", "one of rssp, rssp0", ensemble);
  parse(integer(0, ANY), tolerance, "tolerance");
  parse(distance, c, "c");
  parse(positive, kappa, "kappa");
  const excess = items - c * Math.log((halfRange + 1) / (tolerance + 1));
  const failure = excess > 0 ? 2 * Math.exp(-(excess ** 2) / (kappa * items)) : 1;
  return { holds: "fitted", value: Math.max(0, 1 - failure) };
}
