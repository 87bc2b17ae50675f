// exacta phase: measures how often random instances reach their targets, and draws that beside theory.

import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { MAX_TRIALS } from "../../../src/ensemble.ts";
import { RequestError } from "../../../src/errors.ts";
import {
  find,
  phaseConfig,
  phaseFields,
  widestInterval,
  type PhaseConfig,
  type PhaseRequest,
} from "../../../src/experiments/phase.ts";
import { constrainedUnit, isConstrained } from "../../../src/experiments/constrained.ts";
import type { PartitionConfig } from "../../../src/experiments/partition.ts";
import { planSweep, representativeTargets, type Sweep } from "../../../src/experiments/sweep.ts";
import { compareSweeps, withTheory } from "../../../src/experiments/theory.ts";
import { tallyLayout, unitTrials } from "../../../src/reach-plan.ts";
import { checkTheory, maxTheoryHalfRange } from "../../../src/theory/distribution.ts";
import { countConstrainedUnits } from "../../experiments/constrained.ts";
import { runnerOf } from "../../runner.ts";
import { countUnits } from "../../schedule.ts";
import { given, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { checkText, perfectTable } from "../reports/check.ts";
import { phaseTable, resultsCsv } from "../reports/table.ts";
import { DRAWING, type Experiment, type Measured } from "../sweep/experiment.ts";
import { RESULT_FILES } from "../sweep/results.ts";
import { command, flag, value, type ArgumentsOf, type Call } from "./command.ts";
import { instanceOptions, readRequests } from "./instances.ts";
import { seedOption } from "./options.ts";
import { partitionExperiment, readPartitions } from "./partition.ts";
import { freeFolder, settingsOf, sweep, sweepOptions, untilOption } from "./sweep.ts";

/** Trials of the command without a size: about 20 s for all four precisions on two CPU cores. */
const DEFAULT_SWEEP_TRIALS = 1e7;
const DEFAULT_FOLDER = "results";
const DEFAULT_TOLERANCE = "0.02";

const options = {
  ...instanceOptions,
  trials: value(
    "number",
    "trials of each configuration, such as 1e6 or 1_000_000; all counts every instance once",
    "1e6; 1e7 without --bits and --half-range; 2^48 with --until",
  ),
  ...seedOption,
  out: value(
    "folder",
    `for ${RESULT_FILES.join(", ")}`,
    `${DEFAULT_FOLDER}, or a folder in it where another sweep has that; none with --json`,
  ),
  check: flag("compare the measurements with theory"),
  tolerance: value(
    "number",
    "the error from which on --check mentions a prediction, in 0..1",
    DEFAULT_TOLERANCE,
  ),
  within: value("D", "a sum at most D away from a target reaches it", "0"),
  size: value("s", "only subsets of exactly s items count", "any"),
  lambda: value(
    "list",
    "for rnpp: perfect partitions at lambda = log2 M - n + (log2 n) / 2, such as -3..3; it decides M",
  ),
  ...untilOption,
  ...sweepOptions,
};
type Options = ArgumentsOf<typeof options>;

export const phaseCommand = command({
  name: "phase",
  summary: "Measures how often a random instance reaches its targets, against the number of items.",
  manual: `
Draws random instances and decides which targets they reach, for every number of items of a range in one pass. Each probability
has an exact (Clopper-Pearson) 95 % interval. The same seed gives the same numbers on every engine, machine and number of
threads. Results go to stdout as a table, and to a folder as JSON Lines, as CSV and as a report in HTML, in which theory is drawn
beside the measurements. A folder also keeps a journal, by which the same command [goes on](#sweeps) with a run that was stopped.

With \`--until W\` each configuration ends at the first of 1, 2, 4, ... units of trials at which all its intervals are narrower than
W. The intervals then hold for all looks at them together. Shards end at the same trials where they share a folder; in folders of their own
each goes on to \`--trials\`, and the merge ends where one run would have ended.

The items are those of [random instances](#random-instances).

With \`--within D\` a target is reached where some sum is at most D away: the time tau_D of the follow-up. With \`--size s\` only
subsets of exactly s items count (Natale et al.). Both may be given; theory is not drawn beside them. Each trial is one given
instance of kernel \`witness\`, so that they are slower, and tables have at most 2^22 sums: about n M of them with \`--within\`, and
2 n^2 M with \`--size\`.

With \`--lambda\`, for \`rnpp\`, each n of \`--items\` (default 8..30, at most 40) and each lambda has its own M, the integer nearest to
2^(n - (log2 n) / 2 + lambda), and 20,000 trials by default. Measured is how often the numbers split into two groups whose totals differ
by at most 1, found by meeting in the middle, beside the limit law of Borgs, Chayes and Pittel. No folder is written without \`--out\`.

With \`--check\` the measurements are compared with theory: proven bounds, which no measurement should break by more than 5
standard errors, and predictions, of which those off by more than \`--tolerance\` are listed. Theory goes to M = 2^12, for \`rnpp\`
to 2^22 - 1.`,
  examples: ["exacta phase --ensemble rssp --bits 6 --items 4..24 --targets 0,1,64 --trials 1e6 --seed 1"],
  statusOne:
    "a measurement breaks a proven bound, `--check` had nothing to compare, or an interval is wider than `--until` asks",
  statusStopped: "a signal stopped the run; with `--out` the same command goes on",
  options,
  check: (args) => [settingsOf(args), args.lambda === undefined ? readConfigs(args) : readLambda(args)],
  run: runPhase,
});

const TOLERANCE = "a number in 0..1";
const toleranceSchema = z.number(TOLERANCE).check(z.refine((value) => value >= 0 && value <= 1, TOLERANCE));

/** Perfect partitions for each lambda and n. */
function readLambda(args: Options): PartitionConfig[] {
  const { bits, halfRange, targets, within, size, check, until } = args;
  return readPartitions(args, { bits, halfRange, targets, within, size, check, until });
}

async function runPhase(args: Options, call: Call): Promise<number> {
  if (args.lambda !== undefined) {
    const { status } = await sweep(
      args,
      call,
      outputOf(args),
      args.out,
      partitionExperiment(readLambda(args)),
    );
    return status;
  }
  const configs = readConfigs(args);
  const tolerance = parse(toleranceSchema, readNumber(args.tolerance ?? DEFAULT_TOLERANCE), "tolerance");
  const constrained = configs.find(isConstrained);
  if (args.check && constrained)
    throw new RequestError(
      "check",
      "subsets of any size and sums that equal their targets",
      constrained.size === undefined ? "--within" : "--size",
      "theory knows no others",
    );
  // Configurations that theory refuses are refused before the first trial.
  if (args.check)
    for (const { ensemble, halfRange, items, targets } of configs)
      checkTheory(ensemble, halfRange, items, targets);
  const output = outputOf(args);
  const experiment = phaseExperiment(configs);
  const folder =
    args.out ?? (args.json ? undefined : await freeFolder(DEFAULT_FOLDER, experiment.configuration));
  const { status, result, isStopped } = await sweep(args, call, output, folder, experiment);
  if (!args.check || !result || isStopped) return status;
  // A bound on part of an enumeration proves nothing about theory.
  const compared = result.sweeps
    .filter(({ findings: [first] }) => first && first.interval !== "bounds")
    .map((sweep) => withTheory(sweep));
  const verdict = compareSweeps(compared, tolerance);
  const counts = { measured: compared.length, asked: configs.length };
  output.finding({ kind: "check", tolerance, configurations: compared.length, ...verdict });
  output.text(`\n${perfectTable(compared)}${checkText(verdict, tolerance, counts)}`);
  return verdict.violations.length > 0 || compared.length === 0 ? 1 : status;
}

function readConfigs(args: Options): PhaseConfig[] {
  const hasSize = args.bits !== undefined || args.halfRange !== undefined;
  const standard = hasSize ? undefined : DEFAULT_SWEEP_TRIALS;
  const trials = readNumber(args.trials) ?? (args.until === undefined ? standard : MAX_TRIALS);
  if (trials === "all" && args.until !== undefined)
    throw new RequestError("until", "trials that are drawn", "--trials all", "which has no intervals");
  return readRequests(args).map((request) =>
    phaseConfig(
      given<PhaseRequest>({
        ...request,
        within: readNumber(args.within),
        size: readNumber(args.size),
        trials,
        seed: args.seed,
      }),
    ),
  );
}

interface PhaseMeasured extends Measured {
  /** The sweeps that have trials. */
  readonly sweeps: readonly Sweep[];
}

/** The experiment of some configurations: a part for each, named by its index. */
export function phaseExperiment(configs: readonly PhaseConfig[]): Experiment<PhaseMeasured> {
  const parts = configs.map((config, i) => {
    const planned = planSweep(config);
    const { plan } = planned;
    const unit = isConstrained(config) ? constrainedUnit(config) : unitTrials(plan);
    return { name: String(i), planned, unit, layout: tallyLayout(plan) };
  });
  return {
    configuration: { command: "phase", drawing: DRAWING, sweeps: configs.map(phaseFields) },
    parts: Object.fromEntries(parts.map(({ name, unit, layout }) => [name, { unit, layout }])),
    asked: Object.fromEntries(parts.map(({ name, planned }) => [name, planned.config.trials])),
    ...(configs.some(({ enumerate }) => enumerate) && { whyFixed: "all instances are counted already" }),
    async measure(count, provenance, onFinding) {
      const sweeps: Sweep[] = [];
      for (const { planned, ...part } of parts) {
        const { asked, look, ...totals } = await count({
          ...part,
          count: (engine, ranges, options) =>
            isConstrained(planned.config)
              ? countConstrainedUnits(engine, planned.config, ranges, options)
              : countUnits(runnerOf(engine), planned.plan, ranges, options),
          widest: (totals, tail) => widestInterval(planned, totals, tail),
        });
        const findings = find(planned, totals, provenance(), { asked, look });
        if (findings.length > 0) sweeps.push({ ...planned, findings });
        for (const finding of findings) onFinding(finding);
      }
      return {
        sweeps,
        findings: sweeps.flatMap(({ findings }) => findings),
        text: () => phaseTable(sweeps),
        csv: () => resultsCsv(sweeps),
        async report(about) {
          // Loaded here, since every other command would wait for the modules that draw.
          const { reportHtml } = await import("../reports/phase.ts");
          // Theory may take longer than a process has that was asked to end.
          return reportHtml(about.stopped ? sweeps : sweeps.map(withShownTheory), about);
        },
      };
    },
  };
}

/** The experiment of the configuration of a journal. @throws {RequestError} It is none of this version. */
export function readPhaseExperiment(sweeps: readonly PhaseRequest[]): Experiment {
  return phaseExperiment(sweeps.map((fields) => phaseConfig({ trials: 1, ...fields })));
}

/** The sweep with the theory of the targets that the report shows. */
function withShownTheory(sweep: Sweep): Sweep {
  const { config } = sweep;
  if (isConstrained(config) || config.halfRange > maxTheoryHalfRange(config.ensemble)) return sweep;
  return withTheory(sweep, representativeTargets(config));
}
