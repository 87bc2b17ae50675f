// exacta width: how many hidden units an input needs until a random network contains random layers.

import {
  findWidth,
  widthConfig,
  widthFields,
  widthLayout,
  widthUnit,
  type WidthConfig,
  type WidthRequest,
} from "../../../src/experiments/width.ts";
import type { WidthFinding } from "../../../src/finding.ts";
import { quantizers } from "../../../src/network.ts";
import { countWidthUnits } from "../../experiments/width.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { widthCsv, widthTable } from "../reports/width-table.ts";
import { DRAWING, type Experiment } from "../sweep/experiment.ts";
import { RESULT_FILES } from "../sweep/results.ts";
import { command, value, type ArgumentsOf, type Call } from "./command.ts";
import { randomWeightOptions, seedOption } from "./options.ts";
import { settingsOf, sweep, sweepOptions } from "./sweep.ts";

const DEFAULT_BITS = "1..4";
const DEFAULT_WIDTH = "1,4,8";
/** Networks of each curve: a few seconds for all twelve curves on two CPU cores. */
const DEFAULT_TRIALS = "500";

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
  ...sweepOptions,
};
type Options = ArgumentsOf<typeof options>;

export const widthCommand = command({
  name: "width",
  summary: "Measures how many hidden units an input needs until a random network contains random layers.",
  manual: `
Draws random networks and random layers, and decides for every number of hidden units of an input whether the network can be pruned to
the layers (Theorem 1 of Kumar & Natale). The curves are compared with theory and with Theorem 3, which counts the
choices of the layers' weights. Lists give a curve for each combination, so they show what depth, zeros and the quantizer of the weights cost.`,
  examples: ["exacta width --bits 1..2 --width 1,2 --trials 50"],
  statusStopped: "a signal stopped the run; with `--out` the same command goes on",
  options,
  check: (args) => [settingsOf(args), configsOf(args)],
  run: runWidth,
});

async function runWidth(args: Options, call: Call): Promise<number> {
  const experiment = widthExperiment(configsOf(args));
  const { status } = await sweep(args, call, outputOf(args), args.out, experiment);
  return status;
}

/** The experiment of some configurations: a part for each, named by its index. */
export function widthExperiment(configs: readonly WidthConfig[]): Experiment {
  const parts = configs.map((config, i) => ({
    name: String(i),
    config,
    unit: widthUnit(config),
    layout: widthLayout(config),
  }));
  return {
    configuration: { command: "width", drawing: DRAWING, curves: configs.map(widthFields) },
    parts: Object.fromEntries(parts.map(({ name, unit, layout }) => [name, { unit, layout }])),
    asked: Object.fromEntries(parts.map(({ name, config }) => [name, config.trials])),
    async measure(count, provenance, onFinding) {
      const findings: WidthFinding[] = [];
      for (const { config, ...part } of parts) {
        const { asked, ...totals } = await count({
          ...part,
          count: (engine, ranges, options) => countWidthUnits(engine, config, ranges, options),
        });
        if (totals.trials === 0) continue;
        const finding = findWidth(config, totals, provenance(), asked);
        findings.push(finding);
        onFinding(finding);
      }
      return {
        findings,
        text: () => widthTable(findings),
        csv: () => widthCsv(findings),
        async report(about) {
          const { widthReport } = await import("../reports/width.ts");
          return widthReport(findings, about);
        },
      };
    },
  };
}

/** The experiment of the configuration of a journal. @throws {RequestError} It is none of this version. */
export function readWidthExperiment(curves: readonly WidthRequest[]): Experiment {
  return widthExperiment(curves.map((fields) => widthConfig({ trials: 1, ...fields })));
}

/** The requests for each value of a list, or the requests as they are. */
function forEachOf(name: keyof WidthRequest, values: readonly unknown[] | undefined) {
  return (requests: readonly object[]) =>
    values === undefined
      ? requests
      : requests.flatMap((request) => values.map((value) => ({ ...request, [name]: value })));
}

/** The requests for each value of a typed list. */
const forEachListed = (name: keyof WidthRequest, text: string | undefined) =>
  forEachOf(name, text === undefined ? undefined : readList(text, name));

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
    forEachListed("depth", args.depth),
    forEachListed("width", args.width ?? DEFAULT_WIDTH),
    forEachListed("bits", args.bits ?? DEFAULT_BITS),
    forEachListed("targetBits", args.targetBits),
  ].reduce<readonly object[]>((requests, combine) => combine(requests), [common]);
  return requests.map((request) => widthConfig(given<WidthRequest>(request)));
}
