// exacta required: how many random items it takes to reach every target of -M..M with a given probability.

import path from "node:path";
import { RequestError } from "../../../src/errors.ts";
import { mostTailTrials } from "../../../src/experiments/required-tail.ts";
import {
  longestCounts,
  requiredConfig,
  requiredFields,
  requiredFindings,
  requiredMethods,
  type RequiredConfig,
  type RequiredCount,
  type RequiredRequest,
} from "../../../src/experiments/required.ts";
import type { RequiredFinding } from "../../../src/finding.ts";
import { tallyLayout, unitTrials } from "../../../src/reach-plan.ts";
import { runnerOf } from "../../runner.ts";
import { countUnits } from "../../schedule.ts";
import { requiredByTail } from "../../experiments/required.ts";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { requiredCsv, requiredTable } from "../reports/required-table.ts";
import { DRAWING, type Experiment } from "../sweep/experiment.ts";
import { numbersOf, RESULT_FILES } from "../sweep/results.ts";
import { command, STOPPED_STATUS, value, type ArgumentsOf, type Call } from "./command.ts";
import { seedOption } from "./options.ts";
import { untilStopped, withEngine } from "./run.ts";
import { refuseSweepFolder, settingsOf, sweep, sweepOptions } from "./sweep.ts";

/** What the method `tail` writes. */
const TAIL_FILES = ["results.jsonl", "results.csv", "report.html"];

const DEFAULT_BITS = "2,4,6,8,10";

const options = {
  bits: value("list", "k, for M = 2^k, in 0..12; products need an even k", DEFAULT_BITS),
  failure: value("list", "probabilities of missing the worst target, in 1e-15..0.5", "0.5,0.1,0.01,0.001"),
  method: value("name", requiredMethods.join(", "), "counts; tail below 1e-6"),
  trials: value(
    "number",
    "trials of each row, by tail of each number of items",
    "1e6, or 100 over the smallest failure; by tail 10000",
  ),
  ...seedOption,
  out: value("folder", `for ${RESULT_FILES.join(", ")}`, "none"),
  ...sweepOptions,
};
type Options = ArgumentsOf<typeof options>;

export const requiredCommand = command({
  name: "required",
  summary: "Measures how many items the worst target needs: uniform items, products, and rejected products.",
  manual: `
For each probability of failure, finds the fewest random items with which every target of -M..M is missed at most that often. It
compares uniform items with products of two weights, and with products that are rejected until they are uniform on the distinct
products. There are two methods:

- \`counts\`: a scan of all targets finds the candidates for the worst one, and fresh trials of these are counted. Failures are at
  least 1e-6.
- \`tail\`: as [tail](#exacta-tail) does, for failures down to 1e-15: exactly for M up to 12, for products 16, otherwise
  by trials that sum over all signs; n is at most 160. With trials the worst of the targets 1..3 and M-5..M is taken, and a..b stands
  for the fewest items by the lower and the upper ends of the 95 % intervals, where they differ. With \`--out\` it writes results,
  and keeps no journal: \`--shard\`, \`--extend\` and \`--recheck\` are refused.`,
  examples: [
    "exacta required --bits 3,2 --failure 0.1 --trials 2e4",
    "exacta required --bits 2,3 --failure 1e-6,1e-12",
  ],
  statusStopped: "a signal stopped the run; by counts and with `--out` the same command goes on",
  options,
  check: (args) => [settingsOf(args), readRequests(args)],
  run: runRequired,
});

async function runRequired(args: Options, call: Call): Promise<number> {
  const configs = readRequests(args).map(requiredConfig);
  if (configs[0]?.method === "tail") return runByTail(args, configs, call);
  const experiment = requiredExperiment(configs);
  const { status } = await sweep(args, call, outputOf(args), args.out, experiment);
  return status;
}

/** The options that only journals serve. */
const JOURNAL_OPTIONS = ["shard", "extend", "recheck"] as const;

async function runByTail(
  args: Options,
  configs: readonly RequiredConfig[],
  { commandLine, stop }: Call,
): Promise<number> {
  const { out } = args;
  const output = outputOf(args);
  const started = new Date();
  const total = configs.reduce((sum, config) => sum + mostTailTrials(config), 0);
  const findings: RequiredFinding[] = [];
  let isStopped = false;
  const stopWithReader = out === undefined;
  const seconds = await withEngine(args, { output, stop, total, stopWithReader }, async (run) => {
    if (out !== undefined) {
      await refuseSweepFolder(out);
      await prepareFolder(out, TAIL_FILES);
    }
    run.report(0);
    let before = 0;
    for (const config of configs) {
      const onProgress = ({ done }: { done: number }) => run.report(before + done);
      const measured = requiredByTail(run.engine, config, { signal: run.signal, onProgress });
      const found = await untilStopped(measured, run.signal, () => undefined);
      if (!found) {
        isStopped = true;
        break;
      }
      before += mostTailTrials(config);
      findings.push(...found);
      for (const finding of found) output.finding(finding);
    }
    return run.seconds();
  });
  if (findings.length > 0) output.text(requiredTable(findings));
  if (out !== undefined) {
    const { requiredReport } = await import("../reports/required.ts");
    await writeFiles(out, {
      "results.jsonl": findings.map((finding) => `${JSON.stringify(numbersOf(finding))}\n`),
      "results.csv": requiredCsv(findings),
      "report.html": requiredReport(findings, { command: commandLine, started, seconds, stopped: isStopped }),
    });
    output.note(`${path.join(out, "report.html")}, results.csv and results.jsonl are written`);
  }
  if (isStopped) output.note("stopped early");
  return isStopped && stop.aborted ? STOPPED_STATUS : 0;
}

/** The experiment of some configurations: for each, a part for each scan and each measurement of a pool. */
export function requiredExperiment(configs: readonly RequiredConfig[]): Experiment {
  const counts = configs.flatMap((config, i) =>
    longestCounts(config).map(({ pool, stage, plan, trials }) => ({
      name: partName(i, pool, stage),
      trials,
      unit: unitTrials(plan),
      layout: tallyLayout(plan),
    })),
  );
  const partOf = new Map(counts.map((count) => [count.name, count]));
  return {
    configuration: { command: "required", drawing: DRAWING, requests: configs.map(requiredFields) },
    parts: Object.fromEntries(counts.map(({ name, unit, layout }) => [name, { unit, layout }])),
    asked: Object.fromEntries(counts.map(({ name, trials }) => [name, trials])),
    whyFixed: "its trials decide which targets it measures",
    async measure(count, provenance, onFinding) {
      const findings: RequiredFinding[] = [];
      for (const [i, config] of configs.entries()) {
        const counted = ({ pool, stage, plan }: RequiredCount) => {
          const part = partOf.get(partName(i, pool, stage))!;
          return count({
            ...part,
            // The scan chooses the targets of the measurement.
            isShared: stage === "scan",
            count: (engine, ranges, { onUnits, ...options }) =>
              countUnits(runnerOf(engine), plan, ranges, {
                ...options,
                onUnits: (range, words) => onUnits(range, padded(words, part.layout.length)),
              }),
          });
        };
        for await (const found of requiredFindings(config, counted, provenance)) {
          findings.push(...found);
          for (const finding of found) onFinding(finding);
        }
      }
      return {
        findings,
        text: () => (findings.length > 0 ? requiredTable(findings) : ""),
        csv: () => requiredCsv(findings),
        async report(about) {
          const { requiredReport } = await import("../reports/required.ts");
          return requiredReport(findings, about);
        },
      };
    },
  };
}

/** The experiment of the configuration of a journal. @throws {RequestError} It is none of this version. */
export function readRequiredExperiment(requests: readonly RequiredRequest[]): Experiment {
  return requiredExperiment(requests.map(requiredConfig));
}

const partName = (index: number, pool: string, stage: RequiredCount["stage"]) => `${index} ${pool} ${stage}`;

/** A tally with as many words as the longest one that the scan can lead to; its further words are 0. */
function padded(words: Float64Array, length: number): Float64Array {
  const longer = new Float64Array(length);
  longer.set(words);
  return longer;
}

/** A request for each precision, which is checked. */
function readRequests({
  bits = DEFAULT_BITS,
  failure,
  method,
  trials,
  seed,
  ...rest
}: Options): RequiredRequest[] {
  const requests = readList(bits, "bits").map((k) =>
    given<RequiredRequest>({
      bits: k,
      failures: failure?.split(",").map(readNumber),
      method,
      trials: readNumber(trials),
      seed,
    }),
  );
  const configs = requests.map(requiredConfig);
  for (const option of JOURNAL_OPTIONS)
    if (configs[0]?.method === "tail" && rest[option] !== undefined)
      throw new RequestError(option, "the method counts, which keeps a journal", rest[option], {
        option: "method",
        value: "counts",
      });
  return requests;
}
