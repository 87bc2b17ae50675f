// exacta width: how many hidden units an input needs until a random network contains random layers.

import { widthConfig, type WidthConfig, type WidthRequest } from "../../../src/experiments/width.ts";
import type { WidthFinding } from "../../../src/finding.ts";
import { widthOf } from "../../experiments/width.ts";
import { readList, readNumber } from "../formats/arguments.ts";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { untilStopped, withEngine, type RunArguments } from "./run.ts";
import { widthCsv, widthTable } from "../reports/width-table.ts";

export interface WidthArguments extends RunArguments {
  bits?: string;
  targetBits?: string;
  width?: string;
  depth?: string;
  initialBits?: string;
  weightQuantizer?: string;
  zero?: boolean;
  trials?: string;
  seed?: string;
  maxUnits?: string;
  out?: string;
  json?: boolean;
}

const DEFAULT_BITS = "1..4";
const DEFAULT_WIDTH = "1,4,8";
/** Networks of each curve: some seconds for all twelve on two CPU cores. */
const DEFAULT_TRIALS = "500";

/** Runs the command and returns its exit status. Throws TypeError or RangeError for a request that cannot be met. */
export async function runWidth(args: WidthArguments, command: string): Promise<number> {
  const configs = configsOf(args);
  const total = configs.reduce((sum, { trials }) => sum + trials, 0);
  const { out } = args;
  const started = new Date();
  const findings: WidthFinding[] = [];
  const { seconds, stopped } = await withEngine(args, total, out === undefined, async (run) => {
    if (out !== undefined) await prepareFolder(out, ["results.jsonl", "results.csv", "report.html"]);
    run.report(0);
    let before = 0;
    for (const config of configs) {
      let soFar: (() => WidthFinding) | undefined;
      const measuring = widthOf(run.engine, config, {
        signal: run.signal,
        onProgress: ({ done }, current) => {
          soFar = current;
          run.report(before + done);
        },
      });
      const finding = await untilStopped(measuring, run.signal, () => soFar?.());
      before += config.trials;
      if (!finding) break;
      findings.push(finding);
      if (args.json) process.stdout.write(`${JSON.stringify(finding)}\n`);
    }
    return { seconds: run.seconds(), stopped: run.signal.aborted };
  });
  if (!args.json && findings.length > 0) process.stdout.write(widthTable(findings));
  if (out !== undefined && findings.length > 0) {
    await writeFiles(out, {
      "results.jsonl": findings.map((finding) => `${JSON.stringify(finding)}\n`).join(""),
      "results.csv": widthCsv(findings),
      "report.html": (await import("../reports/width.ts")).widthReport(findings, {
        command,
        started,
        seconds,
        stopped,
      }),
    });
    if (!args.quiet) process.stderr.write(`${out}/report.html, results.csv and results.jsonl are written\n`);
  }
  if (stopped && !args.quiet) process.stderr.write("stopped early; the trials done are kept\n");
  return 0;
}

const single = (name: keyof WidthRequest, typed: string | undefined) =>
  typed === undefined ? {} : { [name]: readNumber(typed) };
const list = (name: keyof WidthRequest, typed: string | undefined) =>
  typed === undefined ? [{}] : readList(typed).map((value) => ({ [name]: value }));

/** A configuration for each combination that was typed, larger layers last. */
function configsOf(args: WidthArguments): WidthConfig[] {
  const { weightQuantizer, targetBits, initialBits, maxUnits, seed } = args;
  const quantizers = weightQuantizer?.split(",").map((name) => ({ weightQuantizer: name.trim() })) ?? [{}];
  let requests: object[] = [
    {
      zero: args.zero ?? false,
      ...single("initialBits", initialBits),
      ...single("trials", args.trials ?? DEFAULT_TRIALS),
      ...single("maxUnits", maxUnits),
      ...(seed === undefined ? {} : { seed }),
    },
  ];
  for (const options of [
    quantizers,
    list("depth", args.depth),
    list("width", args.width ?? DEFAULT_WIDTH),
    list("bits", args.bits ?? DEFAULT_BITS),
    list("targetBits", targetBits),
  ])
    requests = requests.flatMap((request) => options.map((option) => ({ ...request, ...option })));
  // What people typed has any type; the experiment's own check decides.
  return requests.map((request) => widthConfig(request as WidthRequest));
}
