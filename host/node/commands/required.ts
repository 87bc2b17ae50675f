// exacta required: how many random items it takes to reach every target of -M..M with a given probability.

import {
  longestCounts,
  requiredConfig,
  requiredFields,
  requiredFindings,
  type RequiredConfig,
  type RequiredCount,
  type RequiredRequest,
} from "../../../src/experiments/required.ts";
import type { RequiredFinding } from "../../../src/finding.ts";
import { tallyLayout, unitTrials } from "../../../src/reach-plan.ts";
import { runnerOf } from "../../runner.ts";
import { countUnits } from "../../schedule.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { requiredCsv, requiredReport, requiredTable } from "../reports/required.ts";
import { DRAWING, type Experiment } from "../sweep/experiment.ts";
import { RESULT_FILES } from "../sweep/results.ts";
import { command, value, type ArgumentsOf, type Call } from "./command.ts";
import { seedOption } from "./options.ts";
import { settingsOf, sweep, sweepOptions } from "./sweep.ts";

const DEFAULT_BITS = "2,4,6,8,10";

const options = {
  bits: value("list", "k, for M = 2^k, in 0..12; products need an even k", DEFAULT_BITS),
  failure: value("list", "probabilities of missing the worst target, in 1e-6..0.5", "0.5,0.1,0.01,0.001"),
  trials: value("number", "trials of each row", "1e6, or 100 over the smallest failure"),
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
products. A scan of all targets finds the candidates for the worst one, and fresh trials measure these.`,
  examples: ["exacta required --bits 3,2 --failure 0.1 --trials 2e4"],
  statusStopped: "a signal stopped the run; with `--out` the same command goes on",
  options,
  check: (args) => [settingsOf(args), readRequests(args)],
  run: runRequired,
});

async function runRequired(args: Options, call: Call): Promise<number> {
  const experiment = requiredExperiment(readRequests(args).map(requiredConfig));
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
      return {
        findings,
        text: () => (findings.length > 0 ? requiredTable(findings) : ""),
        csv: () => requiredCsv(findings),
        report: (about) => requiredReport(findings, about),
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
function readRequests({ bits = DEFAULT_BITS, failure, trials, seed }: Options): RequiredRequest[] {
  const requests = readList(bits).map((k) =>
    given<RequiredRequest>({
      bits: k,
      failures: failure?.split(",").map(readNumber),
      trials: readNumber(trials),
      seed,
    }),
  );
  for (const request of requests) requiredConfig(request);
  return requests;
}
