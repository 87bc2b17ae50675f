// Numbers of any size from their residues: the kernel `count` counts modulo 2^64, and modulo 2^62 - c for some small c.

/** Two moduli 2^62 - c differ by less than this, and none has a factor below it, so that no two have a common factor. */
const SIEVED = 2 ** 12;

/** The reductions c of the moduli 2^62 - c, ascending. */
let reductions: readonly number[] | undefined;

function reductionsBelow(): readonly number[] {
  const composite = new Uint8Array(SIEVED);
  for (let factor = 2; factor < SIEVED; factor++) {
    const half = 2 ** 31 % factor;
    for (let c = (half * half) % factor; c < SIEVED; c += factor) composite[c] = 1;
  }
  return Array.from(composite.keys()).filter((c) => composite[c] === 0);
}

/** The parameter `reduction` of the kernel `count` for residue i: modulus 0 is 2^64, and the others are 2^62 - c. */
export function reductionOf(i: number): number {
  if (i === 0) return 0;
  reductions ??= reductionsBelow();
  return reductions[i - 1]!;
}

const modulusOf = (i: number): bigint => (i === 0 ? 2n ** 64n : 2n ** 62n - BigInt(reductionOf(i)));

/** How many residues tell the numbers of 0..most apart. Those of 10,000 bits take 162. */
export function residuesFor(most: bigint): number {
  let count = 1;
  for (let product = modulusOf(0); product <= most; product *= modulusOf(count++));
  return count;
}

/**
 * The least number with some residues: the Chinese remainder theorem, one modulus after the other.
 * @param residues residues[i] belongs to modulus i and may be that modulus or larger.
 */
export function fromResidues(residues: readonly bigint[]): bigint {
  let [number, product] = [residues[0]! % modulusOf(0), modulusOf(0)];
  for (let i = 1; i < residues.length; i++) {
    const modulus = modulusOf(i);
    const missing = (residues[i]! - number) % modulus;
    const steps = (missing * inverse(product % modulus, modulus)) % modulus;
    number += product * (steps < 0n ? steps + modulus : steps);
    product *= modulus;
  }
  return number;
}

/** The number whose product with `value` is 1 modulo `modulus`, by Euclid's algorithm; it may be negative. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [modulus, value, 0n, 1n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b, x, y] = [b, a - quotient * b, y, x - quotient * y];
  }
  return x;
}
