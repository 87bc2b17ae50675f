// exacta bench: what the kernels cost on the CPU engine of this machine, beside CPython and AVX2 in the same run.

import * as z from "zod/mini";
import { integer, parse } from "../../../src/check.ts";
import { readNumber } from "../arguments.ts";
import { benchForward } from "./forward.ts";
import { benchReach } from "./reach.ts";
import { benchSolve } from "./solve.ts";
import { benchTicket } from "./ticket.ts";

export interface BenchArguments {
  only?: string;
  rounds?: string;
  json?: boolean;
  python?: string;
  cc?: string;
}

const benches = { reach: benchReach, solve: benchSolve, forward: benchForward, ticket: benchTicket };
export const benchNames = Object.keys(benches) as (keyof typeof benches)[];

/** Runs the command and returns its exit status. */
export async function runBench({
  only,
  rounds,
  json,
  python = "python3",
  cc = "cc",
}: BenchArguments): Promise<number> {
  const count = parse(integer(1, 1000), readNumber(rounds ?? "9"), "rounds");
  const names =
    only === undefined
      ? benchNames
      : [parse(z.enum(benchNames, `one of ${benchNames.join(", ")}`), only, "only")];
  for (const name of names) {
    const { results, title, table } = await benches[name](count, { python, cc });
    process.stdout.write(
      json
        ? results.map((result) => `${JSON.stringify(result)}\n`).join("")
        : `${name === names[0] ? "" : "\n"}${title}\n\n${table.join("\n")}\n`,
    );
  }
  return 0;
}
