// exacta tail: how often targets are missed, however rare that is.

import { tailEnsembles } from "../../../src/theory/tail.ts";
import {
  findTail,
  tailConfig,
  tailCount,
  tailFields,
  tailMethods,
  type TailConfig,
  type TailRequest,
} from "../../../src/experiments/tail.ts";
import type { TailFinding } from "../../../src/finding.ts";
import { countTailUnits } from "../../experiments/tail.ts";
import { given, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { tailCsv, tailTable } from "../reports/tail-table.ts";
import { DRAWING, type Experiment } from "../sweep/experiment.ts";
import { RESULT_FILES } from "../sweep/results.ts";
import { command, flag, value, type ArgumentsOf, type Call } from "./command.ts";
import { instanceOptions, readRequests } from "./instances.ts";
import { seedOption } from "./options.ts";
import { settingsOf, sweep, sweepOptions } from "./sweep.ts";

const DEFAULT_BITS = "2,4,6,8";

const options = {
  ...instanceOptions,
  ensemble: value("name", `the distribution of the items: ${tailEnsembles.join(", ")}`, "rssp"),
  bits: value("list", "k, for M = 2^k, or M = 4^k for products; M is at most 2^12", DEFAULT_BITS),
  items: value("range", "n, the number of items, or a range A..B, in 0..160", "1..64"),
  targets: value("list", "targets of -M..M that are asked for besides all of them, such as 1,M", "1,M"),
  method: value("name", tailMethods.join(", "), "the one that answers soonest"),
  trials: value(
    "number",
    "trials of each number of items, where the method is not exact; a multiple of 4",
    "10000",
  ),
  ...seedOption,
  csv: flag("print CSV instead of the table"),
  out: value("folder", `for ${RESULT_FILES.join(", ")}`, "none"),
  ...sweepOptions,
};
type Options = ArgumentsOf<typeof options>;

export const tailCommand = command({
  name: "tail",
  summary:
    "Computes how often targets are missed, down to 1e-15 and below, beside the laws and bounds of it.",
  manual: `
For each number n of items, the probability P that some target of -M..M is missed, and that each target asked for is. Trials that count
failures see nothing below one over their number. \`tail\` sees any depth, by one of two methods:

- \`exact\`: a dynamic program over the sets of subset sums that n magnitudes can have, to about 14 digits. M is at most 12, for products
  16, and n at most 160. It is chosen for M up to 8 and products up to 16.
- \`conditional\`: trials draw magnitudes alone, and the 2^n signs are summed exactly. Half of the trials are drawn from the
  ensemble. The others are drawn from it on the condition that exactly j items are not multiples of d, for d = 2..9 and j = 0..n, since
  few such items miss targets often. All are weighted by how likely they are (the power heuristic of Veach & Guibas, 1995).

The 95 % interval of \`conditional\`: what common divisors of all items decide is computed and not drawn. The logarithm of the
rest (or of 1 - P, where that is smaller) is taken to be normal. Its variance is that of the weighted conditional probabilities of
the trials, four of which at a time have one condition, around the means of these four, and of one trial more that is 6 times the
mean. Of 1,000 intervals, 93 to 97 % contain the exact value with 2,000 trials of \`rssp\` (M = 6, n = 20), with 1,000 of \`rssp0\`
(M = 5, n = 4), and with 2,000 of \`products\` (M = 9, n = 16). Fewer trials may see too little of the rarest items. Where all signs of all
trials fail, the lower end allows for successes that no trial saw. \`rssp0\` and \`products0\` are mixtures over the number of
items that are not 0. Signed sums (\`rnpp\`) are refused: their magnitudes alone decide, so that there are no signs to sum over.
Weights follow from the number of trials, so that \`--extend\` is refused.

Beside P are, in the field of a finding:

- \`shortfall\`: R_n(M), the probability that the positive items add up to less than M
- \`law\`, for \`rssp\` and \`rssp0\`: 2 R_n(M), at most 1, which P was found to approach as n grows; that is not proven
- \`bound\`: a proven lower bound on P
- \`divisors\`: the probability that all items have a common divisor
- \`trivial\`: the probability that some weight is missing among the items themselves (the coupon collector)
- \`rate\`: P(n + 1) / P(n)

Kumar & Natale bound P by 2 exp(-(n - C ln(M + 1))^2 / (kappa n)) in "A Unified Framework for Quantized and Continuous Strong Lottery
Tickets", without stating C and kappa. The table and the report print the least kappa with which that holds for C = 2 and all n of the
run: it is fitted, not proven.`,
  examples: [
    "exacta tail --half-range 8 --items 60..64",
    "exacta tail --ensemble rssp --half-range 8 --items 63..64 --targets 1,8 --method exact --json",
  ],
  statusStopped: "a signal stopped the run; with `--out` the same command goes on",
  options,
  check: (args) => [settingsOf(args), requestsOf(args).map(tailConfig)],
  run: runTail,
});

function requestsOf({ method, trials, seed, items, ...args }: Options): TailRequest[] {
  const sizes = args.bits === undefined && args.halfRange === undefined ? { bits: DEFAULT_BITS } : {};
  return readRequests({ ...args, ...sizes, ...(items === undefined ? {} : { items }) }).map((request) =>
    given<TailRequest>({ ...request, method, trials: readNumber(trials), seed }),
  );
}

async function runTail(args: Options, call: Call): Promise<number> {
  const experiment = tailExperiment(requestsOf(args).map(tailConfig), args.csv ? tailCsv : tailTable);
  const { status } = await sweep(args, call, outputOf(args), args.out, experiment);
  return status;
}

/**
 * The experiment of some configurations: a part for each, named by its index. A configuration without all of its trials has no
 * findings.
 */
export function tailExperiment(configs: readonly TailConfig[], textOf = tailTable): Experiment {
  const parts = configs.map((config, i) => ({ name: String(i), config, ...tailCount(config) }));
  return {
    configuration: { command: "tail", drawing: DRAWING, tails: configs.map(tailFields) },
    parts: Object.fromEntries(parts.map(({ name, unit, layout }) => [name, { unit, layout }])),
    asked: Object.fromEntries(parts.map(({ name, trials }) => [name, trials])),
    whyFixed: "how many there are decides how each trial is weighted",
    async measure(count, provenance, onFinding) {
      const sweeps: TailFinding[][] = [];
      for (const { config, trials, workOf, ...part } of parts) {
        const counted = await count({
          ...part,
          count: (engine, ranges, options) => countTailUnits(engine, workOf(), ranges, options),
        });
        if (counted.trials < trials) continue;
        const findings = findTail(config, counted.words, provenance());
        sweeps.push(findings);
        for (const finding of findings) onFinding(finding);
      }
      return {
        findings: sweeps.flat(),
        text: () => textOf(sweeps),
        csv: () => tailCsv(sweeps),
        async report(about) {
          const { tailReport } = await import("../reports/tail.ts");
          return tailReport(sweeps, about);
        },
      };
    },
  };
}

/** The experiment of the configuration of a journal. @throws {RequestError} It is none of this version. */
export function readTailExperiment(tails: readonly TailRequest[]): Experiment {
  return tailExperiment(tails.map(tailConfig));
}
