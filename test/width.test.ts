// Widths by theory against measurement: how often random networks of those widths contain random targets; and the
// experiment that measures how wide they must be, against enumeration and another program's numbers.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import type { Progress } from "../host/schedule.ts";
import { pruneToTicket } from "../host/experiments/ticket.ts";
import { measureWidth, widthOf } from "../host/experiments/width.ts";
import { trialDemands, widthConfig } from "../src/experiments/width.ts";
import type { WidthFinding } from "../src/finding.ts";
import type { Network, Quantizer } from "../src/network.ts";
import { fewestWidths, type OpenScheme } from "../src/ticket/width.ts";

let engine: Runner;
beforeAll(async () => {
  engine = await cpuRunner(2, startThread);
});
afterAll(() => engine.close());

const TARGETS = 4;
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
    constant: false,
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
    const widths = { units: units.map((count) => 2 * Math.ceil((count * share) / 2)), copies };
    predicted += one / TARGETS;
    for (let seed = 0; seed < SEEDS; seed++) {
      const pruned = await pruneToTicket(engine, {
        network: target,
        bits: targetBits,
        scheme: { ...scheme, ...widths },
        seed: BigInt(SEEDS * t + seed),
      });
      failed += Number(pruned.failures.length > 0);
    }
  }
  return { predicted, measured: failed / TRIALS };
}

const plain = { pools: "shared", support: false } as const;
const literal = { pools: "halves", support: true } as const;
test.each<[number, number, 1 | 2, boolean, Quantizer, number, Pick<OpenScheme, "pools" | "support">]>([
  [1, 2, 1, false, "away", 1, plain],
  [3, 6, 1, false, "away", 3, plain],
  [2, 4, 1, true, "floor", 6, plain],
  [4, 4, 2, false, "away", 4, plain],
  [0, 3, 1, true, "away", 0, plain],
  [2, 4, 1, true, "away", 2, literal],
])(
  "The predicted width is measured: k = %i, target bits %i, theorem %i, zero %s, %s from %i bits, %o",
  { tags: ["wide"] },
  async (bits, targetBits, theorem, zero, weightQuantizer, initialBits, options) => {
    const scheme: OpenScheme = { theorem, initialBits, bits, weightQuantizer, zero, ...options };
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

describe("Width experiment", () => {
  /** Whether some of the items sum up to a number. */
  function reaches(items: readonly number[], sum: number): boolean {
    const offset = items.reduce((total, item) => total + Math.abs(item), 0) + Math.abs(sum);
    let sums = 1n << BigInt(offset);
    for (const item of items) sums |= item > 0 ? sums << BigInt(item) : sums >> BigInt(-item);
    return ((sums >> BigInt(offset + sum)) & 1n) === 1n;
  }

  test.each([
    { bits: 1, width: 3, depth: 2 },
    { bits: 2, targetBits: 3, width: 2, zero: true },
    { bits: 2, width: 2, initialBits: 4, weightQuantizer: "floor" as const },
  ])("The request %o counts the trials whose sums the first units reach", async (request) => {
    const config = widthConfig({ ...request, trials: 25, maxUnits: 40 });
    const trials = Array.from({ length: 25 }, (_, trial) => [...trialDemands(config, trial)]);
    const served = (units: number) =>
      trials.filter((demands) =>
        demands.every(({ items, members, sum }) =>
          reaches(
            items.filter((_, i) => members[i]! < units),
            sum,
          ),
        ),
      ).length;
    const { curve } = await widthOf(engine, config);
    const wanted = curve.map(({ units }) => served(units));
    expect(curve.map(({ solved }) => solved)).toEqual(wanted);
    expect(wanted[40]).toBeGreaterThan(10);
    // With a unit less they are others.
    expect(curve.map(({ solved }) => solved)).not.toEqual([0, ...wanted.slice(0, -1)]);
  });

  // Measured by another program with networks of its own, weights with 0; exact for k = 2 and d = 1.
  for (const [bits, size, units, structured, dense, wide] of [
    [1, 1, [15, 32], 11.1, 11.1, false],
    [2, 1, [19, 32], 8.4, 8.4, false],
    [2, 4, [38, 53], 8.5, 13.6, false],
    [3, 4, [39, 51], 6.6, 10.6, true],
    [4, 4, [41, 53], 5.6, 8.9, true],
    [4, 8, [48, 61], 5.8, 10.4, true],
  ] as const)
    test(
      `Width k = ${bits}, d = ${size} takes ${units.join(" or ")} units`,
      { tags: wide ? ["wide"] : [] },
      async () => {
        const { required, gap, curve } = await measureWidth(engine, {
          bits,
          width: size,
          zero: true,
          trials: size === 8 ? 150 : 400,
        });
        units.forEach((count, i) =>
          expect(Math.abs(required[i]!.units! - count)).toBeLessThanOrEqual(2 + 2 * i),
        );
        expect(Math.abs(gap!.structured / structured - 1)).toBeLessThan(0.1);
        expect(Math.abs(gap!.dense / dense - 1)).toBeLessThan(0.1);
        // Theory is near all of the curve, and nowhere near it ten units off.
        const distance = (shift: number) =>
          Math.max(
            ...curve.slice(shift).map(({ probability }, i) => Math.abs(probability - curve[i]!.predicted)),
          );
        expect(distance(0)).toBeLessThan(0.2);
        expect(distance(10)).toBeGreaterThan(0.2);
      },
    );

  test("A width experiment has the same numbers on other engines, and those of its trials where it is stopped", async () => {
    const request = { bits: 2, width: 2, trials: 12 };
    const all = await measureWidth(engine, request);
    const reference = referenceRunner();
    const same = await measureWidth(reference, request);
    expect({ ...same, engine: "", adapter: "" }).toEqual({ ...all, engine: "", adapter: "" });
    const stop = new AbortController();
    let some: WidthFinding | undefined;
    const onProgress = ({ done }: Progress, finding: () => WidthFinding) => {
      if (done === 5) stop.abort("enough");
      some = finding();
    };
    await expect(measureWidth(reference, request, { signal: stop.signal, onProgress })).rejects.toBe(
      "enough",
    );
    expect(some!.trials).toBeGreaterThanOrEqual(5);
    await expect(measureWidth(reference, request, { signal: AbortSignal.abort("never") })).rejects.toBe(
      "never",
    );
    reference.close();
  });
});
