// exacta phase: runs one or more configurations, shows progress, prints a table and writes the results.

import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { phaseConfig, type PhaseConfig } from "../../../src/experiments/phase.ts";
import { compareWithTheory, theoryOfConfig } from "../../../src/experiments/theory.ts";
import { SHOWN_TARGETS, tellingTargets } from "../../../src/figures/phase.ts";
import { instanceKey, type PhaseFinding, type TheoryFinding } from "../../../src/finding.ts";
import { checkTheory, maxTheoryHalfRange } from "../../../src/theory/distribution.ts";
import { measurePhaseConfig } from "../../experiments/phase.ts";
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
  const findings: PhaseFinding[] = [];
  const total = configs.reduce((sum, config) => sum + config.trials, 0);
  // A reader who has seen enough ends a run of which nothing else would remain.
  const forReader = folder === undefined && !args.check;
  const { seconds, stopped } = await withEngine(args, total, forReader, async (run) => {
    if (folder !== undefined) await prepareFolder(folder, ["results.jsonl", "results.csv", "report.html"]);
    run.report(0);
    let before = 0;
    for (const config of configs) {
      let soFar: (() => PhaseFinding[]) | undefined;
      const measuring = measurePhaseConfig(run.engine, config, {
        signal: run.signal,
        onProgress: ({ done }, current) => {
          soFar = current;
          run.report(before + done);
        },
      });
      const found = await untilStopped(measuring, run.signal, () => soFar?.() ?? []);
      before += found[0]?.trials ?? 0;
      findings.push(...found);
      if (args.json) for (const finding of found) process.stdout.write(`${JSON.stringify(finding)}\n`);
    }
    return { seconds: run.seconds(), stopped: run.signal.aborted };
  });

  if (!args.json && findings.length > 0) process.stdout.write(phaseTable(findings));
  const measured = configs.filter((config) =>
    findings.some((finding) => instanceKey(finding) === firstKey(config)),
  );
  const laws =
    folder !== undefined || args.check ? measured.flatMap((config) => lawsOf(config, args.check)) : [];
  if (folder !== undefined && findings.length > 0) {
    const about = { command, started, seconds, stopped };
    await writeFiles(folder, {
      "results.jsonl": findings.map((finding) => `${JSON.stringify(finding)}\n`).join(""),
      "results.csv": resultsCsv(findings),
      // Loaded where it is needed: it brings half of what every command would otherwise wait for.
      "report.html": (await import("../reports/phase.ts")).reportHtml(findings, about, laws),
    });
    if (!args.quiet)
      process.stderr.write(`${folder}/report.html, results.csv and results.jsonl are written\n`);
  }
  const verdict = args.check ? compareWithTheory(findings, laws, tolerance) : undefined;
  if (verdict)
    process.stdout.write(
      args.json
        ? `${JSON.stringify({ kind: "check", tolerance, configurations: measured.length, ...verdict })}\n`
        : `\n${perfectTable(findings, laws)}${checkText(verdict, tolerance, measured.length, configs.length)}`,
    );
  if (stopped && !args.quiet)
    process.stderr.write(
      findings.length > 0
        ? "stopped early; the trials done are kept\n"
        : "stopped before any trial was done\n",
    );
  // Nothing measured is nothing held.
  return verdict && (verdict.violations.length > 0 || measured.length === 0) ? 1 : 0;
}

function firstKey({ ensemble, halfRange, items }: PhaseConfig): string {
  return instanceKey({ ensemble, halfRange, items: items.from });
}

/** The theory of every target for --check, otherwise of those that the report shows, where there is any. */
function lawsOf(config: PhaseConfig, everyTarget = false): TheoryFinding[] {
  if (everyTarget) return theoryOfConfig(config);
  if (config.halfRange > maxTheoryHalfRange(config.ensemble)) return [];
  return theoryOfConfig({
    ...config,
    targets: tellingTargets(config.targets, config.halfRange, SHOWN_TARGETS),
  });
}
