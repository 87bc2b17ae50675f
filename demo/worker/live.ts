// The order `live`: counts the trials of several sweeps at the same time until it is paused or dropped.
//
// The counts of a sweep are always those of its first trials, so that a command with the same number of trials prints them.

import { BatchSize, firstBatchTrials } from "../../host/schedule.ts";
import { pump } from "../../host/pump.ts";
import { provenanceOf, type Runner } from "../../host/runner.ts";
import { find, type PhaseConfig } from "../../src/experiments/phase.ts";
import { planSweep, type Sweep } from "../../src/experiments/sweep.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { reachCapacity, reachTally } from "../../src/kernels/reach.ts";
import { batchWork, type Batch } from "../../src/plan.ts";
import { estimate } from "../../src/statistics.ts";
import { engineOf } from "./engine.ts";
import type { Context, Order, PageEngine } from "./orders.ts";

export interface LiveOrder extends Order {
  readonly request: {
    readonly engine: PageEngine;
    /** One for each sweep. Each sweep ends with its `trials`. */
    readonly configs: readonly PhaseConfig[];
    /**
     * Which sweep gets the next trials. `even`: at every report all sweeps have the same number. `widest`: the sweep with the
     * widest interval of all its numbers of items.
     */
    readonly share: "even" | "widest";
  };
  readonly report: LiveReport;
  readonly answer: undefined;
}

export interface LiveReport {
  readonly engine: string;
  readonly adapter: string;
  /** Why this engine computes, as a clause. */
  readonly why: string;
  /** Trials counted, of each sweep. */
  readonly trials: readonly number[];
  /** The milliseconds for which trials were counted, without pauses and without the time in which the page was hidden. */
  readonly milliseconds: number;
  /** The findings of each sweep; undefined where they are those of the report before. */
  readonly findings: readonly (readonly PhaseFinding[] | undefined)[];
}

/** The least milliseconds from one report to the next. */
const REPORT_INTERVAL_MS = 250;

/** A sweep with its counts. */
interface Count {
  readonly sweep: Sweep;
  readonly index: number;
  /** Trials that were given to the engine, and trials that are counted. */
  taken: number;
  done: number;
  words: Float64Array;
  findings: readonly PhaseFinding[];
  isReported: boolean;
}

interface LiveBatch extends Batch {
  readonly count: number;
  readonly of: Count;
  /** Whether all sweeps have the same number of trials after this batch. */
  readonly isEven: boolean;
}

export async function live(
  { engine, configs, share }: LiveOrder["request"],
  { signal, report, resumed, heldMilliseconds }: Context<LiveOrder>,
): Promise<undefined> {
  const { runner, why } = await engineOf(engine);
  const counts = configs.map((config, index): Count => {
    const sweep = planSweep(config);
    return { sweep, index, taken: 0, done: 0, words: new Float64Array(0), findings: [], isReported: true };
  });
  const prepare = ({ sweep }: Count) => runner.prepare(batchWork(sweep.plan, { first: 0, count: 1 }));
  if (share === "even")
    for (const count of counts) {
      signal.throwIfAborted();
      await prepare(count);
    }
  /** The milliseconds for which the order was not held. */
  const activeMilliseconds = () => performance.now() - heldMilliseconds();
  const begun = activeMilliseconds();
  const sizes = (share === "even" ? evenSizes : ownSizes)(runner, counts);
  const source = share === "even" ? evenRounds(counts, sizes) : widestFirst(counts, sizes, prepare);
  const throttled = throttle(REPORT_INTERVAL_MS, () => {
    const findings = counts.map((count) => {
      if (count.isReported) return undefined;
      count.isReported = true;
      return findingsOf(count, runner);
    });
    const { adapter } = runner;
    const trials = counts.map(({ done }) => done);
    const milliseconds = activeMilliseconds() - begun;
    report({ engine: runner.engine, adapter, why, trials, milliseconds, findings });
  });

  async function run(batch: LiveBatch) {
    await resumed();
    signal.throwIfAborted();
    const held = heldMilliseconds();
    const submitted = performance.now();
    const { words, deviceMilliseconds } = await runner.run(batchWork(batch.of.sweep.plan, batch));
    // The time of a batch that was held says nothing of the engine.
    if (heldMilliseconds() === held) sizes[batch.of.index]?.adapt(batch.count, submitted, deviceMilliseconds);
    return { batch, words };
  }
  // Batches of a round wait until the round is complete.
  let round: (() => void)[] = [];
  try {
    for await (const { batch, words } of pump(source, run, {
      depth: runner.queueDepth,
      ordered: true,
      signal,
    })) {
      round.push(() => add(batch.of, words));
      if (!batch.isEven) continue;
      for (const count of round) count();
      round = [];
      throttled.call();
    }
    throttled.flush();
  } finally {
    throttled.cancel();
  }
  return undefined;
}

/** Adds the tally of a batch, whose first word is its number of trials. */
function add(count: Count, tally: Uint32Array): void {
  if (count.words.length === 0) count.words = new Float64Array(tally.length);
  tally.forEach((word, i) => (count.words[i]! += word));
  count.done += tally[0]!;
  count.isReported = false;
  count.findings = [];
}

/** The findings of the trials so far, which are computed once. */
function findingsOf(count: Count, runner: Runner): readonly PhaseFinding[] {
  if (count.findings.length === 0)
    count.findings = find(count.sweep, { trials: count.done, words: count.words }, provenanceOf(runner));
  return count.findings;
}

/** One size for all sweeps, which follows the slowest of them. Sweeps without a size do not change it. */
function evenSizes(runner: Runner, counts: readonly Count[]): (BatchSize | undefined)[] {
  const costs = counts.map(({ sweep: { plan } }) => plan.params.itemsTo * reachCapacity(plan.params));
  const slowest = costs.indexOf(Math.max(...costs));
  return counts.map(({ sweep: { plan } }, i) =>
    i === slowest ? new BatchSize(runner, firstBatchTrials(plan)) : undefined,
  );
}

function ownSizes(runner: Runner, counts: readonly Count[]): BatchSize[] {
  return counts.map(({ sweep: { plan } }) => new BatchSize(runner, firstBatchTrials(plan)));
}

/** Rounds, in which every sweep gets the same number of trials until it has all of its own. */
function* evenRounds(
  counts: readonly Count[],
  sizes: readonly (BatchSize | undefined)[],
): Generator<LiveBatch> {
  const size = sizes.find((one) => one !== undefined)!;
  for (;;) {
    // Where every instance is counted, sweeps differ in their numbers of trials.
    const open = counts.filter(({ taken, sweep }) => taken < sweep.config.trials);
    if (open.length === 0) return;
    const { trials } = size;
    for (const of of open) {
      const first = of.taken;
      const count = Math.min(trials, of.sweep.config.trials - first);
      of.taken += count;
      yield { first, count, of, isEven: of === open.at(-1) };
    }
  }
}

/**
 * Batches of the sweep whose widest interval is the widest, as far as it is known. Each sweep is prepared before its first
 * batch, so that the first ones are reported while a GPU compiles for the others.
 */
async function* widestFirst(
  counts: readonly Count[],
  sizes: readonly (BatchSize | undefined)[],
  prepare: (count: Count) => Promise<void>,
): AsyncGenerator<LiveBatch> {
  for (;;) {
    const open = counts.filter(({ taken, sweep }) => taken < sweep.config.trials);
    if (open.length === 0) return;
    const widths = open.map(expectedWidth);
    const of = open[widths.indexOf(Math.max(...widths))]!;
    if (of.taken === 0) await prepare(of);
    const first = of.taken;
    const count = Math.min(sizes[of.index]!.trials, of.sweep.config.trials - first);
    of.taken += count;
    yield { first, count, of, isEven: true };
  }
}

/** The width of the widest interval of all targets together, as it will be when the trials in flight are counted. */
function expectedWidth({ sweep: { plan }, taken, done, words }: Count): number {
  if (taken === 0) return Infinity;
  // Nothing is known of a sweep whose first trials are in flight.
  if (done === 0) return 0;
  const layout = reachTally(plan.params);
  const sizes = plan.params.itemsTo - plan.params.itemsFrom + 1;
  // The interval is widest for the share that is nearest to one half.
  const shares = Array.from({ length: sizes }, (_, j) => words[layout.uncovered(j)]! / done);
  const nearest = shares.reduce((a, b) => (Math.abs(b - 0.5) < Math.abs(a - 0.5) ? b : a));
  const { low, high } = estimate(Math.round(nearest * done), done);
  return (high - low) * Math.sqrt(done / taken);
}

/** Calls `action` at most once in `interval` milliseconds, and once after the last call. */
function throttle(interval: number, action: () => void) {
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  function cancel(): void {
    clearTimeout(timer);
    timer = undefined;
  }
  function flush(): void {
    cancel();
    last = performance.now();
    action();
  }
  return {
    call() {
      const due = last + interval - performance.now();
      if (due <= 0) flush();
      else timer ??= setTimeout(flush, due);
    },
    flush,
    cancel,
  };
}
