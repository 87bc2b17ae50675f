// Lemma 5 by simulation: every row of the tables made elsewhere, on an engine. The last item of a witness is the last item of the
// shortest prefix of the items with its sum, so a single solution decides every number of hidden units; all weights are targets
// of one instance.

import { expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { solve } from "../host/experiments/solve.ts";
import { drawnWeights } from "../src/ticket/scheme.ts";
import fixtures from "./fixtures/lemma5.json";

const TRIALS = 1000;
const SIGNS = [1, -1] as const;

interface Trial {
  /** For each weight the fewest units that serve positive and negative inputs. */
  readonly right: Float64Array;
  readonly left: Float64Array;
}

/** What random hidden units of some bits serve, a network for each seed. */
async function trials(bits: number, zero: boolean): Promise<Trial[]> {
  const engine = await cpuRunner(2, startThread);
  const units = Math.max(...fixtures.rows.filter((row) => row.bits === bits).map((row) => row.units));
  const targets = Array.from({ length: 4 ** bits + 1 }, (_, T) => T);
  const pools: { items: number[]; members: number[] }[] = [];
  for (let seed = 0; seed < TRIALS; seed++) {
    const random = drawnWeights({ initialBits: bits, bits, weightQuantizer: "away", zero }, BigInt(seed));
    const [u, v] = [random(0), random(1)];
    for (const sign of SIGNS) {
      const members = Array.from({ length: units }, (_, q) => q).filter((q) => Math.sign(u(q)) === sign);
      pools.push({ members, items: members.map((q) => u(q) * v(q)) });
    }
  }
  const served = pools.map(() => new Float64Array(targets.length));
  const instances = pools.map(({ items }) => ({ items, targets }));
  for await (const { instance, target, witness } of solve(engine, instances, { ask: ["witness"] })) {
    const last = witness?.at(-1);
    served[instance]![Number(target)] = !witness
      ? Infinity
      : last === undefined
        ? 0
        : pools[instance]!.members[last]! + 1;
  }
  engine.close();
  return Array.from({ length: TRIALS }, (_, t) => ({ right: served[2 * t]!, left: served[2 * t + 1]! }));
}

/** The largest distance between the rows of a fixture and what trials say, in standard errors. */
function discrepancy(all: readonly Trial[], bits: number, zero: boolean): number {
  let largest = 0;
  for (const { units, ...row } of fixtures.rows.filter((one) => one.bits === bits && one.zero === zero)) {
    // One half of the units for either sign: those of a network and of the next one.
    const met = {
      pooled: ({ right, left }: Trial, T: number) => Math.max(right[T]!, left[T]!) <= units,
      nonnegative: ({ right }: Trial, T: number) => right[T]! <= units,
      split: ({ right }: Trial, T: number, t: number) =>
        Math.max(right[T]!, all[(t + 1) % all.length]!.left[T]!) <= units / 2,
    };
    for (const scheme of ["pooled", "nonnegative", "split"] as const)
      row[scheme]?.forEach((probability, T) => {
        const rate = all.filter((trial, t) => met[scheme](trial, T, t)).length / all.length;
        const error = Math.sqrt((probability * (1 - probability) + 1 / all.length) / all.length);
        largest = Math.max(largest, Math.abs(rate - probability) / error);
      });
  }
  return largest;
}

test.each([...new Set(fixtures.rows.map(({ bits }) => bits))])(
  "Every probability of the construction for %i bits is that of a simulation",
  async (bits) => {
    const [without, withZero] = [await trials(bits, false), await trials(bits, true)];
    expect(discrepancy(without, bits, false)).toBeLessThan(5);
    expect(discrepancy(withZero, bits, true)).toBeLessThan(5);
    // Zeros among the weights change the probabilities, and so does a unit more.
    expect(discrepancy(without, bits, true)).toBeGreaterThan(10);
    expect(discrepancy(withZero, bits, false)).toBeGreaterThan(10);
    const later = without.map(({ right, left }) => ({ right: right.map((units) => units + 1), left }));
    expect(discrepancy(later, bits, false)).toBeGreaterThan(5);
  },
);
