// exacta theory: moments, proven bounds and predictions, without simulation.

import { theory } from "../../src/experiments/theory.ts";
import { readRequests, type InstanceArguments } from "./arguments.ts";
import { theoryTable } from "./table.ts";

export interface TheoryArguments extends InstanceArguments {
  json?: boolean;
}

/** Runs the command and returns its exit status. Throws TypeError or RangeError for a request that cannot be met. */
export async function runTheory(args: TheoryArguments): Promise<number> {
  const findings = readRequests(args).flatMap((request) => theory(request));
  process.stdout.write(
    args.json ? findings.map((finding) => `${JSON.stringify(finding)}\n`).join("") : theoryTable(findings),
  );
  return 0;
}
