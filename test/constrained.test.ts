// Sums within a distance, and subsets of a fixed size: exact tables by enumeration, an oracle that lists all subsets, engines.

import { afterAll, describe, expect, test } from "vitest";
import { measurePhase } from "../host/experiments/phase.ts";
import { openEngine } from "../host/node/index.ts";
import type { Engine } from "../host/runner.ts";
import { constrainedTally, constrainedWork } from "../src/experiments/constrained.ts";
import { phaseConfig, type PhaseRequest } from "../src/experiments/phase.ts";
import { kernels } from "../src/kernels/index.ts";

const engines: Partial<Record<"cpu" | "gpu" | "reference", Engine>> = {};
async function engineOf(engine: keyof typeof engines): Promise<Engine> {
  return (engines[engine] ??= await openEngine({ engine, threads: 2 }));
}
afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

/** P(some target of -M..M is not within D of a sum) for `rssp` by the number of items, all instances counted. */
const WITHIN = [
  { halfRange: 4, within: 1, from: 2, failure: [0.90625, 0.660156, 0.423828, 0.258728] },
  { halfRange: 4, within: 2, from: 2, failure: [0.71875, 0.4375, 0.25, 0.140625] },
  { halfRange: 8, within: 1, from: 3, failure: [0.976562, 0.797607] },
  { halfRange: 8, within: 2, from: 3, failure: [0.816895, 0.568695] },
];

/** P(a subset of exactly s of n items has the sum t) for `rssp`. */
const SIZED = [
  { halfRange: 2, items: 6, size: 2, targets: [0, 1, 2], probability: [0.938477, 0.659668, 0.466064] },
  { halfRange: 2, items: 6, size: 3, targets: [0, 1, 2], probability: [0.657227, 0.702148, 0.702148] },
  { halfRange: 4, items: 6, size: 2, targets: [0, 1, 4], probability: [0.83316, 0.694221, 0.419216] },
  { halfRange: 4, items: 6, size: 3, targets: [0, 1, 4], probability: [0.64653, 0.659019, 0.577652] },
];

describe("Exact tables of subsets with a distance or a size", () => {
  test.each(WITHIN)(
    "M = $halfRange: every target is within $within of a sum as often as enumeration says",
    async ({ halfRange, within, from, failure }) => {
      const engine = await engineOf("cpu");
      const items = { from, to: from + failure.length - 1 };
      const findings = await measurePhase(engine, { halfRange, within, items, trials: "all" });
      findings.forEach(({ covered }, j) => expect(1 - covered!.probability).toBeCloseTo(failure[j]!, 6));
      // Sums at another distance have other probabilities.
      const [other] = await measurePhase(engine, {
        halfRange,
        within: within + 1,
        items: from,
        trials: "all",
      });
      expect(Math.abs(1 - other!.covered!.probability - failure[0]!)).toBeGreaterThan(0.01);
    },
  );

  test.each(SIZED)(
    "M = $halfRange: $size of $items items have the sums $targets as often as the table says",
    async ({ halfRange, items, size, targets, probability }) => {
      const trials = halfRange === 2 ? ("all" as const) : 10_000;
      const [finding] = await measurePhase(await engineOf("cpu"), {
        halfRange,
        items,
        size,
        targets,
        trials,
      });
      finding!.targets.forEach((estimate, t) => {
        const p = probability[t]!;
        const tolerance = trials === "all" ? 1e-6 : 5 * Math.sqrt((p * (1 - p)) / trials);
        expect(Math.abs(estimate.probability - p), `target ${estimate.target}`).toBeLessThan(tolerance);
      });
    },
  );
});

/** Rows of the same tables for more items, which are drawn: P(missed) of all targets, and P(reached) of some. */
const DRAWN = [
  { halfRange: 4, within: 1, from: 6, failure: [0.154533, 0.09088, 0.05275] },
  { halfRange: 4, within: 2, from: 6, failure: [0.078125, 0.042969, 0.023438] },
  { halfRange: 8, within: 0, from: 5, failure: [0.952221, 0.728321, 0.462958, 0.274018] },
  { halfRange: 8, within: 1, from: 5, failure: [0.538574, 0.338024, 0.208997, 0.128896] },
  { halfRange: 8, within: 2, from: 5, failure: [0.370976, 0.235362, 0.146822, 0.090323] },
];
const DRAWN_SIZED = [
  { size: 1, targets: [1, 4], probability: [0.656391, 0.656391] },
  { size: 2, targets: [0, 1, 4], probability: [0.949648, 0.858279, 0.593342] },
  { size: 3, targets: [0, 1, 4], probability: [0.881083, 0.880565, 0.812326] },
];

describe("Drawn instances with a distance or a size", () => {
  const trials = 10_000;
  const errorsFrom = (p: number, measured: number) =>
    Math.abs(measured - p) / Math.sqrt((p * (1 - p)) / trials);

  test.each(DRAWN)(
    "M = $halfRange: every target is within $within of a sum of $from items or more as often as the table says",
    async ({ halfRange, within, from, failure }) => {
      const items = { from, to: from + failure.length - 1 };
      const findings = await measurePhase(await engineOf("cpu"), { halfRange, within, items, trials });
      findings.forEach(({ covered }, j) =>
        expect(errorsFrom(failure[j]!, 1 - covered!.probability)).toBeLessThan(5),
      );
    },
  );

  test.each(DRAWN_SIZED)(
    "M = 4: $size of 8 items have the sums $targets as often as the table says",
    async ({ size, targets, probability }) => {
      const request = { halfRange: 4, items: 8, size, targets, trials };
      const [finding] = await measurePhase(await engineOf("cpu"), request);
      finding!.targets.forEach((estimate, t) =>
        expect(errorsFrom(probability[t]!, estimate.probability)).toBeLessThan(5),
      );
    },
  );
});

/** The items of a trial as plain phase draws them are not visible here, so that the oracle enumerates instances itself. */
function oracleTally({ halfRange: M, items, size, within = 0, targets }: OracleRequest): number[][] {
  const values = Array.from({ length: 2 * M }, (_, i) => (i < M ? i - M : i - M + 1));
  let instances: number[][] = [[]];
  for (let i = 0; i < items; i++)
    instances = instances.flatMap((instance) => values.map((value) => [...instance, value]));
  const counts = targets.map(() => new Array<number>(items + 1).fill(0));
  for (const instance of instances)
    for (let n = 0; n <= items; n++) {
      const sums = new Set<number>();
      for (let mask = 0; mask < 2 ** n; mask++) {
        const chosen = instance.slice(0, n).filter((_, i) => (mask >> i) & 1);
        if (size === undefined || chosen.length === size) sums.add(chosen.reduce((a, b) => a + b, 0));
      }
      targets.forEach((target, t) => {
        if ([...sums].some((sum) => Math.abs(sum - target) <= within)) counts[t]![n]!++;
      });
    }
  return counts;
}

interface OracleRequest {
  readonly halfRange: number;
  readonly items: number;
  readonly size?: number;
  readonly within?: number;
  readonly targets: readonly number[];
}

test.each<OracleRequest>([
  { halfRange: 2, items: 4, within: 1, targets: [-9, -2, 0, 1, 5] },
  { halfRange: 2, items: 4, size: 0, targets: [0, 1] },
  { halfRange: 2, items: 4, size: 2, within: 3, targets: [-7, -1, 0, 2, 4, 7] },
  { halfRange: 3, items: 3, size: 3, targets: [-9, -3, 0, 1, 8] },
  { halfRange: 3, items: 3, size: 4, within: 1, targets: [0, 1] },
  { halfRange: 1, items: 5, size: 1, within: 2, targets: [-3, -1, 0, 3, 4] },
])("%j: counts are those of a list of all subsets", async (request) => {
  const { items, ...rest } = request;
  const engine = await engineOf("reference");
  const findings = await measurePhase(engine, { ...rest, items: { from: 0, to: items }, trials: "all" });
  const expected = oracleTally(request);
  request.targets.forEach((target, t) =>
    expect(
      findings.map((finding) => finding.targets[t]!.solved),
      `target ${target}`,
    ).toEqual(expected[t]),
  );
});

const REQUESTS: PhaseRequest[] = [
  { bits: 3, items: { from: 6, to: 7 }, within: 2, targets: [0, 1, 8, 30], trials: 300 },
  { ensemble: "rssp0", halfRange: 5, items: 7, size: 3, trials: 300 },
  { ensemble: "products", bits: 2, items: { from: 0, to: 6 }, size: 4, within: 1, trials: 100 },
  { bits: 5, items: { from: 30, to: 40 }, within: 31, trials: 50 },
];

test.each(REQUESTS)("%j: engines give the same findings", async (request) => {
  const strip = (findings: Awaited<ReturnType<typeof measurePhase>>) =>
    findings.map(({ engine: _engine, adapter: _adapter, ...finding }) => finding);
  const expected = strip(await measurePhase(await engineOf("reference"), request));
  for (const engine of ["cpu", "gpu"] as const)
    expect(strip(await measurePhase(await engineOf(engine), request)), engine).toEqual(expected);
});

test("A mask that ends with another item changes the tally", () => {
  const config = phaseConfig({ halfRange: 3, items: { from: 1, to: 6 }, size: 2, trials: 20 });
  const work = constrainedWork(config, { first: 0, count: 20 });
  const answers = new Uint32Array(work.params.answers);
  kernels.witness.twin(work.params, { ...work.inputs, answers });
  const right = constrainedTally(config, 20, answers);
  const answered = answers.findIndex((word, i) => word > 1 && answers[i - 2] === 1);
  answers[answered] = 2 ** 5;
  expect(constrainedTally(config, 20, answers)).not.toEqual(right);
});

test.each<[string, PhaseRequest, string]>([
  ["For signed sums", { ensemble: "rnpp", bits: 3, within: 1 }, "within: expected none for rnpp"],
  ["Below 0", { bits: 3, within: -1 }, "within: expected an integer in 0..1048576, got -1"],
  ["Above 64", { bits: 3, size: 65 }, "size: expected an integer in 0..64, got 65"],
  [
    "A table of too many sums",
    { bits: 12, items: 40, size: 3 },
    "size: expected tables of at most 4194304 sums",
  ],
])("%s: a distance or a size is refused", (_, request, message) => {
  expect(() => phaseConfig(request)).toThrow(message);
});
