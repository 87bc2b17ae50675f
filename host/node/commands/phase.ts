// exacta phase: runs one or more configurations, shows progress, prints a table and writes the results.

import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { phaseConfig } from "../../../src/experiments/phase.ts";
import { planSweep, representativeTargets, type Sweep } from "../../../src/experiments/sweep.ts";
import { compareSweeps, withTheory } from "../../../src/experiments/theory.ts";
import type { PhaseFinding } from "../../../src/finding.ts";
import { checkTheory, maxTheoryHalfRange } from "../../../src/theory/distribution.ts";
import { measureSweep } from "../../experiments/phase.ts";
import { readNumber, readRequests, type InstanceArguments } from "../formats/arguments.ts";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { untilStopped, withEngine, type RunArguments } from "./run.ts";
import { checkText, perfectTable } from "../reports/check.ts";
import { phaseTable, resultsCsv } from "../reports/table.ts";

export interface PhaseArguments extends InstanceArguments, RunArguments {
  trials?: string;
  seed?: string;
  out?: string;
  check?: boolean;
  tolerance?: string;
  json?: boolean;
}

/** Trials of the bare command: about 20 s for all four precisions on two CPU cores. */
const DEFAULT_SWEEP_TRIALS = 1e7;
const DEFAULT_FOLDER = "results";
/** How far a prediction may be off before --check mentions it. */
const DEFAULT_TOLERANCE = "0.02";

const TOLERANCE = "a number in 0..1";
const toleranceSchema = z.number(TOLERANCE).check(z.refine((value) => value >= 0 && value <= 1, TOLERANCE));

/** Runs the command and returns its exit status. Throws TypeError or RangeError for a request that cannot be met. */
export async function runPhase(args: PhaseArguments, command: string): Promise<number> {
  const { trials, seed } = args;
  const bare = args.bits === undefined && args.halfRange === undefined;
  const configs = readRequests(args).map((request) =>
    phaseConfig({
      ...request,
      ...(trials === undefined
        ? bare
          ? { trials: DEFAULT_SWEEP_TRIALS }
          : {}
        : { trials: readNumber(trials) as number }),
      ...(seed === undefined ? {} : { seed }),
    }),
  );
  const tolerance = parse(toleranceSchema, readNumber(args.tolerance ?? DEFAULT_TOLERANCE), "tolerance");
  // What theory refuses, --check refuses before the first trial.
  if (args.check)
    for (const { ensemble, halfRange, items, targets } of configs)
      checkTheory(ensemble, halfRange, items, targets);
  const folder = args.out ?? (args.json ? undefined : DEFAULT_FOLDER);
  const started = new Date();
  const measured: Sweep[] = [];
  const total = configs.reduce((sum, config) => sum + config.trials, 0);
  // A reader who has seen enough ends a run of which nothing else would remain.
  const forReader = folder === undefined && !args.check;
  const { seconds, stopped } = await withEngine(args, total, forReader, async (run) => {
    if (folder !== undefined) await prepareFolder(folder, ["results.jsonl", "results.csv", "report.html"]);
    run.report(0);
    let before = 0;
    for (const config of configs) {
      let soFar: (() => PhaseFinding[]) | undefined;
      const planned = planSweep(config);
      const measuring = measureSweep(run.engine, planned, {
        signal: run.signal,
        onProgress: ({ done }, current) => {
          soFar = current;
          run.report(before + done);
        },
      });
      const sweep = await untilStopped(measuring, run.signal, () => ({
        ...planned,
        findings: soFar?.() ?? [],
      }));
      const [first] = sweep.findings;
      if (!first) break;
      before += first.trials;
      measured.push(sweep);
      if (args.json)
        for (const finding of sweep.findings) process.stdout.write(`${JSON.stringify(finding)}\n`);
    }
    return { seconds: run.seconds(), stopped: run.signal.aborted };
  });

  if (!args.json && measured.length > 0) process.stdout.write(phaseTable(measured));
  const sweeps =
    folder !== undefined || args.check ? measured.map((sweep) => explained(sweep, args)) : measured;
  if (folder !== undefined && sweeps.length > 0) {
    const about = { command, started, seconds, stopped };
    await writeFiles(folder, {
      "results.jsonl": sweeps
        .flatMap(({ findings }) => findings.map((finding) => `${JSON.stringify(finding)}\n`))
        .join(""),
      "results.csv": resultsCsv(sweeps),
      // Loaded where it is needed: it brings half of what every command would otherwise wait for.
      "report.html": (await import("../reports/phase.ts")).reportHtml(sweeps, about),
    });
    if (!args.quiet)
      process.stderr.write(`${folder}/report.html, results.csv and results.jsonl are written\n`);
  }
  const verdict = args.check ? compareSweeps(sweeps, tolerance) : undefined;
  if (verdict)
    process.stdout.write(
      args.json
        ? `${JSON.stringify({ kind: "check", tolerance, configurations: sweeps.length, ...verdict })}\n`
        : `\n${perfectTable(sweeps)}${checkText(verdict, tolerance, { measured: sweeps.length, asked: configs.length })}`,
    );
  if (stopped && !args.quiet)
    process.stderr.write(
      sweeps.length > 0 ? "stopped early; the trials done are kept\n" : "stopped before any trial was done\n",
    );
  // Nothing measured is nothing held.
  return verdict && (verdict.violations.length > 0 || sweeps.length === 0) ? 1 : 0;
}

/** The sweep with the theory of every target for --check, otherwise of those that the report shows, where there is any. */
function explained(sweep: Sweep, { check }: PhaseArguments): Sweep {
  const { config } = sweep;
  if (check) return withTheory(sweep);
  if (config.halfRange > maxTheoryHalfRange(config.ensemble)) return sweep;
  return withTheory(sweep, representativeTargets(config));
}
