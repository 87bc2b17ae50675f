// The exact law of a signed sum of uniform items, for any half range, from counts in big integers.

/**
 * The probability that the sum of n items of 1..M has the parity of a value; otherwise no signs reach the value. It is
 * (1 + q^n) / 2 for even values and (1 - q^n) / 2 for odd ones, where q = P(A even) - P(A odd) is 0 for even M and -1/M for odd
 * M.
 */
export function parityShare(halfRange: number, items: number, sum: number): number {
  const bias = (halfRange % 2 === 0 ? 0 : -1 / halfRange) ** items;
  return sum % 2 === 0 ? (1 + bias) / 2 : (1 - bias) / 2;
}

/** The binomial coefficient n over k, with n of any size and k small. */
function choose(n: bigint, k: number): bigint {
  let [top, bottom] = [1n, 1n];
  for (let i = 0n; i < k; i++) {
    top *= n - i;
    bottom *= i + 1n;
  }
  return top / bottom;
}

/** The number of binary digits, rounded up to a multiple of 4. */
function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}

/** The quotient of two positive big integers, with an error of at most one unit in the last place. */
function quotient(top: bigint, bottom: bigint): number {
  const shift = Math.max(0, 70 + bitLength(bottom) - bitLength(top));
  return (
    Number((top << BigInt(shift)) / bottom) / 2 ** Math.min(shift, 1000) / 2 ** Math.max(0, shift - 1000)
  );
}

function memoize<T>(cache: Map<string, T>, n: number, sum: number, compute: () => T): T {
  const key = `${n},${sum}`;
  const value = cache.get(key) ?? compute();
  cache.set(key, value);
  return value;
}

/**
 * The probability that n items, each uniform on +-1..+-M, sum to a value: the law of the signed sums of `rnpp`. The number of
 * ways is a coefficient of (x^-M + ... + x^M - 1)^n, by inclusion and exclusion, and every probability is accurate to double
 * precision. M is 1 or more, n is 0 or more. A value takes O(n^2) binomials when it is first computed.
 */
export function signedLaw(halfRange: number): (items: number, sum: number) => number {
  const M = BigInt(halfRange);
  const width = 2n * M + 1n;
  const waysWithZero = new Map<string, bigint>();
  const probabilities = new Map<string, number>();
  /** The number of ways in which k items of -M..M, 0 included, sum to a value. */
  const withZero = (k: number, sum: number) =>
    memoize(waysWithZero, k, sum, () => {
      if (k === 0) return BigInt(sum === 0);
      let ways = 0n;
      for (let j = 0; j <= k; j++) {
        const excess = BigInt(sum) + BigInt(k) * M - BigInt(j) * width;
        if (excess < 0n) break;
        const term = choose(BigInt(k), j) * choose(excess + BigInt(k - 1), k - 1);
        ways += j % 2 === 0 ? term : -term;
      }
      return ways;
    });
  return (items, sum) => {
    const value = Math.abs(sum);
    return memoize(probabilities, items, value, () => {
      let ways = 0n;
      for (let k = 0; k <= items; k++) {
        const term = choose(BigInt(items), k) * withZero(k, value);
        ways += (items - k) % 2 === 0 ? term : -term;
      }
      return ways === 0n ? 0 : quotient(ways, (2n * M) ** BigInt(items));
    });
  };
}
