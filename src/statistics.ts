// Confidence intervals for counted successes.

/** A measured probability with its 95 % confidence interval low..high, all in 0..1. */
export interface Estimate {
  /** The number of successes. */
  readonly solved: number;
  readonly probability: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The exact (Clopper-Pearson) confidence limits of a probability, of which each one is wrong with probability `tail` at most.
 * The lower limit of no successes is 0, the upper limit of all successes is 1. 1 - high is the lower limit of the failures,
 * which has their relative precision also where high rounds to 1.
 * @param solved The number of successes, an integer of 0..trials.
 * @param trials An integer of 1..2^48.
 * @param tail Above 0, at most 1/4.
 */
export function limits(solved: number, trials: number, tail: number): { low: number; high: number } {
  return { low: lower(solved, trials, tail).limit, high: lower(trials - solved, trials, tail).rest };
}

/** The probability with which each limit of a 95 % interval may be wrong. */
export const TAIL = 0.025;

/**
 * The estimate of a probability from `solved` successes in `trials`, 0 <= solved <= trials, trials > 0. The interval contains
 * the true probability in at least 1 - 2 `tail` of all experiments, whatever it is, also where no trial or every trial succeeds.
 * Source: Clopper & Pearson, Biometrika 26 (1934).
 */
export function estimate(solved: number, trials: number, tail = TAIL): Estimate {
  return { solved, probability: solved / trials, ...limits(solved, trials, tail) };
}

/** A probability known exactly because every instance was counted: low = probability = high. */
export function certainty(solved: number, instances: number): Estimate {
  const probability = solved / instances;
  return { solved, probability, low: probability, high: probability };
}

/**
 * What is certain of a probability while only some of all instances are counted: it is lowest where all others fail, and highest
 * where all others succeed. Instances are counted in their order, so the share of the counted ones is no estimate; the
 * probability given is the middle of the interval.
 */
export function bounds(solved: number, counted: number, instances: number): Estimate {
  const [low, high] = [solved / instances, (solved + instances - counted) / instances];
  return { solved, probability: (low + high) / 2, low, high };
}

/** The largest |ln(P / tail)| after which one more step of Newton's method is exact to rounding. */
const CLOSE = 1e-8;
/** More steps than any limit takes. */
const MAX_STEPS = 40;

/**
 * The p at which the probability P of at least s successes equals `tail`, and 1 - p. P is the incomplete beta function
 * I_p(s, n - s + 1). Newton's method on ln P as a function of ln r, r = p / (1 - p), converges from any start, since that
 * function is concave. Both p = r / (1 + r) and 1 - p = 1 / (1 + r) have the relative precision of r.
 */
function lower(s: number, n: number, tail: number): { limit: number; rest: number } {
  if (s === 0) return { limit: 0, rest: 1 };
  const logTail = Math.log(tail);
  if (s === n) return { limit: Math.exp(logTail / n), rest: -Math.expm1(logTail / n) };
  const failures = n - s;
  const logFactors =
    stirlingError(n) -
    stirlingError(s) -
    stirlingError(failures) -
    Math.log(2 * Math.PI * s * (failures / n)) / 2;
  // The start is below the mean of the beta distribution, where the continued fraction converges fast. The square root of the
  // sum of reciprocals is about the standard deviation of ln r.
  let r = (s / (failures + 1)) * Math.exp(-Math.sqrt(-2 * logTail * (1 / s + 1 / (failures + 1))));
  for (let step = 0; step < MAX_STEPS; step++) {
    const p = r / (1 + r);
    const q = 1 / (1 + r);
    const logTerm = logFactors - deviance(s, n * p) - deviance(failures, n * q);
    // P = binomial(n, s) p^s q^(n - s) s q / slope, and slope is the derivative of ln P by ln r.
    const slope = betaFraction(s, failures + 1, p, q);
    const excess = logTerm + Math.log((s * q) / slope) - logTail;
    r *= Math.exp(-excess / slope);
    if (Math.abs(excess) < CLOSE) break;
  }
  return { limit: r / (1 + r), rest: 1 / (1 + r) };
}

/**
 * p^a q^b / (B(a, b) I_p(a, b)) as a continued fraction by the modified Lentz method, q = 1 - p, p below a / (a + b).
 * Source: DiDonato & Morris, ACM Transactions on Mathematical Software 18 (1992), (9) and (10).
 */
function betaFraction(a: number, b: number, p: number, q: number): number {
  // a - (a + b) p, with less cancellation.
  const lambda = a * q - b * p;
  let value = (a * (lambda + 1)) / (a + 1);
  let [c, d] = [value, 0];
  for (let k = 1, factor = 0; Math.abs(factor - 1) > Number.EPSILON; k++) {
    const odd = a + 2 * k - 1;
    const alpha = (((a + k - 1) * (a + b + k - 1)) / odd / odd) * k * (b - k) * p * p;
    const beta = k + (k * (b - k) * p) / odd + ((a + k) * (lambda + 1 + k * (1 + q))) / (odd + 2);
    d = 1 / (beta + alpha * d);
    c = beta + alpha / c;
    factor = c * d;
    value *= factor;
  }
  return value;
}

/**
 * x ln(x / m) + m - x.
 * Source: Loader, Fast and Accurate Computation of Binomial Probabilities (2000).
 */
function deviance(x: number, m: number): number {
  const v = (x - m) / (x + m);
  if (Math.abs(v) > 0.1) return x * Math.log(x / m) + m - x;
  let sum = (x - m) * v;
  let power = 2 * x * v;
  // The comparison ends the loop for NaN too.
  for (let k = 3; Math.abs(power) > Number.EPSILON * sum; k += 2) {
    power *= v * v;
    sum += power / k;
  }
  return sum;
}

/** ln k! less Stirling's formula, ln(k^k e^-k sqrt(2 pi k)): its series from 16, and below it the sum of its differences. */
function stirlingError(k: number): number {
  let sum = 0;
  for (; k < 16; k++) sum += (k + 0.5) * Math.log1p(1 / k) - 1;
  const x = 1 / (k * k);
  return sum + (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - x / 1188) * x) * x) * x) / k;
}
