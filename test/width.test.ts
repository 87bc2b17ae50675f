// Widths by theory against measurement: how often random networks of those widths contain random targets.

import { afterAll, beforeAll, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { startThread } from "../host/node/threads.ts";
import type { Runner } from "../host/runner.ts";
import { prune } from "../host/ticket.ts";
import type { Network, Quantizer } from "../src/network.ts";
import { fewestWidths, type OpenScheme } from "../src/ticket/width.ts";

let engine: Runner;
beforeAll(async () => {
  engine = await cpuRunner(2, startThread);
});
afterAll(() => engine.close());

const TARGETS = 6;
const SEEDS = 25;
const TRIALS = TARGETS * SEEDS;

/** A target of 3 inputs, 3 hidden units and 2 outputs, its weights uniform on -2^bits..2^bits. */
function targetOf(bits: number, random: () => number): Network {
  return {
    layers: [3, 2].map((rows) => ({
      rows,
      columns: 3,
      weights: Int32Array.from(
        { length: rows * 3 },
        () => Math.floor(random() * (2 ** (bits + 1) + 1)) - 2 ** bits,
      ),
      shift: bits,
    })),
    quantizer: "floor",
    activationBits: 2,
    clamp: false,
  };
}

/** How often a target was not in a network, predicted and measured, with a share of the units that theory asks for. */
async function failures(scheme: OpenScheme, targetBits: number, failure: number, share = 1) {
  let state = 1;
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  let [predicted, failed] = [0, 0];
  for (let t = 0; t < TARGETS; t++) {
    const target = targetOf(targetBits, random);
    const { failure: one, units, copies } = fewestWidths(target, targetBits, scheme, failure);
    const widths = { units: units.map((count) => Math.ceil(count * share)), copies };
    predicted += one / TARGETS;
    for (let seed = 0; seed < SEEDS; seed++) {
      const pruned = await prune(
        engine,
        target,
        targetBits,
        { ...scheme, ...widths },
        BigInt(SEEDS * t + seed),
      );
      failed += Number(pruned.failures.length > 0);
    }
  }
  return { predicted, measured: failed / TRIALS };
}

test.each<[number, number, 1 | 2, boolean, Quantizer, number]>([
  [1, 2, 1, false, "away", 1],
  [2, 4, 1, true, "away", 2],
  [3, 6, 1, false, "away", 3],
  [4, 8, 1, false, "away", 4],
  [2, 4, 1, true, "floor", 6],
  [4, 4, 2, false, "away", 4],
])(
  "k = %i, target bits %i, theorem %i, zero %s, %s from %i bits",
  async (bits, targetBits, theorem, zero, weightQuantizer, initialBits) => {
    const scheme: OpenScheme = { theorem, initialBits, bits, weightQuantizer, zero };
    for (const failure of [0.5, 0.1]) {
      const { predicted, measured } = await failures(scheme, targetBits, failure);
      // The law itself is allowed a third, chance four standard errors.
      const room = predicted / 3 + 4 * Math.sqrt((predicted * (1 - predicted)) / TRIALS);
      expect([failure, measured]).toEqual([
        failure,
        expect.toSatisfy((rate: number) => Math.abs(rate - predicted) < room),
      ]);
      expect(predicted).toBeLessThanOrEqual(failure);
    }
    // Two thirds of the units are too few, and it shows.
    const { predicted, measured } = await failures(scheme, targetBits, 0.1, 2 / 3);
    expect(measured - predicted).toBeGreaterThan(0.25);
  },
);
