// What a measurement is: candidates take turns, so that whatever else the machine does hits them alike, and go on until it
// is known well enough where the median of each lies.

/** The upper one of two in the middle. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/**
 * The interval between two values that holds the median of their distribution, whatever that is, in 95 of 100 cases or more:
 * each value is above it with probability 1/2, so that order statistics bound it (David & Nagaraja, Order Statistics,
 * 7.1). Undefined for fewer than 6 values, whose whole range does not hold it as often.
 */
export function interval(values: readonly number[]): { low: number; high: number } | undefined {
  const n = values.length;
  // How often fewer than `rank` of n values lie below the median.
  let below = 0;
  let ways = 2 ** -n;
  let rank = 0;
  for (; below + ways <= 0.025; rank++) {
    below += ways;
    ways *= (n - rank) / (rank + 1);
  }
  if (rank === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return { low: sorted[rank - 1]!, high: sorted[n - rank]! };
}

/** Half the width of the interval of a median over the median; Infinity where there are too few values for one. */
export function spread(values: readonly number[]): number {
  const found = interval(values);
  return found ? (found.high - found.low) / 2 / median(values) : Infinity;
}

/** How long candidates take turns. */
export interface Method {
  /** So many rounds and no other number. */
  readonly rounds?: number | undefined;
  /** After so many seconds it is enough, however wide the intervals are. */
  readonly seconds: number;
  /** Stops after the pass at hand; its round does not count. */
  readonly signal?: AbortSignal;
  /** A clock, in milliseconds. */
  readonly now?: () => number;
}

/** A pass of a candidate; answers what one unit of its work cost, in seconds. */
export type Pass = () => number | Promise<number>;

/** Rounds before those that count: caches, compilers and clocks settle. */
const WARM_UP = 2;
/** The fewest rounds that have an interval, and the most. */
const FEWEST = 6;
const MOST = 100;
/** Where intervals are narrow enough. */
const NARROW = 0.02;

/** What takes turns; a candidate that this machine does not have is undefined and has no costs either. */
export type Candidates = Readonly<Record<string, Pass | undefined>>;
export type Costs<C extends Candidates> = {
  [Name in keyof C]: number[] | (undefined extends C[Name] ? undefined : never);
};

/**
 * Has candidates take turns, in one order and then in the other, and answers what each round cost each of them. Ends when
 * the medians are known to 2 %, or all their ratios to the first one are, which disturbances spare. Undefined where it
 * was stopped before the first round was over.
 */
export async function takeTurns<C extends Candidates>(
  candidates: C,
  { rounds, seconds, signal, now = () => performance.now() }: Method,
): Promise<Costs<C> | undefined> {
  const runners = Object.entries(candidates).flatMap(([name, pass]) =>
    pass ? [{ name, pass, costs: [] as number[] }] : [],
  );
  const found = () => Object.fromEntries(runners.map(({ name, costs }) => [name, costs])) as Costs<C>;
  const begin = now();
  for (let round = -WARM_UP; rounds === undefined || round < rounds; round++) {
    const done = Math.max(round, 0);
    const over =
      done >= MOST || now() - begin >= 1000 * seconds || isKnown(runners.map(({ costs }) => costs));
    if (rounds === undefined && done >= FEWEST && over) break;
    const row: number[] = [];
    for (const { pass } of round % 2 ? runners.toReversed() : runners) {
      if (signal?.aborted) return done > 0 ? found() : undefined;
      row.push(await pass());
    }
    if (round % 2) row.reverse();
    if (round >= 0) runners.forEach(({ costs }, i) => costs.push(row[i]!));
  }
  return found();
}

function isKnown(costs: readonly (readonly number[])[]): boolean {
  const [first] = costs;
  const ratios = costs.map((list) => list.map((cost, i) => cost / first![i]!));
  return [costs, ratios].some((lists) => lists.every((list) => spread(list) <= NARROW));
}

/** Seconds that a pass should take: much longer than a clock's tick or a message, shorter than most disturbances. */
const PASS = 0.02;
const MOST_TIMES = 2 ** 24;

/**
 * A pass that repeats work so often that it takes long enough to be measured; how often is found out in the first one,
 * which warms up.
 * @param units What is done in one go.
 * @param work Goes so many times and answers the seconds that took.
 * @param long The seconds that a pass should take.
 */
export function repeated(
  units: number,
  work: (times: number) => number | Promise<number>,
  long = PASS,
): Pass {
  let times = 1;
  return async () => {
    for (;;) {
      const seconds = await work(times);
      if (seconds >= long / 2 || times >= MOST_TIMES) return seconds / times / units;
      times = Math.ceil(times * Math.min(4, (1.2 * long) / Math.max(seconds, 1e-9)));
    }
  };
}

/**
 * The seconds of CPU that a task in this thread takes while no other thread works: what others do meanwhile to a machine's
 * cores does not count.
 */
export function burned(task: () => void): number {
  const start = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** The seconds that a task takes. */
export async function timed(task: () => unknown): Promise<number> {
  const start = performance.now();
  await task();
  return (performance.now() - start) / 1000;
}
