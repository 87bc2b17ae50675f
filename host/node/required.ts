// exacta required: how many random items it takes to reach every target of -M..M all but rarely.

import { poolsOf, requiredConfig, type RequiredRequest } from "../../src/experiments/required.ts";
import type { RequiredFinding } from "../../src/finding.ts";
import { required } from "../required.ts";
import { readList, readNumber } from "./arguments.ts";
import { withEngine, type RunArguments } from "./run.ts";
import { requiredTable } from "./table.ts";

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
    return poolsOf(config).length * (config.trials + config.scanTrials);
  });
  const findings: RequiredFinding[] = [];
  const stopped = await withEngine(args, totals.reduce((a, b) => a + b, 0), async (run) => {
    let before = 0;
    for (const [i, request] of requests.entries()) {
      const found = await required(run.engine, request, {
        signal: run.signal,
        onProgress: (done) => run.report(before + done),
      });
      before += totals[i]!;
      findings.push(...found);
      if (args.json) for (const finding of found) process.stdout.write(`${JSON.stringify(finding)}\n`);
    }
    return run.signal.aborted;
  });
  if (!args.json && findings.length > 0) process.stdout.write(requiredTable(findings));
  if (stopped && !args.quiet) process.stderr.write("stopped early; what was finished is shown\n");
  return 0;
}
