// exacta required: how many random items it takes to reach every target of -M..M with a given probability.

import {
  measuredPools,
  requiredConfig,
  type RequiredConfig,
  type RequiredRequest,
} from "../../../src/experiments/required.ts";
import type { RequiredFinding } from "../../../src/finding.ts";
import { measureRequired } from "../../experiments/required.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { columns, grouped, wrap } from "../reports/table.ts";
import { command, value, type ArgumentsOf } from "./command.ts";
import { seedOption } from "./options.ts";
import { runOptions, untilStopped, withEngine } from "./run.ts";

const DEFAULT_BITS = "2,4,6,8,10";

const options = {
  bits: value("list", "k, for M = 2^k, in 0..12; products need an even k", DEFAULT_BITS),
  failure: value("list", "probabilities of missing the worst target, in 1e-6..0.5", "0.5,0.1,0.01,0.001"),
  trials: value("number", "trials of each row", "1e6, or 100 over the smallest failure"),
  ...seedOption,
  ...runOptions,
};

export const requiredCommand = command({
  name: "required",
  summary: "Measures how many items the worst target needs: uniform items, products, and rejected products.",
  manual: `
For each probability of failure, finds the fewest random items with which every target of -M..M is missed at most that often. It
compares uniform items with products of two weights, and with products that are rejected until they are uniform on the distinct
products. A scan of all targets finds the candidates for the worst one, and fresh trials measure these.`,
  examples: ["exacta required --bits 3,2 --failure 0.1 --trials 2e4"],
  options,
  run: runRequired,
});

async function runRequired(args: ArgumentsOf<typeof options>): Promise<number> {
  const { bits = DEFAULT_BITS, failure, trials, seed } = args;
  const requests = readList(bits).map((k) =>
    given<RequiredRequest>({
      bits: k,
      failures: failure?.split(",").map(readNumber),
      trials: readNumber(trials),
      seed,
    }),
  );
  const totals = requests.map((request) => trialsOf(requiredConfig(request)));
  const total = totals.reduce((a, b) => a + b, 0);
  const output = outputOf(args);
  const findings: RequiredFinding[] = [];
  const stopped = await withEngine(args, { output, total, stopWithReader: true }, async (run) => {
    let before = 0;
    for (const [i, request] of requests.entries()) {
      let findingsSoFar: (() => RequiredFinding[]) | undefined;
      const measuring = measureRequired(run.engine, request, {
        signal: run.signal,
        onProgress({ done }, current) {
          findingsSoFar = current;
          run.report(before + done);
        },
      });
      const found = await untilStopped(measuring, run.signal, () => findingsSoFar?.() ?? []);
      before += totals[i]!;
      findings.push(...found);
      for (const finding of found) output.finding(finding);
    }
    return run.signal.aborted;
  });
  if (findings.length > 0) output.text(requiredTable(findings));
  if (stopped) output.note("stopped early; the rows that were finished are shown");
  return 0;
}

/** All trials of a configuration, those of the scans included. */
function trialsOf(config: RequiredConfig): number {
  return measuredPools(config).length * (config.trials + config.scanTrials);
}

const POOLS: Record<RequiredFinding["pool"], string> = {
  uniform: "uniform on ±1..±M",
  products: "products u v of ±1..±N and 1..N, M = N^2",
  support: "products rejected until uniform on the distinct ones (in brackets: raw products needed)",
};

/** The table: a line for each pool and precision, a column for each probability of failure. */
function requiredTable(findings: readonly RequiredFinding[]): string {
  const meaning = wrap(
    "n(P): the fewest random items with which the worst target of -M..M is missed with probability at most P. ~: the 95 % " +
      "intervals allow for one item more or less. bound: log2 (2M + 1); with fewer items no instance reaches all targets.",
  );
  const failures = [...new Set(findings.map(({ failure }) => failure))];
  const blocks = Object.entries(POOLS).flatMap(([pool, name]) => {
    const mine = findings.filter((finding) => finding.pool === pool);
    if (mine.length === 0) return [];
    const rows = [...new Set(mine.map(({ bits }) => bits))].map((bits) => {
      const row = mine.filter((finding) => finding.bits === bits);
      return [
        String(bits),
        String(2 ** bits),
        row[0]!.information.toFixed(2),
        ...failures.map((failure) => requiredCell(row.find((finding) => finding.failure === failure))),
      ];
    });
    return [
      [
        name,
        "",
        ...columns([["k", "M", "bound", ...failures.map((failure) => `n(${failure})`)], ...rows]),
      ].join("\n"),
    ];
  });
  const { trials, seed, engine, adapter } = findings[0]!;
  const run = wrap(`${grouped(trials)} trials, seed ${seed}, on ${engine} (${adapter})`);
  return `${[meaning.join("\n"), ...blocks, run.join("\n")].join("\n\n")}\n`;
}

function requiredCell(finding: RequiredFinding | undefined): string {
  if (!finding) return "";
  const { items, decided, cost } = finding;
  if (items === undefined) return `> ${finding.itemsTo}`;
  return `${decided ? "" : "~"}${items}${cost > 1 ? ` (${Math.ceil(items * cost)})` : ""}`;
}
