// exacta phase: measures sweeps, shows progress, prints a table and writes the results.

import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { phaseConfig, type PhaseConfig, type PhaseRequest } from "../../../src/experiments/phase.ts";
import { planSweep, representativeTargets, type Sweep } from "../../../src/experiments/sweep.ts";
import { compareSweeps, withTheory } from "../../../src/experiments/theory.ts";
import type { PhaseFinding } from "../../../src/finding.ts";
import { checkTheory, maxTheoryHalfRange } from "../../../src/theory/distribution.ts";
import { measureSweep } from "../../experiments/phase.ts";
import { given, readNumber } from "../formats/arguments.ts";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { outputOf } from "../output.ts";
import { checkText, perfectTable } from "../reports/check.ts";
import { phaseTable, resultsCsv } from "../reports/table.ts";
import { command, flag, value, type ArgumentsOf } from "./command.ts";
import { instanceOptions, readRequests } from "./instances.ts";
import { seedOption } from "./options.ts";
import { runOptions, untilStopped, withEngine, type Run } from "./run.ts";

/** Trials of the command without a size: about 20 s for all four precisions on two CPU cores. */
const DEFAULT_SWEEP_TRIALS = 1e7;
const DEFAULT_FOLDER = "results";
const RESULT_FILES = ["results.jsonl", "results.csv", "report.html"] as const;
const DEFAULT_TOLERANCE = "0.02";

const options = {
  ...instanceOptions,
  trials: value(
    "number",
    "trials of each configuration, such as 1e6 or 1_000_000; all counts every instance once",
    "1e6; 1e7 without --bits and --half-range",
  ),
  ...seedOption,
  out: value("folder", `for ${RESULT_FILES.join(", ")}`, `${DEFAULT_FOLDER}; none with --json`),
  check: flag("compare the measurements with theory"),
  tolerance: value(
    "number",
    "the error from which on --check mentions a prediction, in 0..1",
    DEFAULT_TOLERANCE,
  ),
  ...runOptions,
};
type Options = ArgumentsOf<typeof options>;

export const phaseCommand = command({
  name: "phase",
  summary: "Measures how often a random instance reaches its targets, against the number of items.",
  manual: `
Draws random instances and decides which targets they reach, for every number of items of a range in one pass. Each probability
has an exact (Clopper-Pearson) 95 % interval. The same seed gives the same numbers on every engine, machine and number of
threads. Results go to stdout as a table, and to a folder as JSON Lines, as CSV and as a report in HTML, in which theory is drawn
beside the measurements. A run that is stopped by Ctrl-C keeps the trials that were done.

The items are those of [random instances](#random-instances).

With \`--check\` the measurements are compared with theory: proven bounds, which no measurement should break by more than 5
standard errors, and predictions, of which those off by more than \`--tolerance\` are listed. Theory goes to M = 2^12, for \`rnpp\`
to 2^22 - 1.`,
  examples: ["exacta phase --ensemble rssp --bits 6 --items 4..24 --targets 0,1,64 --trials 1e6 --seed 1"],
  statusOne: "a measurement breaks a proven bound, or `--check` had nothing to compare",
  options,
  run: runPhase,
});

const TOLERANCE = "a number in 0..1";
const toleranceSchema = z.number(TOLERANCE).check(z.refine((value) => value >= 0 && value <= 1, TOLERANCE));

async function runPhase(args: Options, commandLine: string): Promise<number> {
  const configs = readConfigs(args);
  const tolerance = parse(toleranceSchema, readNumber(args.tolerance ?? DEFAULT_TOLERANCE), "tolerance");
  // Configurations that theory refuses are refused before the first trial.
  if (args.check)
    for (const { ensemble, halfRange, items, targets } of configs)
      checkTheory(ensemble, halfRange, items, targets);
  const folder = args.out ?? (args.json ? undefined : DEFAULT_FOLDER);
  const output = outputOf(args);
  const started = new Date();
  const measured: Sweep[] = [];
  const total = configs.reduce((sum, config) => sum + config.trials, 0);
  const stopWithReader = folder === undefined && !args.check;
  const { seconds, stopped } = await withEngine(args, { output, total, stopWithReader }, async (run) => {
    if (folder !== undefined) await prepareFolder(folder, RESULT_FILES);
    for await (const sweep of measureSweeps(run, configs)) {
      measured.push(sweep);
      for (const finding of sweep.findings) output.finding(finding);
    }
    return { seconds: run.seconds(), stopped: run.signal.aborted };
  });

  if (measured.length > 0) output.text(phaseTable(measured));
  const sweeps =
    folder !== undefined || args.check ? measured.map((sweep) => withNeededTheory(sweep, args)) : measured;
  if (folder !== undefined && sweeps.length > 0) {
    // Loaded here, since every other command would wait for the modules that draw.
    const { reportHtml } = await import("../reports/phase.ts");
    await writeFiles(folder, {
      "results.jsonl": sweeps
        .flatMap(({ findings }) => findings.map((finding) => `${JSON.stringify(finding)}\n`))
        .join(""),
      "results.csv": resultsCsv(sweeps),
      "report.html": reportHtml(sweeps, { command: commandLine, started, seconds, stopped }),
    });
    output.note(`${folder}/report.html, results.csv and results.jsonl are written`);
  }
  let status = 0;
  if (args.check) {
    const verdict = compareSweeps(sweeps, tolerance);
    const counts = { measured: sweeps.length, asked: configs.length };
    output.finding({ kind: "check", tolerance, configurations: sweeps.length, ...verdict });
    output.text(`\n${perfectTable(sweeps)}${checkText(verdict, tolerance, counts)}`);
    if (verdict.violations.length > 0 || sweeps.length === 0) status = 1;
  }
  if (stopped)
    output.note(
      sweeps.length > 0 ? "stopped early; the trials done are kept" : "stopped before any trial was done",
    );
  return status;
}

function readConfigs(args: Options): PhaseConfig[] {
  const hasSize = args.bits !== undefined || args.halfRange !== undefined;
  const trials = readNumber(args.trials) ?? (hasSize ? undefined : DEFAULT_SWEEP_TRIALS);
  return readRequests(args).map((request) =>
    phaseConfig(given<PhaseRequest>({ ...request, trials, seed: args.seed })),
  );
}

/** The sweeps one after the other; a stopped run yields the sweeps that have trials. */
async function* measureSweeps({ engine, signal, report }: Run, configs: readonly PhaseConfig[]) {
  report(0);
  let before = 0;
  for (const config of configs) {
    let findingsSoFar: (() => PhaseFinding[]) | undefined;
    const planned = planSweep(config);
    const measuring = measureSweep(engine, planned, {
      signal,
      onProgress({ done }, findings) {
        findingsSoFar = findings;
        report(before + done);
      },
    });
    const sweep = await untilStopped(measuring, signal, () => ({
      ...planned,
      findings: findingsSoFar?.() ?? [],
    }));
    const [first] = sweep.findings;
    if (!first) return;
    before += first.trials;
    yield sweep;
  }
}

/** The sweep with the theory of all its targets for --check, otherwise of those that the report shows. */
function withNeededTheory(sweep: Sweep, { check }: Options): Sweep {
  const { config } = sweep;
  if (check) return withTheory(sweep);
  if (config.halfRange > maxTheoryHalfRange(config.ensemble)) return sweep;
  return withTheory(sweep, representativeTargets(config));
}
