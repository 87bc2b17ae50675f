// Runs a sweep: counts what its journals do not have, and makes findings of what they have then.

import { setMaxListeners } from "node:events";
import { version } from "../../../package.json";
import { RequestError } from "../../../src/errors.ts";
import type { Provenance } from "../../../src/finding.ts";
import type { TrialRange } from "../../../src/ranges.ts";
import { TAIL } from "../../../src/statistics.ts";
import { provenanceOf } from "../../runner.ts";
import type { UnitsOptions } from "../../schedule.ts";
import type { Run } from "../commands/run.ts";
import type { Union } from "../journal/read.ts";
import type { Shard } from "../platform/shard.ts";
import type { Counted, Experiment, Look, Measured, PartCount } from "./experiment.ts";
import type { Ledger } from "./ledger.ts";
import { Recheck } from "./recheck.ts";

export interface SweepSettings {
  readonly shard: Shard;
  /** Trials to add to those that the journals were asked for. */
  readonly extend: number | undefined;
  /** Ends a part where every interval is narrower than this. */
  readonly until: number | undefined;
  /** One unit in this many is counted twice; none for 0. */
  readonly recheck: number;
}

export interface SweepResult<Result extends Measured> {
  readonly result: Result;
  /** Whether all that was asked of this process is counted: the whole sweep, or its shard. */
  readonly isComplete: boolean;
  /** Whether an interval is wider than was asked, though all trials are counted. */
  readonly isTooWide: boolean;
  /** What the journals have now; undefined without a folder. */
  readonly union: Union | undefined;
}

const FLUSH_INTERVAL_MS = 5000;

/**
 * The trials that are asked of each part, with those that the journals were asked for and those that are added.
 * @throws {RequestError} The experiment cannot have more trials.
 */
export function askedOf(
  { asked, parts, whyFixed }: Pick<Experiment, "asked" | "parts" | "whyFixed">,
  before: Union | undefined,
  { extend, shard }: Pick<SweepSettings, "extend" | "shard">,
): Readonly<Record<string, number>> {
  if (extend !== undefined && whyFixed !== undefined)
    throw new RequestError("extend", `a sweep that can have more trials`, extend, whyFixed);
  const known = Object.entries(asked).map(
    ([part, trials]) => [part, Math.max(trials, before?.asked(part) ?? 0)] as const,
  );
  if (extend === undefined || before === undefined) return Object.fromEntries(known);
  const latest = before.attempts.reduce<Union["attempts"][number] | undefined>(
    (late, attempt) => (late && late.header.started > attempt.header.started ? late : attempt),
    undefined,
  );
  const isOpen = ([part, trials]: readonly [string, number]) => {
    const { unit } = parts[part]!;
    const missing = before.missing(part, trials);
    const shares = sharesOf(unit, boundariesOf(unit, [trials], shard), shard);
    return shares.some((share) => intersections(missing, share).length > 0);
  };
  // The same command goes on with an extension that is not complete. Where intervals are narrow enough, parts stay open.
  const isStopped = latest?.header.until === undefined ? known.some(isOpen) : known.every(isOpen);
  const isRepeated = latest?.header.extend === extend && isStopped;
  return Object.fromEntries(known.map(([part, trials]) => [part, trials + (isRepeated ? 0 : extend)]));
}

/** Counts and measures an experiment. @throws The error of the engine or of the journal; what was counted before is kept. */
export async function runSweep<Result extends Measured>(
  { engine, signal, report }: Run,
  experiment: Experiment<Result>,
  ledger: Ledger,
  asked: Readonly<Record<string, number>>,
  settings: SweepSettings,
  onFinding: (finding: object) => void,
): Promise<SweepResult<Result>> {
  const { shard, until, extend } = settings;
  const halt = new AbortController();
  const stop = AbortSignal.any([signal, halt.signal]);
  // Every unit that is being counted twice listens to it.
  setMaxListeners(0, stop);
  const recheck = new Recheck(engine, experiment.configuration, settings.recheck);
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    halt.abort();
  };
  let [isComplete, isTooWide] = [true, false];
  let done = 0;
  // A unit takes about a second, a trial of one part perhaps a thousand times as long as one of another.
  let doneUnits = 0;
  const units = unitsToCount(ledger, experiment.parts, asked, shard);
  const isSearch = experiment.most !== undefined;
  let union = ledger.before;

  const begin = () =>
    ledger.begin({
      configuration: experiment.configuration,
      version,
      engine: engine.engine,
      adapter: engine.adapter,
      shard: `${shard.index}/${shard.count}`,
      asked,
      ...(extend !== undefined && { extend }),
      ...(until !== undefined && { until }),
    });

  /** Counts the trials of ranges within 0..trials - 1 that the ledger has not, and refreshes the ledger. */
  async function count(part: PartCount, wanted: readonly TrialRange[], trials: number): Promise<void> {
    const missing = ledger.missing(part.name, trials);
    const ranges = wanted.flatMap((range) => intersections(missing, range));
    if (ranges.length === 0) return;
    await begin();
    const checks: Promise<void>[] = [];
    async function checkAndAdd(range: TrialRange, words: Float64Array): Promise<void> {
      if (await recheck.check(part, range, words, stop)) ledger.add(part.name, range, words);
    }
    const options: UnitsOptions = {
      signal: stop,
      unit: part.unit,
      isApart: (unit) => recheck.isChosen(part.name, unit),
      onBatch(trials) {
        doneUnits += trials / part.unit;
        report((done += trials), isSearch || until !== undefined ? undefined : doneUnits / units);
      },
      onUnits(range, words) {
        if (recheck.isChosen(part.name, range.first / part.unit))
          checks.push(checkAndAdd(range, words).catch(fail));
        else ledger.add(part.name, range, words);
      },
    };
    // Units that an engine has counted before it fails are kept, those that are counted twice as well.
    try {
      await part.count(engine, ranges, options);
    } finally {
      await Promise.all(checks);
    }
    if (failure) throw failure.error;
    union = await ledger.refresh();
  }

  async function countPart(part: PartCount): Promise<Counted> {
    const { name, unit, isShared } = part;
    const looks = until !== undefined && part.widest ? lookTrials(unit, asked[name]!) : [asked[name]!];
    const shares = sharesOf(unit, boundariesOf(unit, looks, shard), shard);
    for (const [i, trials] of looks.entries()) {
      if (stop.aborted) break;
      const first = looks[i - 1] ?? 0;
      const step = { first, count: trials - first };
      await count(part, intersections(shares, step), trials);
      if (isShared) await count(part, [step], trials);
      if (countedOf(part, looks.slice(0, i + 1)).look?.isNarrow) break;
    }
    const counted = countedOf(part, looks);
    isComplete &&= counted.look?.isNarrow || isCounted(part, isShared ? [WHOLE_PART] : shares);
    isTooWide ||= counted.look?.isNarrow === false && counted.trials === counted.asked;
    return counted;
  }
  /** The count at the first look with narrow intervals, otherwise at the last one. */
  function countedOf(part: PartCount, looks: readonly number[]): Counted {
    const counts = looks.map((trials): Counted => ({ ...ledger.total(part.name, trials), asked: trials }));
    return until !== undefined && part.widest ? firstLook(counts, part, until) : counts.at(-1)!;
  }
  function isCounted({ name }: PartCount, ranges: readonly TrialRange[]): boolean {
    const missing = ledger.missing(name, asked[name]!);
    return ranges.every((range) => intersections(missing, range).length === 0);
  }

  const timer = setInterval(() => void ledger.flush().catch(fail), FLUSH_INTERVAL_MS);
  try {
    report(0);
    // A share may be empty. A merge then learns from the journal what the sweep asks for.
    if (shard.count > 1 && ledger.before?.attempts.length === 0) await begin();
    const provenance = () => provenanceOfAll(union, provenanceOf(engine));
    const result = await experiment.measure(countPart, provenance, onFinding);
    return { result, isComplete, isTooWide, union };
  } finally {
    clearInterval(timer);
    await ledger.close();
    await recheck.close();
  }
}

/** The units, and parts of them, that are to be counted: those of a shard, or all that the ledger has not. */
function unitsToCount(
  ledger: Ledger,
  parts: Experiment["parts"],
  asked: Readonly<Record<string, number>>,
  { count }: Shard,
): number {
  return Object.entries(asked).reduce((sum, [part, trials]) => {
    // Others may have counted trials of this shard before.
    const toCount = count > 1 ? trials / count : trials - ledger.total(part, trials).trials;
    return sum + toCount / parts[part]!.unit;
  }, 0);
}

/** The shard that counts everything. */
export const WHOLE: Shard = { index: 0, count: 1 };

/** All trials of a part. */
const WHOLE_PART: TrialRange = { first: 0, count: Infinity };

/** The probability with which a limit may be wrong at the look of this index. All looks together add up to that of one look. */
const tailOf = (index: number) => TAIL / ((index + 1) * (index + 2));

/** The trials at which the intervals are looked at: 1, 2, 4, ... units, and all trials. */
export function lookTrials(unit: number, trials: number): number[] {
  const looks: number[] = [];
  for (let look = unit; look < trials; look *= 2) looks.push(look);
  return [...looks, trials];
}

/**
 * The first of some looks at which all trials are counted and every interval is narrower than `until`; otherwise the last one.
 * @param counts The count at each look.
 */
export function firstLook(
  counts: readonly Counted[],
  { widest }: Pick<PartCount, "widest">,
  until: number,
): Counted & { readonly look: Look } {
  const looks = counts.map((counted, i) => {
    const tail = tailOf(i);
    const isNarrow = counted.trials === counted.asked && widest!(counted, tail) < until;
    return { ...counted, look: { looks: i + 1, tail, isNarrow } };
  });
  return looks.find(({ look }) => look.isNarrow) ?? looks.at(-1)!;
}

/** Units of each shard up to which all trials are shared at once. */
const UNITS_SHARED_AT_ONCE = 16;

/**
 * The trials at which shards share anew: every doubling, so that more trials can be asked for and keep all shards at work. They
 * follow from the arguments alone, since the shards of a sweep start at different times, with different journals before them.
 */
export function sharedTrials(unit: number, trials: number, { count }: Shard): number[] {
  return lookTrials(unit * 2 ** Math.ceil(Math.log2(UNITS_SHARED_AT_ONCE * count)), trials);
}

/** The boundaries between which trials are shared: those of the looks, where there are several. */
function boundariesOf(unit: number, looks: readonly number[], shard: Shard): number[] {
  return [0, ...(looks.length > 1 ? looks : sharedTrials(unit, looks[0]!, shard))];
}

/** The trials of a shard between boundaries, all but the last of which are multiples of the unit. */
export function sharesOf(unit: number, boundaries: readonly number[], { index, count }: Shard): TrialRange[] {
  return boundaries.slice(1).flatMap((to, i) => {
    const from = boundaries[i]!;
    const first = from / unit;
    const units = Math.ceil(to / unit) - first;
    const start = (first + Math.floor((units * index) / count)) * unit;
    const end = Math.min((first + Math.floor((units * (index + 1)) / count)) * unit, to);
    return end > start ? [{ first: start, count: end - start }] : [];
  });
}

/** The parts of ranges that lie within one range. */
function intersections(ranges: readonly TrialRange[], { first, count }: TrialRange): TrialRange[] {
  return ranges.flatMap((range) => {
    const start = Math.max(first, range.first);
    const end = Math.min(first + count, range.first + range.count);
    return end > start ? [{ first: start, count: end - start }] : [];
  });
}

/** The engines and adapters of all attempts that have counted something, where there is one; otherwise of this process. */
export function provenanceOfAll(union: Union | undefined, own: Provenance): Provenance {
  const headers = union?.attempts.filter(({ ranges }) => ranges.length > 0).map(({ header }) => header) ?? [];
  if (headers.length === 0) return own;
  return {
    engine: distinct(headers.map(({ engine }) => engine)),
    adapter: distinct(headers.map(({ adapter }) => adapter)),
    version: distinct(headers.map(({ version }) => version)),
  };
}

const distinct = (values: readonly string[]) => [...new Set(values)].join(", ");
