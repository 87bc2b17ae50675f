// What the commands share that count trials in a sweep: options, the journal of a folder, a clean stop, and results.

import path from "node:path";
import * as z from "zod/mini";
import { integer, parse } from "../../../src/check.ts";
import { MAX_TRIALS } from "../../../src/ensemble.ts";
import { RequestError } from "../../../src/errors.ts";
import { readNumber } from "../formats/arguments.ts";
import { prepareFolder } from "../formats/files.ts";
import { grouped } from "../reports/table.ts";
import { configurationDigest, type Json } from "../journal/configuration.ts";
import { hasOtherConfiguration } from "../journal/read.ts";
import type { Output } from "../output.ts";
import { shardOf } from "../platform/shard.ts";
import type { Experiment, Measured } from "../sweep/experiment.ts";
import { journalLedger, memoryLedger } from "../sweep/ledger.ts";
import { RECHECK_SHARE } from "../sweep/recheck.ts";
import { RESULT_FILES, writeResults } from "../sweep/results.ts";
import { askedOf, runSweep, WHOLE, type SweepSettings } from "../sweep/run.ts";
import { STOPPED_STATUS, value, type ArgumentsOf, type Call } from "./command.ts";
import { runOptions, withEngine } from "./run.ts";

export const sweepOptions = {
  shard: value(
    "i/n",
    "count share i of n, from 0; auto reads it from the environment of an array job",
    "0/1",
  ),
  extend: value("number", "add trials to those that the folder of --out was asked for"),
  recheck: value("number", "count one unit in this many twice; 0: none", String(RECHECK_SHARE)),
  ...runOptions,
};

export const untilOption = {
  until: value("width", "end where every interval is narrower; --trials is the most"),
};

/** The manual of sweeps. */
export const sweepManual = `
\`phase\`, \`width\`, \`required\` and \`tail\` with \`--out\` keep a journal in the folder, one file for each attempt, and write it to the
disk every 5 seconds. A run that was stopped, killed or lost its machine goes on with the same command: it counts what the journals do
not have, and the results are those of a run that was never stopped. \`--extend N\` adds N trials to a folder of \`phase\` or \`width\`. A
folder belongs to one command line, apart from the engine, the threads and, for these two, the number of trials.

Trials are counted in units, powers of two that take one thread about a second. The exact failures of \`tail\` and \`required\`
are one trial: they are kept as a whole, and begin anew where they were stopped. One unit in ${RECHECK_SHARE} is counted twice, by a GPU and
the CPU or by two pools of threads, and a difference stops the run.

\`--shard i/n\` counts one of n disjoint shares and writes nothing but the journal. Shards may run anywhere, at any time and more than once,
in one folder or in several; \`exacta merge\` makes the results from their journals.

Numbers are in \`results.jsonl\` and \`results.csv\`, with the trials that were \`asked\` and whether they are \`complete\`.
\`provenance.json\` and the report say who counted what, and what went wrong meanwhile.`;

type SweepArguments = ArgumentsOf<typeof sweepOptions> & ArgumentsOf<Partial<typeof untilOption>>;

const WIDTH = "a number above 0 and below 1";
const untilSchema = z.optional(z.number(WIDTH).check(z.refine((value) => value > 0 && value < 1, WIDTH)));

/** @throws {RequestError} An option of the sweep is wrong. */
export function settingsOf({ shard, extend, recheck, until }: SweepArguments): SweepSettings {
  return {
    shard: shard === undefined ? WHOLE : shardOf(shard, process.env),
    extend: parse(z.optional(integer(1, MAX_TRIALS)), readNumber(extend), "extend"),
    recheck: parse(integer(0, 2 ** 32 - 1), readNumber(recheck) ?? RECHECK_SHARE, "recheck"),
    until: parse(untilSchema, readNumber(until), "until"),
  };
}

/** A folder for a configuration: `folder`, or one within it that is named by the digest where another sweep has `folder`. */
export async function freeFolder(folder: string, configuration: Json): Promise<string> {
  if (!(await hasOtherConfiguration(folder, configuration))) return folder;
  return path.join(folder, configurationDigest(configuration).slice(0, 8));
}

/** The outcome of a sweep that has findings: not that of a shard, whose results are made by a merge. */
export interface Swept<Result> {
  readonly status: number;
  readonly result?: Result;
  readonly isStopped: boolean;
}

/**
 * Counts a sweep, continues the journal of its folder, prints the findings and writes the results.
 * @param folder The folder of results; none keeps nothing.
 */
export async function sweep<Result extends Measured>(
  args: SweepArguments,
  { commandLine, stop }: Call,
  output: Output,
  folder: string | undefined,
  experiment: Experiment<Result>,
): Promise<Swept<Result>> {
  const settings = settingsOf(args);
  const { shard, extend, until } = settings;
  const isShard = shard.count > 1;
  const { configuration, parts } = experiment;
  if (extend !== undefined && until !== undefined)
    throw new RequestError("extend", "a sweep without --until", extend, "whose looks follow from all trials");
  if (folder === undefined && (isShard || extend !== undefined))
    throw new RequestError(isShard ? "shard" : "extend", "a folder that keeps the journal", undefined, {
      option: "out",
      value: "DIR",
    });
  const ledger =
    folder === undefined ? memoryLedger(parts) : await journalLedger(folder, configuration, parts);
  const asked = askedOf(experiment, ledger.before, settings);
  const all = Object.values(asked).reduce((sum, trials) => sum + trials, 0);
  const total = Math.min(all, experiment.most ?? all);
  const before = Object.entries(asked).reduce(
    (sum, [part, trials]) => sum + ledger.total(part, trials).trials,
    0,
  );
  if (before > 0)
    output.note(`${folder} already has ${grouped(before)} of these trials, which are not counted again`);
  const started = new Date();
  const onFinding = (finding: object) => {
    if (!isShard) output.finding(finding);
  };
  const run = {
    output,
    stop,
    // Other shards may have counted the trials before, and a width says nothing of the trials that it takes.
    total:
      until === undefined
        ? isShard
          ? Math.ceil(total / shard.count)
          : Math.max(0, total - before)
        : undefined,
    stopWithReader: folder === undefined,
    onNotice: ledger.event,
  };
  const swept = await withEngine(args, run, async (run) => {
    if (folder !== undefined) await prepareFolder(folder, RESULT_FILES);
    try {
      const done = await runSweep(run, experiment, ledger, asked, settings, onFinding);
      return { ...done, seconds: run.seconds(), isStopped: run.signal.aborted && !done.isComplete };
    } catch (error) {
      if (folder !== undefined)
        output.warn(
          `the run failed; ${folder} keeps the trials that were counted, and the same command goes on`,
        );
      throw error;
    }
  });
  const { result, isComplete, isTooWide, union, seconds, isStopped } = swept;
  // A shard has no intervals of its own: the merge judges their width.
  const status = isComplete ? Number(isTooWide && !isShard) : stop.aborted ? STOPPED_STATUS : 0;
  if (isShard) {
    const share = `shard ${shard.index}/${shard.count}`;
    output.note(
      isComplete
        ? `${share} is counted; exacta merge ${folder} makes the results once all shards are counted`
        : `stopped early; the same command goes on with ${share}`,
    );
    return { status, isStopped };
  }
  if (result.findings.length > 0) output.text(result.text());
  if (folder !== undefined && union)
    await writeResults(
      folder,
      result,
      union,
      { command: commandLine, started, seconds, stopped: isStopped },
      output,
    );
  if (isStopped)
    output.note(
      folder === undefined
        ? "stopped early; with --out the same command would go on"
        : "stopped early; the same command goes on",
    );
  if (isTooWide) output.note("all trials are counted, but an interval is wider than --until asks");
  return { status, result, isStopped };
}
