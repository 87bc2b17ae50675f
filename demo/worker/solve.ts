// The order `solve`: how a target is made from given numbers, and all sums that the first of them have.

import { solve as solveOn } from "../../host/experiments/solve.ts";
import type { SolveFinding } from "../../src/finding.ts";
import { totalsOf } from "../../src/kernels/instances.ts";
import { engineOf } from "./engine.ts";
import type { Context, Order, PageEngine } from "./orders.ts";

export interface SolveOrder extends Order {
  readonly request: {
    readonly engine: PageEngine;
    readonly items: readonly number[];
    readonly target: number;
  };
  readonly report: never;
  readonly answer: Solved;
}

export interface Solved {
  readonly items: readonly number[];
  readonly target: number;
  readonly finding: SolveFinding;
  readonly reach: Reach;
}

/** The subset sums of the first 0, 1, 2, ... of some items. */
export interface Reach {
  /** The least sum of all. */
  readonly low: number;
  /** One row for each number of items. Byte s - low of a row is 1 where s is a sum of its items. */
  readonly rows: readonly Uint8Array[];
  /** The number of different sums of each row. */
  readonly counts: readonly number[];
}

export async function solve(
  { engine, items, target }: SolveOrder["request"],
  { signal }: Context<SolveOrder>,
): Promise<Solved> {
  const { runner } = await engineOf(engine);
  const findings: SolveFinding[] = [];
  for await (const finding of solveOn(runner, [{ items, target }], {}, { signal })) findings.push(finding);
  return { items, target, finding: findings[0]!, reach: reachOf(items) };
}

function reachOf(items: readonly number[]): Reach {
  const { negative, positive } = totalsOf(items);
  let row = new Uint8Array(negative + positive + 1);
  row[negative] = 1;
  const rows = [row];
  for (const item of items) {
    const next = row.slice();
    // No sum leaves the row, which has room for the least and for the greatest one.
    row.forEach((isSum, i) => (next[i + item]! |= isSum));
    rows.push((row = next));
  }
  const counts = rows.map((sums) => sums.reduce((count, isSum) => count + isSum, 0));
  return { low: -negative, rows, counts };
}
