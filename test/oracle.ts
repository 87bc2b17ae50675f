// The answers from outside: what trials hold and what they reach, and what given items sum up to, written from the
// description alone, with BigInt, sets of sums and plain enumeration, so that it shares no code and no method with the
// engines it judges.

import type { Work, WorkOf } from "../src/plan.ts";

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

/** The sum and the size of every index set of some items, by its mask. */
export interface IndexSets {
  readonly sums: BigInt64Array;
  readonly sizes: Uint8Array;
}

/** All index sets of the items. Where `signed`, the items outside a set are subtracted instead of left out. */
export function oracleSets(items: readonly (number | bigint)[], signed = false): IndexSets {
  const sums = new BigInt64Array(2 ** items.length);
  const sizes = new Uint8Array(sums.length);
  items.forEach((item, i) => {
    const whole = BigInt(item);
    for (let mask = 0; mask < 2 ** i; mask++) {
      sums[mask + 2 ** i] = sums[mask]! + whole;
      sizes[mask + 2 ** i] = sizes[mask]! + 1;
      if (signed) sums[mask]! -= whole;
    }
  });
  return { sums, sizes };
}

/** The index sets that serve best, all of which have the same sum or the lower of two. */
interface Best {
  /** How many index sets serve at all, and how many of them as well as the best. */
  readonly serving: number;
  readonly ties: number;
  readonly sum: bigint;
  /** The smallest mask of that sum; the least size of a set of that sum, and the smallest mask of such a set. */
  readonly mask: number;
  readonly size: number;
  readonly sizeMask: number;
}

/** The best of all index sets, where `gap` tells how badly one serves: 0 at best, negative where it does not serve. */
function oracleBest(
  { sums, sizes }: IndexSets,
  gap: (sum: bigint, size: number) => bigint,
): Best | undefined {
  let best: { -readonly [K in keyof Best]: Best[K] } | undefined;
  let least = 0n;
  let serving = 0;
  for (let mask = 0; mask < sums.length; mask++) {
    const [sum, size] = [sums[mask]!, sizes[mask]!];
    const far = gap(sum, size);
    if (far < 0n) continue;
    serving++;
    if (best && far > least) continue;
    const ties: number = best && far === least ? best.ties + 1 : 1;
    if (!best || far < least || sum < best.sum) best = { serving, ties, sum, mask, size, sizeMask: mask };
    else if (sum === best.sum && size < best.size) best = { ...best, ties, size, sizeMask: mask };
    else best.ties = ties;
    least = far;
  }
  return best && { ...best, serving };
}

/** |a - b| */
const apart = (a: bigint, b: bigint) => (a < b ? b - a : a - b);

/** One instance of a batch: its items, and for each target from, to and center. */
export interface Given {
  readonly items: readonly (number | bigint)[];
  readonly targets: readonly (readonly (number | bigint)[])[];
}

export interface GivenBatch {
  readonly kernel: "witness" | "count" | "smallest" | "meet";
  readonly instances: readonly Given[];
  readonly masks?: boolean;
  readonly tiles?: boolean;
  /** Counts are reduced by 2^62 minus this number. */
  readonly reduction?: number;
  /** Whether masks of fewer items come first: of one sum, or of any sum that serves the target. */
  readonly fewest?: boolean | "of any sum";
}

/** Words of the answer to one target of n items. */
function answerLength({ kernel, masks = true }: GivenBatch, n: number): number {
  const mask = masks ? Math.ceil(n / 32) : 0;
  return { witness: 2 + mask, count: 3, smallest: 1 + mask, meet: 7 }[kernel];
}

/** Where the answers are, the last target's first and a word between any two; and where the last of them ends. */
function answerPlaces(batch: GivenBatch): { places: number[]; length: number } {
  let length = 0;
  const places = batch.instances
    .flatMap(({ items, targets }) => targets.map(() => answerLength(batch, items.length)))
    .toReversed()
    .map((words) => (length += words + 1) - words);
  return { places: places.toReversed(), length };
}

/** A batch in the words that its kernel reads. */
export function batchWords(batch: GivenBatch): WorkOf<"witness" | "count" | "smallest" | "meet"> & Work {
  const { kernel, instances, masks = true, tiles = false, reduction = 0, fewest = false } = batch;
  const wide = kernel === "meet";
  const { places, length } = answerPlaces(batch);
  const items = instances.flatMap((instance) => [...instance.items]);
  const targets = instances.flatMap((instance) => [...instance.targets]);
  const starts = [0, 0];
  let [longest, sums] = [0, 1];
  for (const { items, targets } of instances) {
    starts.push(starts.at(-2)! + items.length, starts.at(-1)! + targets.length);
    longest = Math.max(longest, items.length);
    if (wide) continue;
    // From the least sum up to the last target, or from the greatest sum down to the first: whichever is less.
    const total = (sign: number) => items.reduce<number>((sum, x) => sum + Math.max(sign * Number(x), 0), 0);
    const up = total(-1) + Math.max(...targets.map(([, to]) => Number(to)));
    const down = total(1) - Math.min(...targets.map(([from]) => Number(from)));
    sums = Math.max(sums, 1 + Math.min(up, down));
  }
  const rows = targets.map((target, i) => [...target, places[i]!]);
  const words = (values: readonly (number | bigint)[]) =>
    wide
      ? new Uint32Array(BigInt64Array.from(values, BigInt).buffer)
      : Int32Array.from(values as readonly number[]);
  const params = {
    instances: instances.length,
    items: items.length,
    targets: targets.length,
    answers: length,
    longest,
  };
  const inputs = { items: words(items), starts: Uint32Array.from(starts), targets: words(rows.flat()) };
  return kernel === "meet"
    ? { kernel, params: { ...params, fewest: fewest === "of any sum" ? 2 : Number(fewest) }, inputs }
    : {
        kernel,
        params: { ...params, sums, masks: Number(masks), tiles: Number(tiles), reduction },
        inputs,
      };
}

/** The words that a kernel on given instances must write. */
export function oracleWords(batch: GivenBatch): number[] {
  const { places, length } = answerPlaces(batch);
  const words = new Array<number>(length).fill(0);
  const questions = batch.instances.flatMap(({ items, targets }) => {
    const sets = oracleSets(items);
    return targets.map((target) => ({ n: items.length, sets, target: target.map(BigInt) }));
  });
  questions.forEach(({ n, sets, target: [from, to, center] }, i) => {
    const best = oracleBest(sets, (sum, size) => {
      if (sum < from! || sum > to!) return -1n;
      // Distances are below 2^64.
      return apart(sum, center!) + (batch.fewest === "of any sum" ? BigInt(size) * WORD * WORD : 0n);
    });
    const mask = (value = 0) => (batch.masks === false || n === 0 ? [] : [value]);
    const wide = (value: bigint) => [Number(value % WORD), Number(value / WORD)];
    const pattern = (sum: bigint) => wide(BigInt.asUintN(64, sum));
    const answers = {
      witness: () => [best ? 1 : 0, best ? pattern(best.sum)[0]! : 0, ...mask(best?.mask)],
      count: () => [...wide(BigInt(best?.serving ?? 0)), 0],
      smallest: () => [best?.size ?? 2 ** 32 - 1, ...mask(best?.sizeMask)],
      meet: () =>
        best
          ? [
              1,
              ...pattern(best.sum),
              ...wide(BigInt(best.serving)),
              ...wide(BigInt(batch.fewest ? best.sizeMask : best.mask)),
            ]
          : [0, 0, 0, 0, 0, 0, 0],
    };
    words.splice(places[i]!, answerLength(batch, n), ...answers[batch.kernel]());
  });
  return words;
}

/** What is asked of the index sets of an instance beside a target. */
export interface Wish {
  readonly size?: number;
  readonly atMostSize?: number;
  readonly tolerance?: number;
  readonly atMost?: boolean;
  readonly partition?: boolean;
}

/** What a finding must say of one target, from all index sets of its items. */
export function oracleFinding(
  items: readonly number[],
  sets: IndexSets,
  target: number | bigint | undefined,
  { size, atMostSize = Infinity, tolerance, atMost = false, partition = false }: Wish,
): Record<string, unknown> {
  const total = items.reduce((sum, item) => sum + BigInt(item), 0n);
  const wanted = BigInt(target ?? 0);
  const most = atMost && tolerance === undefined ? undefined : BigInt(tolerance ?? 0);
  const gapOf = (sum: bigint) => {
    if (partition) return apart(2n * sum, total);
    if (atMost && sum > wanted) return -1n;
    const gap = apart(sum, wanted);
    return most === undefined || gap <= most ? gap : -1n;
  };
  const gap = (sum: bigint, chosen: number) =>
    (size === undefined || chosen === size) && chosen <= atMostSize ? gapOf(sum) : -1n;
  const best = oracleBest(sets, gap);
  const indices = (mask: number) => items.flatMap((_, i) => (Math.floor(mask / 2 ** i) % 2 === 1 ? [i] : []));
  const json = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value));
  const ways = best && (tolerance !== undefined && !atMost ? best.serving : best.ties);
  return {
    reachable: best !== undefined,
    ...(tolerance !== undefined || atMost || partition ? { sum: best ? json(best.sum) : null } : undefined),
    ...(partition ? { difference: best ? json(apart(2n * best.sum, total)) : null } : undefined),
    count: String(ways ?? 0),
    unique: ways === 1,
    witness: best ? indices(best.mask) : null,
    smallest: best ? best.size : null,
    smallestWitness: best ? indices(best.sizeMask) : null,
  };
}

/** The masks that a finding must count, ascending. */
export function oracleListed(
  items: readonly number[],
  sets: IndexSets,
  target: number | bigint,
  wish: Wish,
): number[] {
  const { size, atMostSize = Infinity, tolerance, atMost = false, partition = false } = wish;
  const best = oracleFinding(items, sets, target, wish).sum ?? target;
  const total = items.reduce((sum, item) => sum + BigInt(item), 0n);
  const isCounted = (sum: bigint) => {
    if (tolerance !== undefined && !atMost) return apart(sum, BigInt(target)) <= BigInt(tolerance);
    return sum === BigInt(best as number) || (partition && sum === total - BigInt(best as number));
  };
  return Array.from(sets.sums.keys()).filter((mask) => {
    const chosen = sets.sizes[mask]!;
    return (size ?? chosen) === chosen && chosen <= atMostSize && isCounted(sets.sums[mask]!);
  });
}

/** Demands of products of two drawn layers, or with sign 0 of weights by themselves. */
export interface Drawn {
  /** What drawn values stand for. */
  readonly values: readonly number[];
  readonly hidden: readonly [bigint, bigint];
  readonly weights: readonly [bigint, bigint];
  readonly group: number;
  readonly sparse: boolean;
  /** Places of the first hidden unit and of the first weight, the sum, and the sign asked for. */
  readonly demands: readonly (readonly [number, number, number, number])[];
}

/** Demands in the words that the kernel reads, with tables of at least `sums` sums. */
export function drawnWords({ values, hidden, weights, group, sparse, demands }: Drawn, sums = 1) {
  const range = values.length;
  const bits = oracleWidth(range);
  const largest = Math.max(...values.map(Math.abs)) ** 2;
  const params = {
    demands: demands.length,
    group,
    hiddenLow: Number(hidden[0]),
    hiddenHigh: Number(hidden[1]),
    weightsLow: Number(weights[0]),
    weightsHigh: Number(weights[1]),
    range,
    bits,
    // Slices whose product ends below this, where it is taken to the top of a word, are rejected.
    threshold: (2 ** bits % range) * 2 ** (32 - bits),
    sparse: Number(sparse),
    sums: Math.max(sums, Math.trunc((group * largest) / 2) + 1),
  };
  const inputs = { values: Int32Array.from(values), demands: Int32Array.from(demands.flat()) };
  return { kernel: "prune" as const, params, inputs };
}

/** The items of a demand: products where the hidden unit has the sign asked for, otherwise 0. */
export function oracleProducts(
  { values, hidden, weights, group }: Drawn,
  [firstHidden, firstWeight, , sign]: Drawn["demands"][number],
): number[] {
  const drawn = (key: readonly [bigint, bigint], place: number) =>
    values[oracleValue(values.length, key, BigInt(Math.trunc(place / 64)), place % 64)]!;
  return Array.from({ length: group }, (_, q) => {
    if (sign === 0) return drawn(weights, firstWeight + q);
    const unit = drawn(hidden, firstHidden + q);
    return unit * sign > 0 ? unit * drawn(weights, firstWeight + q) : 0;
  });
}

/** The words that the kernel must write for groups of up to 32 items, few enough for all index sets. */
export function oracleKept(drawn: Drawn): number[] {
  return drawn.demands.flatMap((demand) => {
    const sets = oracleSets(oracleProducts(drawn, demand));
    const best = oracleBest(sets, (sum) => (sum === BigInt(demand[2]) ? 0n : -1n));
    const mask = drawn.sparse ? best?.sizeMask : best?.mask;
    return [best ? 1 : 0, ...(drawn.group > 0 ? [mask ?? 0] : [])];
  });
}

/** A knapsack: weights, profits, and the capacities that are asked about. */
export interface GivenKnapsack {
  readonly items: readonly number[];
  readonly profits: readonly bigint[];
  readonly capacities: readonly number[];
}

/** Knapsacks in the words that the kernel `knapsack` reads. Answers are in the order of the capacities. */
export function knapsackBatch(knapsacks: readonly GivenKnapsack[], tiles = false): WorkOf<"knapsack"> & Work {
  const starts = [0, 0];
  const targets: number[] = [];
  let answers = 0;
  for (const { items, capacities } of knapsacks) {
    for (const capacity of capacities) {
      targets.push(capacity, answers);
      answers += 2 + Math.ceil(items.length / 32);
    }
    starts.push(starts.at(-2)! + items.length, targets.length / 2);
  }
  const all = knapsacks.flatMap(({ items }) => items);
  const profits = BigUint64Array.from(knapsacks.flatMap(({ profits }) => profits));
  return {
    kernel: "knapsack",
    params: {
      instances: knapsacks.length,
      items: all.length,
      targets: targets.length / 2,
      answers,
      longest: Math.max(...knapsacks.map(({ items }) => items.length)),
      sums: 1 + Math.max(...knapsacks.flatMap(({ capacities }) => capacities)),
      tiles: Number(tiles),
    },
    inputs: {
      items: Uint32Array.from(all),
      profits: new Uint32Array(profits.buffer),
      starts: Uint32Array.from(starts),
      targets: Uint32Array.from(targets),
    },
  };
}

/** The greatest profit within a capacity and the smallest mask of it, by going through all masks in their order. */
export function oracleKnapsack(
  items: readonly number[],
  profits: readonly (number | bigint)[],
  capacity: number | bigint,
): { profit: bigint; weight: bigint; mask: number } | undefined {
  const weights = oracleSets(items).sums;
  const totals = oracleSets(profits).sums;
  let best: { profit: bigint; weight: bigint; mask: number } | undefined;
  for (let mask = 0; mask < weights.length; mask++)
    if (weights[mask]! <= BigInt(capacity) && (!best || totals[mask]! > best.profit))
      best = { profit: totals[mask]!, weight: weights[mask]!, mask };
  return best;
}

/** The words that the kernel `knapsack` must write for up to 32 items. */
export const knapsackAnswers = (knapsacks: readonly GivenKnapsack[]): number[] =>
  knapsacks.flatMap(({ items, profits, capacities }) =>
    capacities.flatMap((capacity) => {
      const { profit, mask } = oracleKnapsack(items, profits, capacity)!;
      return [Number(profit % WORD), Number(profit / WORD), ...(items.length === 0 ? [] : [mask])];
    }),
  );
