// exacta required: how many random items it takes to reach every target of -M..M all but rarely.

import { measuredPools, requiredConfig, type RequiredRequest } from "../../../src/experiments/required.ts";
import type { RequiredFinding } from "../../../src/finding.ts";
import { measureRequired } from "../../experiments/required.ts";
import { readList, readNumber } from "../formats/arguments.ts";
import { untilStopped, withEngine, type RunArguments } from "./run.ts";
import { columns, grouped, wrap } from "../reports/table.ts";

export interface RequiredArguments extends RunArguments {
  bits?: string;
  failure?: string;
  trials?: string;
  seed?: string;
  json?: boolean;
}

const DEFAULT_BITS = "2,4,6,8,10";

/** Runs the command and returns its exit status. Throws TypeError or RangeError for a request that cannot be met. */
export async function runRequired(args: RequiredArguments): Promise<number> {
  const { bits = DEFAULT_BITS, failure, trials, seed } = args;
  const requests = readList(bits).map(
    (k) =>
      // What people typed has any type; the experiment's own check decides.
      ({
        bits: k,
        ...(failure === undefined ? {} : { failures: failure.split(",").map(readNumber) }),
        ...(trials === undefined ? {} : { trials: readNumber(trials) }),
        ...(seed === undefined ? {} : { seed }),
      }) as RequiredRequest,
  );
  const totals = requests.map((request) => {
    const config = requiredConfig(request);
    return measuredPools(config).length * (config.trials + config.scanTrials);
  });
  const findings: RequiredFinding[] = [];
  const stopped = await withEngine(
    args,
    totals.reduce((a, b) => a + b, 0),
    true,
    async (run) => {
      let before = 0;
      for (const [i, request] of requests.entries()) {
        let soFar: (() => RequiredFinding[]) | undefined;
        const measuring = measureRequired(run.engine, request, {
          signal: run.signal,
          onProgress: ({ done }, current) => {
            soFar = current;
            run.report(before + done);
          },
        });
        const found = await untilStopped(measuring, run.signal, () => soFar?.() ?? []);
        before += totals[i]!;
        findings.push(...found);
        if (args.json) for (const finding of found) process.stdout.write(`${JSON.stringify(finding)}\n`);
      }
      return run.signal.aborted;
    },
  );
  if (!args.json && findings.length > 0) process.stdout.write(requiredTable(findings));
  if (stopped && !args.quiet) process.stderr.write("stopped early; what was finished is shown\n");
  return 0;
}

const POOLS: Record<RequiredFinding["pool"], string> = {
  uniform: "uniform on ±1..±M",
  products: "products u v of ±1..±N and 1..N, M = N^2",
  support: "products rejected until uniform on the different ones (raw products it takes)",
};

/** The table of `exacta required`: a line for each pool and precision, a column for each failure asked. */
function requiredTable(findings: readonly RequiredFinding[]): string {
  const meaning = wrap(
    "n: the fewest random items with which the worst target of -M..M is missed at most so often. A ~ says that the 95 % " +
      "intervals leave room for one item more or less. bound: log2 (2M + 1); with fewer items no instance reaches all targets.",
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
