// exacta width: how many hidden units an input needs until a random network contains random layers.

import { widthConfig, type WidthConfig, type WidthRequest } from "../../../src/experiments/width.ts";
import type { WidthFinding } from "../../../src/finding.ts";
import { quantizers } from "../../../src/network.ts";
import { widthOf } from "../../experiments/width.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { outputOf } from "../output.ts";
import { widthCsv, widthTable } from "../reports/width-table.ts";
import { command, value, type ArgumentsOf } from "./command.ts";
import { randomWeightOptions, seedOption } from "./options.ts";
import { runOptions, untilStopped, withEngine } from "./run.ts";

const DEFAULT_BITS = "1..4";
const DEFAULT_WIDTH = "1,4,8";
/** Networks of each curve: a few seconds for all twelve curves on two CPU cores. */
const DEFAULT_TRIALS = "500";
const RESULT_FILES = ["results.jsonl", "results.csv", "report.html"] as const;

const options = {
  bits: value("list", "k, bits of the random weights after reduction, in 0..8", DEFAULT_BITS),
  targetBits: value("list", "k_t, bits of the layers' weights", "2 k"),
  width: value("list", "d, inputs and outputs of a layer, in 1..64", DEFAULT_WIDTH),
  depth: value("list", "l, layers in a row, in 1..16", "1"),
  ...randomWeightOptions,
  weightQuantizer: value("list", `how random weights are reduced: ${quantizers.join(", ")}`, "away"),
  maxUnits: value(
    "number",
    "the most hidden units of an input",
    "enough for 999 of 1000 networks, by theory",
  ),
  trials: value("number", "networks for each curve", DEFAULT_TRIALS),
  ...seedOption,
  out: value("folder", `for ${RESULT_FILES.join(", ")}`, "none"),
  ...runOptions,
};
type Options = ArgumentsOf<typeof options>;

export const widthCommand = command({
  name: "width",
  summary: "Measures how many hidden units an input needs until a random network contains random layers.",
  manual: `
Draws random networks and random layers, and decides for every number of hidden units of an input whether the network can be pruned to
the layers (Theorem 1 of Kumar & Natale). The curves are compared with theory and with the lower bound of Theorem 3. Lists
give a curve for each combination, so they show what depth, zeros and the quantizer of the weights cost.`,
  examples: ["exacta width --bits 1..2 --width 1,2 --trials 50"],
  options,
  run: runWidth,
});

async function runWidth(args: Options, commandLine: string): Promise<number> {
  const configs = configsOf(args);
  const total = configs.reduce((sum, { trials }) => sum + trials, 0);
  const { out } = args;
  const output = outputOf(args);
  const started = new Date();
  const findings: WidthFinding[] = [];
  const stopWithReader = out === undefined;
  const { seconds, stopped } = await withEngine(args, { output, total, stopWithReader }, async (run) => {
    if (out !== undefined) await prepareFolder(out, RESULT_FILES);
    run.report(0);
    let before = 0;
    for (const config of configs) {
      let findingSoFar: (() => WidthFinding) | undefined;
      const measuring = widthOf(run.engine, config, {
        signal: run.signal,
        onProgress({ done }, current) {
          findingSoFar = current;
          run.report(before + done);
        },
      });
      const finding = await untilStopped(measuring, run.signal, () => findingSoFar?.());
      before += config.trials;
      if (!finding) break;
      findings.push(finding);
      output.finding(finding);
    }
    return { seconds: run.seconds(), stopped: run.signal.aborted };
  });
  if (findings.length > 0) output.text(widthTable(findings));
  if (out !== undefined && findings.length > 0) {
    const { widthReport } = await import("../reports/width.ts");
    await writeFiles(out, {
      "results.jsonl": findings.map((finding) => `${JSON.stringify(finding)}\n`).join(""),
      "results.csv": widthCsv(findings),
      "report.html": widthReport(findings, { command: commandLine, started, seconds, stopped }),
    });
    output.note(`${out}/report.html, results.csv and results.jsonl are written`);
  }
  if (stopped) output.note("stopped early; the curves that were finished are kept");
  return 0;
}

/** The requests for each value of a list, or the requests as they are. */
function forEachOf(name: keyof WidthRequest, values: readonly unknown[] | undefined) {
  return (requests: readonly object[]) =>
    values === undefined
      ? requests
      : requests.flatMap((request) => values.map((value) => ({ ...request, [name]: value })));
}

function listed(text: string | undefined): readonly unknown[] | undefined {
  return text === undefined ? undefined : readList(text);
}

/** A configuration for each combination of the lists, larger layers last. */
function configsOf(args: Options): WidthConfig[] {
  const common = given<WidthRequest>({
    zero: args.zero ?? false,
    initialBits: readNumber(args.initialBits),
    trials: readNumber(args.trials ?? DEFAULT_TRIALS),
    maxUnits: readNumber(args.maxUnits),
    seed: args.seed,
  });
  const requests = [
    forEachOf(
      "weightQuantizer",
      args.weightQuantizer?.split(",").map((name) => name.trim()),
    ),
    forEachOf("depth", listed(args.depth)),
    forEachOf("width", listed(args.width ?? DEFAULT_WIDTH)),
    forEachOf("bits", listed(args.bits ?? DEFAULT_BITS)),
    forEachOf("targetBits", listed(args.targetBits)),
  ].reduce<readonly object[]>((requests, combine) => combine(requests), [common]);
  return requests.map((request) => widthConfig(given<WidthRequest>(request)));
}
