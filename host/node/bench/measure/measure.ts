// Measuring: candidates are measured alternately, so that other load of the machine affects all of them, until the median of
// each is known precisely enough.

/** The median; of an even number of values, the upper of the two in the middle. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/**
 * The 95 % confidence interval of the median of a distribution, between two order statistics (David & Nagaraja, Order
 * Statistics, 7.1). It assumes nothing of the distribution but that values are independent: each exceeds the median with
 * probability 1/2. Undefined for fewer than 6 values, whose whole range holds the median with a lower probability.
 */
export function interval(values: readonly number[]): { low: number; high: number } | undefined {
  const n = values.length;
  /** The probability that fewer than `rank` values are below the median. */
  let below = 0;
  /** The probability that exactly `rank` values are. */
  let exactly = 2 ** -n;
  let rank = 0;
  for (; below + exactly <= 0.025; rank++) {
    below += exactly;
    exactly *= (n - rank) / (rank + 1);
  }
  if (rank === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return { low: sorted[rank - 1]!, high: sorted[n - rank]! };
}

/** Half the width of the interval of a median, relative to the median; Infinity for too few values. */
export function spread(values: readonly number[]): number {
  const found = interval(values);
  return found ? (found.high - found.low) / 2 / median(values) : Infinity;
}

/** When alternation ends. */
export interface Method {
  /** The exact number of rounds. */
  readonly rounds?: number | undefined;
  /** Without `rounds`, the seconds after which it ends, however wide the intervals are. */
  readonly seconds: number;
  /** Stops it after the current pass, whose round is discarded. */
  readonly signal?: AbortSignal;
  /** A clock, in milliseconds. */
  readonly now?: () => number;
}

/** Runs a candidate once, and returns the cost of a unit of its work in seconds. */
export type Pass = () => number | Promise<number>;

/** Rounds that are discarded, while caches, compilers and clock rates settle. */
const WARM_UP_ROUNDS = 2;
/** The fewest rounds that have an interval, and the most that are run. */
const MIN_ROUNDS = 6;
const MAX_ROUNDS = 100;
/** The spread below which a median is known precisely enough. */
const NARROW_SPREAD = 0.02;

/** Candidates by name; undefined where this machine lacks one, which then has no costs. */
export type Candidates = Readonly<Record<string, Pass | undefined>>;
export type Costs<C extends Candidates> = {
  [Name in keyof C]: number[] | (undefined extends C[Name] ? undefined : never);
};

/**
 * Runs candidates alternately, round by round, in order and in reverse order, and returns the costs of each by round. Ends when
 * the spread of all medians is at most 2 %, or that of all ratios to the first candidate, which other load affects less.
 * Undefined where it is stopped before the first round ends.
 */
export async function alternate<C extends Candidates>(
  candidates: C,
  { rounds, seconds, signal, now = () => performance.now() }: Method,
): Promise<Costs<C> | undefined> {
  const present = Object.entries(candidates).flatMap(([name, pass]) =>
    pass ? [{ name, pass, costs: [] as number[] }] : [],
  );
  const found = () => Object.fromEntries(present.map(({ name, costs }) => [name, costs])) as Costs<C>;
  const begin = now();
  for (let round = -WARM_UP_ROUNDS; rounds === undefined || round < rounds; round++) {
    const done = Math.max(round, 0);
    const enough =
      done >= MAX_ROUNDS || now() - begin >= 1000 * seconds || isKnown(present.map(({ costs }) => costs));
    if (rounds === undefined && done >= MIN_ROUNDS && enough) break;
    const row: number[] = [];
    for (const { pass } of round % 2 ? present.toReversed() : present) {
      if (signal?.aborted) return done > 0 ? found() : undefined;
      row.push(await pass());
    }
    if (round % 2) row.reverse();
    if (round >= 0) present.forEach(({ costs }, i) => costs.push(row[i]!));
  }
  return found();
}

function isKnown(costs: readonly (readonly number[])[]): boolean {
  const [first] = costs;
  const ratios = costs.map((list) => list.map((cost, i) => cost / first![i]!));
  return [costs, ratios].some((lists) => lists.every((list) => spread(list) <= NARROW_SPREAD));
}

/** The seconds of a pass: much longer than the tick of a clock or a message, shorter than most disturbances. */
const PASS_SECONDS = 0.02;
const MAX_REPETITIONS = 2 ** 24;

/**
 * A pass that repeats work until it takes long enough to be measured. The first call, which warms up, finds the number of
 * repetitions; later calls keep it while it suffices.
 *
 * @param units Units of work in one repetition.
 * @param work Does `times` repetitions, and returns the seconds that they took.
 * @param long The seconds that a pass should take.
 */
export function repeated(
  units: number,
  work: (times: number) => number | Promise<number>,
  long = PASS_SECONDS,
): Pass {
  let times = 1;
  return async () => {
    for (;;) {
      const seconds = await work(times);
      if (seconds >= long / 2 || times >= MAX_REPETITIONS) return seconds / times / units;
      times = Math.ceil(times * Math.min(4, (1.2 * long) / Math.max(seconds, 1e-9)));
    }
  };
}

/**
 * The seconds of CPU time that a task takes in this thread, which other processes do not add to. It is the time of the whole
 * process, so no other thread may work meanwhile.
 */
export function cpuSeconds(task: () => void): number {
  const start = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** The seconds that a task takes by the clock. */
export async function timed(task: () => unknown): Promise<number> {
  const start = performance.now();
  await task();
  return (performance.now() - start) / 1000;
}
