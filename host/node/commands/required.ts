// exacta required: how many random items it takes to reach every target of -M..M with a given probability.

import { RequestError } from "../../../src/errors.ts";
import {
  mostSearchTrials,
  requiredTailFindings,
  searchCounts,
  type SearchCount,
} from "../../../src/experiments/required-tail.ts";
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
import { countTailUnits } from "../../experiments/tail.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { requiredCsv, requiredTable } from "../reports/required-table.ts";
import { DRAWING, type Experiment, type Measured } from "../sweep/experiment.ts";
import { RESULT_FILES } from "../sweep/results.ts";
import { command, value, type ArgumentsOf, type Call } from "./command.ts";
import { seedOption } from "./options.ts";
import { settingsOf, sweep, sweepOptions } from "./sweep.ts";

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
  for the fewest items by the lower and the upper ends of the 95 % intervals, where they differ. It searches, so that
  every count follows from those before: \`--shard\` and \`--extend\` are refused.`,
  examples: [
    "exacta required --bits 3,2 --failure 0.1 --trials 2e4",
    "exacta required --bits 2,3 --failure 1e-6,1e-12",
  ],
  statusStopped: "a signal stopped the run; with `--out` the same command goes on",
  options,
  check: (args) => [settingsOf(args), readRequests(args)],
  run: runRequired,
});

async function runRequired(args: Options, call: Call): Promise<number> {
  const experiment = readRequiredExperiment(readRequests(args));
  const { status } = await sweep(args, call, outputOf(args), args.out, experiment);
  return status;
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
      return measuredOf(findings);
    },
  };
}

/** The experiment of some configurations of the method `tail`: for each, a part for each count that its search may ask for. */
export function requiredTailExperiment(configs: readonly RequiredConfig[]): Experiment {
  const parts = configs.flatMap((config, i) =>
    searchCounts(config).map((wanted) => ({ ...wanted, name: searchName(i, wanted) })),
  );
  return {
    configuration: { command: "required", drawing: DRAWING, requests: configs.map(requiredFields) },
    parts: Object.fromEntries(parts.map(({ name, unit, layout }) => [name, { unit, layout }])),
    asked: Object.fromEntries(parts.map(({ name, trials }) => [name, trials])),
    most: configs.reduce((sum, config) => sum + mostSearchTrials(config), 0),
    whyFixed: "how many there are decides how each trial is weighted",
    async measure(count, provenance, onFinding) {
      const findings: RequiredFinding[] = [];
      for (const [i, config] of configs.entries()) {
        const counted = async (wanted: SearchCount) => {
          const { unit, layout, trials, workOf } = wanted;
          const totals = await count({
            name: searchName(i, wanted),
            unit,
            layout,
            count: (engine, ranges, options) => countTailUnits(engine, workOf(), ranges, options),
          });
          return totals.trials < trials ? undefined : totals.words;
        };
        for await (const found of requiredTailFindings(config, counted, provenance)) {
          findings.push(...found);
          for (const finding of found) onFinding(finding);
        }
      }
      return measuredOf(findings);
    },
  };
}

function measuredOf(findings: readonly RequiredFinding[]): Measured {
  return {
    findings,
    text: () => requiredTable(findings),
    csv: () => requiredCsv(findings),
    async report(about) {
      const { requiredReport } = await import("../reports/required.ts");
      return requiredReport(findings, about);
    },
  };
}

/** The experiment of requests, or of the configuration of a journal. @throws {RequestError} It is none of this version. */
export function readRequiredExperiment(requests: readonly RequiredRequest[]): Experiment {
  const configs = requests.map(requiredConfig);
  return configs[0]?.method === "tail" ? requiredTailExperiment(configs) : requiredExperiment(configs);
}

const searchName = (index: number, { pool, items }: SearchCount) => partName(index, pool, items ?? "exact");
const partName = (index: number, pool: string, count: string | number) => `${index} ${pool} ${count}`;

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
  shard,
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
  const [first] = requests.map(requiredConfig);
  if (first?.method === "tail" && shard !== undefined)
    throw new RequestError(
      "shard",
      "none with the method tail, which chooses its trials by those before",
      shard,
      {
        option: "method",
        value: "counts",
      },
    );
  return requests;
}
