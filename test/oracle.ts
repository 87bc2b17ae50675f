// The answers from outside: what trials hold and what they reach, written from the description alone, with BigInt and
// sets of sums, so that it shares no code and no method with the engines it judges.

export interface Question {
  readonly ensemble: "rssp" | "rssp0" | "rnpp" | "products" | "products0";
  readonly halfRange: number;
  readonly from: number;
  readonly to: number;
  readonly targets: readonly number[];
  readonly seed: bigint;
  readonly enumerate: boolean;
}

const WORD = 2n ** 32n;

/** Threefry2x32-20, as the paper of 2011 states it: key injections at rounds 0, 4, ..., 20, rotations by a table of eight. */
export function oracleThreefry(
  key: readonly [bigint, bigint],
  counter: readonly [bigint, bigint],
): [bigint, bigint] {
  const turns = [13n, 15n, 26n, 6n, 17n, 29n, 16n, 24n];
  const extended = [key[0], key[1], 0x1bd11bdan ^ key[0] ^ key[1]];
  let left = counter[0];
  let right = counter[1];
  for (let injection = 0; ; injection++) {
    left = (left + extended[injection % 3]!) % WORD;
    right = (right + extended[(injection + 1) % 3]! + BigInt(injection)) % WORD;
    if (injection === 5) return [left, right];
    for (let round = 4 * injection; round < 4 * injection + 4; round++) {
      left = (left + right) % WORD;
      const rotated = right * 2n ** turns[round % 8]!;
      right = ((rotated % WORD) + rotated / WORD) ^ left;
    }
  }
}

/** The items an ensemble draws from, each as likely as any other, in the order in which uniform integers name them. */
export function oraclePool(ensemble: Question["ensemble"], halfRange: number): number[] {
  const between = (low: number, high: number) => Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const signed = (M: number, zero: boolean) => between(-M, M).filter((value) => zero || value !== 0);
  const side = Math.round(halfRange ** 0.5);
  const products = (zero: boolean) => signed(side, zero).flatMap((v) => between(1, side).map((u) => u * v));
  const pools: Record<Question["ensemble"], () => number[]> = {
    rssp: () => signed(halfRange, false),
    rssp0: () => signed(halfRange, true),
    rnpp: () => between(1, halfRange),
    products: () => products(false),
    products0: () => products(true),
  };
  return pools[ensemble]();
}

/** The key of an ensemble: one Threefry block of the seed, at (place of the ensemble, half range). */
export function oracleKey(seed: bigint, ensemble: Question["ensemble"], halfRange: number): [bigint, bigint] {
  const place = { rssp: 0n, rssp0: 1n, rnpp: 2n, products: 3n, products0: 4n }[ensemble];
  return oracleThreefry([seed % WORD, seed / WORD], [place, BigInt(halfRange)]);
}

/** Bits in a slice: a power of two takes its logarithm (at least 1), others 16 up to 2048 and 32 above. */
export function oracleWidth(range: number): number {
  for (let width = 0; width < 32; width++) if (2 ** width === range) return width === 0 ? 1 : width;
  return range <= 2048 ? 16 : 32;
}

/** The uniform integer 0..range-1 of one item, by the first slice that is not rejected. */
export function oracleValue(
  range: number,
  key: readonly [bigint, bigint],
  trial: bigint,
  item: number,
): number {
  const width = oracleWidth(range);
  const perWord = Math.trunc(32 / width);
  const block = (index: number) =>
    oracleThreefry(key, [trial % WORD, (trial / WORD) * 65536n + BigInt(index)]);
  const bitsOf = (word: bigint, from: number) =>
    BigInt(
      `0b${word
        .toString(2)
        .padStart(32, "0")
        .slice(from, from + width)}`,
    );
  const word = Math.trunc(item / perWord);
  let slice = bitsOf(block(Math.trunc(word / 2))[word % 2]!, width * (item % perWord));
  const slices = 2n ** BigInt(width);
  for (let attempt = 1; (slice * BigInt(range)) % slices < slices % BigInt(range); attempt++)
    slice = bitsOf(block(64 * attempt + item)[0], 0);
  return Number((slice * BigInt(range)) / slices);
}

/** The items of a trial. */
function oracleItems(question: Question, trial: bigint): number[] {
  const pool = oraclePool(question.ensemble, question.halfRange);
  const key = oracleKey(question.seed, question.ensemble, question.halfRange);
  let rest = trial;
  return Array.from({ length: question.to }, (_, item) => {
    if (!question.enumerate) return pool[oracleValue(pool.length, key, trial, item)]!;
    const digit = Number(rest % BigInt(pool.length));
    rest /= BigInt(pool.length);
    return pool[digit]!;
  });
}

/** Every sum of the items, each taken or left, or for `rnpp` each added or subtracted. */
export function oracleSums(ensemble: Question["ensemble"], items: readonly number[]): Set<number> {
  let sums = new Set([0]);
  for (const item of items)
    sums = new Set(
      [...sums].flatMap((sum) => (ensemble === "rnpp" ? [sum - item, sum + item] : [sum, sum + item])),
    );
  return sums;
}

/** The words of reach's tally: trials; uncovered by size; missing by size, low and high; unsolved by target and size. */
export function oracleTally(question: Question, first: number, count: number): number[] {
  const { ensemble, halfRange, from, to, targets } = question;
  const sizes = Array.from({ length: to - from + 1 }, (_, j) => from + j);
  const uncovered = sizes.map(() => 0);
  const missing = sizes.map(() => 0n);
  const unsolved = targets.map(() => sizes.map(() => 0));
  for (let t = 0; t < count; t++) {
    const items = oracleItems(question, BigInt(first) + BigInt(t));
    sizes.forEach((n, j) => {
      const sums = oracleSums(ensemble, items.slice(0, n));
      const near = [...sums].filter((sum) => sum >= -halfRange && sum <= halfRange).length;
      missing[j]! += BigInt(2 * halfRange + 1 - near);
      if (ensemble === "rnpp" ? !(sums.has(0) || sums.has(1) || sums.has(-1)) : near < 2 * halfRange + 1)
        uncovered[j]!++;
      targets.forEach((target, i) => (unsolved[i]![j]! += sums.has(target) ? 0 : 1));
    });
  }
  return [
    count,
    ...uncovered,
    ...missing.flatMap((sum) => [Number(sum % WORD), Number(sum / WORD)]),
    ...unsolved.flat(),
  ];
}
