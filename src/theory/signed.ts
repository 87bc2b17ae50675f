// The law of a signed sum of uniform items, exactly: counts in big integers, for any half range.

/**
 * The probability that n items of 1..M sum to the parity of a value, without which no signs reach it: (1 + q^n) / 2 for
 * even values with q = P(A even) - P(A odd), 0 for even M and -1/M for odd M.
 */
export function parityShare(halfRange: number, items: number, sum: number): number {
  const bias = (halfRange % 2 === 0 ? 0 : -1 / halfRange) ** items;
  return sum % 2 === 0 ? (1 + bias) / 2 : (1 - bias) / 2;
}

/** n over k for an n of any size, k small. */
function choose(n: bigint, k: number): bigint {
  let [top, bottom] = [1n, 1n];
  for (let i = 0n; i < k; i++) {
    top *= n - i;
    bottom *= i + 1n;
  }
  return top / bottom;
}

/** The number of binary digits, to within four. */
function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}

/** The quotient of two positive big integers, correctly rounded but for the last place. */
function quotient(top: bigint, bottom: bigint): number {
  const shift = Math.max(0, 70 + bitLength(bottom) - bitLength(top));
  return (
    Number((top << BigInt(shift)) / bottom) / 2 ** Math.min(shift, 1000) / 2 ** Math.max(0, shift - 1000)
  );
}

function remember<T>(memory: Map<string, T>, n: number, sum: number, make: () => T): T {
  const key = `${n},${sum}`;
  const found = memory.get(key) ?? make();
  memory.set(key, found);
  return found;
}

/**
 * The probability that n items, each uniform on +-1..+-M, sum to a value: the law of the signed sums of `rnpp`. The
 * number of ways is a coefficient of (x^-M + ... + x^M - 1)^n, by inclusion and exclusion; every probability is right to
 * double precision. M from 1, n from 0; a value takes O(n^2) binomials the first time.
 */
export function signedLaw(halfRange: number): (items: number, sum: number) => number {
  const M = BigInt(halfRange);
  const width = 2n * M + 1n;
  const closed = new Map<string, bigint>();
  const known = new Map<string, number>();
  /** Ways of k items of -M..M, 0 among them, to sum to a value. */
  const withZero = (k: number, sum: number) =>
    remember(closed, k, sum, () => {
      if (k === 0) return BigInt(sum === 0);
      let ways = 0n;
      for (let j = 0; j <= k; j++) {
        const rest = BigInt(sum) + BigInt(k) * M - BigInt(j) * width;
        if (rest < 0n) break;
        const term = choose(BigInt(k), j) * choose(rest + BigInt(k - 1), k - 1);
        ways += j % 2 === 0 ? term : -term;
      }
      return ways;
    });
  return (items, sum) => {
    const value = Math.abs(sum);
    return remember(known, items, value, () => {
      let ways = 0n;
      for (let k = 0; k <= items; k++) {
        const term = choose(BigInt(items), k) * withZero(k, value);
        ways += (items - k) % 2 === 0 ? term : -term;
      }
      return ways === 0n ? 0 : quotient(ways, (2n * M) ** BigInt(items));
    });
  };
}
