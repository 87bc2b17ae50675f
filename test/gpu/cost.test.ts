// No dispatch is long enough to hang a screen, whatever is asked. The test counts what the dispatches of a launch do by formulas
// of its own, and times it by what memory and arithmetic of a slow GPU allow.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../../host/cpu/runner.ts";
import { launchesOf, variantsOf } from "../../host/gpu/kernels/index.ts";
import { dispatchesPerSubmission } from "../../host/gpu/dispatch.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import type { DeviceProfile, Launch } from "../../host/gpu/launch.ts";
import { startThread } from "../../host/node/platform/threads.ts";
import type { Runner } from "../../host/runner.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { columnsOf, denseColumns, densePlaces } from "../../src/kernels/forward.ts";
import { batchWork, type Work, type WorkOf } from "../../src/plan.ts";
import { exactly } from "../kernels/given.ts";
import { uniform } from "../kernels/tail.ts";
import { batchWords, type GivenBatch } from "../oracle.ts";
import { poisonStorage, sharedAdapter, tampered, testLanguage, testProfile } from "./devices.ts";

const profile = (
  lanes: number,
  kib: number,
  gib: number,
  maxDispatchMilliseconds?: number,
): DeviceProfile => ({
  limits: {
    maxComputeWorkgroupStorageSize: 1024 * kib,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupsPerDimension: 65535,
    maxStorageBufferBindingSize: gib * 2 ** 30,
    maxBufferSize: gib * 2 ** 30,
  } as GPUSupportedLimits,
  subgroupMaxSize: lanes,
  subgroupMinSize: lanes,
  features: new Set(["subgroups", "packed"]),
  maxDispatchMilliseconds,
});

const profiles = (maxDispatchMilliseconds?: number) =>
  [8, 32, 64].flatMap((lanes) =>
    [16, 32].flatMap((kib) => [1 / 8, 4].map((gib) => profile(lanes, kib, gib, maxDispatchMilliseconds))),
  );

/** A sweep with `count` trials of the largest sizes. */
const trials = (
  ensemble: "rssp" | "rnpp" | "products0",
  halfRange: number,
  to: number,
  count: number,
  from = to,
) =>
  batchWork(plan(phaseConfig({ ensemble, halfRange, items: { from, to }, targets: [0] })), {
    first: 0,
    count,
  });

/** Instances of `longest` items with equally many of the `targets` targets. Launches do not read items. */
const given = (
  kernel: "witness" | "count" | "smallest" | "knapsack" | "meet",
  { instances = 1, longest, targets = 1, ...rest }: Record<string, number> & { longest: number },
): Work => {
  const starts = Uint32Array.from({ length: 2 * (instances + 1) }, (_, i) =>
    Math.floor((i >> 1) * (i % 2 === 0 ? longest : targets / instances)),
  );
  const inputs = { items: new Int32Array(), targets: new Int32Array(), starts };
  const params = { instances, items: instances * longest, targets, answers: 3 * targets, longest };
  return {
    kernel,
    params: { ...params, masks: 1, tiles: 0, reduction: 0, fewest: 0, ...rest },
    inputs,
  } as unknown as Work;
};

const prune = (group: number, sums: number, sparse: number, demands: number): WorkOf<"prune"> => ({
  kernel: "prune",
  params: {
    hiddenLow: 1,
    hiddenHigh: 2,
    weightsLow: 3,
    weightsHigh: 4,
    range: 512,
    bits: 9,
    threshold: 0,
    demands,
    group,
    sparse,
    sums,
  },
  inputs: { values: new Int32Array(512), demands: new Int32Array(4 * demands) },
});

const signs = (items: number, halfRange: number, count: number): WorkOf<"tail"> =>
  uniform(items, halfRange, { count });

const forward = (samples: number, columns: number, rows: number, wide: number): WorkOf<"forward"> => ({
  kernel: "forward",
  params: {
    samples,
    ...denseColumns(columns),
    group: 1,
    rows,
    rectify: 1,
    shift: 0,
    quantizer: 0,
    relu: 0,
    most: 0,
    wide,
  },
  inputs: {
    inputs: Int32Array.of(1),
    places: densePlaces(),
    units: Int32Array.of(1),
    weights: Int32Array.of(1),
  },
});

/** Requests whose work takes long, by name. */
const extremes: Readonly<Record<string, Work>> = {
  "2^24 trials of M = 2^6": trials("rssp", 2 ** 6, 12, 2 ** 24),
  "2^31 - 1 trials of M = 2^10 with every number of items": trials("rssp", 2 ** 10, 64, 2 ** 31 - 1, 0),
  "2^20 trials of M = 2^12": trials("rnpp", 2 ** 12, 64, 2 ** 20),
  "a trial of M = 2^17": trials("rssp", 2 ** 17, 64, 1),
  "10,000 trials of M = 2^19": trials("rssp", 2 ** 19, 40, 10_000),
  "a trial of M = 2^20": trials("rssp", 2 ** 20, 64, 1),
  "a trial of M = 2^22 - 1": trials("rnpp", 2 ** 22 - 1, 64, 1),
  "a witness in 3.5 GiB": given("witness", { longest: 60, sums: 1.76e9, tiles: 1 }),
  "a witness in 256 MiB for 10,000 items": given("witness", { longest: 10_000, sums: 1.1e8 }),
  "a witness in 256 MiB for 10,000 items without masks": given("witness", {
    longest: 10_000,
    sums: 2 ** 30,
    masks: 0,
  }),
  "200 witnesses of 1e6 sums": given("witness", { longest: 1000, sums: 1e6, instances: 200, targets: 200 }),
  "2048 witnesses of 2^13 sums and 10,000 items": given("witness", {
    longest: 10_000,
    sums: 2 ** 13,
    instances: 2048,
    targets: 2048,
  }),
  "10,000 targets of 10,000 items": given("witness", { longest: 10_000, sums: 2 ** 20, targets: 10_000 }),
  "a million targets": given("witness", { longest: 24, sums: 2 ** 28, targets: 1e6, masks: 0, tiles: 1 }),
  "counts in 1 GiB": given("count", { longest: 64, sums: 2 ** 26, tiles: 1 }),
  "counts in 256 MiB": given("count", { longest: 64, sums: 2 ** 24 }),
  "5000 counts of 2^16 sums": given("count", {
    longest: 64,
    sums: 2 ** 16,
    instances: 5000,
    targets: 5000,
  }),
  "smallest sets in 1 GiB": given("smallest", { longest: 64, sums: 6e7, tiles: 1 }),
  "smallest sets in 256 MiB": given("smallest", { longest: 10_000, sums: 2 ** 17 }),
  "meeting in the middle of 32 items": given("meet", { longest: 32 }),
  "meeting of 32 items for 1000 targets": given("meet", { longest: 32, targets: 1000 }),
  "meeting of 1000 instances of 32 items": given("meet", { longest: 32, instances: 1000, targets: 1000 }),
  "meeting of 44 items": given("meet", { longest: 44 }),
  "meeting of 44 items for the fewest": given("meet", { longest: 44, fewest: 1 }),
  "knapsacks in 1 GiB": given("knapsack", { longest: 1000, sums: 7e6, tiles: 1 }),
  "2000 knapsacks": given("knapsack", { longest: 300, sums: 10_000, instances: 2000, targets: 2000 }),
  "meeting of 48 items": given("meet", { longest: 48, targets: 3 }),
  "a demand on 10,000 products of 8 bits": prune(10_000, 10_000 * 2 ** 15, 0, 1),
  "smallest subsets of 500 products of 8 bits": prune(500, 500 * 2 ** 15, 1, 2),
  "2048 demands of usual width": prune(60, 60 * 2 ** 7, 0, 2048),
  "200 demands on 60 products of 8 bits": prune(60, 60 * 2 ** 15, 0, 200),
  "2^20 trials of 64 magnitudes up to 2^6": signs(64, 2 ** 6, 2 ** 20),
  "2^16 trials of 64 magnitudes up to 2^12": signs(64, 2 ** 12, 2 ** 16),
  "2^30 products": forward(2 ** 12, 2 ** 10, 2 ** 8, 0),
  "2^30 products of two words": forward(2 ** 12, 2 ** 10, 2 ** 8, 1),
  "2^30 products of one row": forward(2 ** 10, 2 ** 20, 1, 0),
  "2^20 inputs of one column": forward(2 ** 20, 1, 1, 1),
};

/** What the longest dispatch of a launch does, in units of its kernel, and what its longest invocation does. */
interface Longest {
  readonly units: number;
  readonly chain: number;
  /** Nanoseconds that a slow GPU takes for a unit, and that a single invocation takes. */
  readonly nanoseconds: readonly [device: number, invocation: number];
}

/**
 * Nanoseconds of a unit. Memory of 30 GB/s moves the words of an update in storage, for which an invocation waits twice, 0.4 us
 * each. An update in workgroup memory, or a product, takes a few operations at 0.5e12 a second, for an invocation at 4 ns each.
 */
const wordTimes = (isStored: boolean): Longest["nanoseconds"] => (isStored ? [0.3, 800] : [0.04, 80]);
const PROBE: Longest["nanoseconds"] = [0.5, 800];

/** The dispatches up to the first scan of a target, which also shows how a finish is cut. */
function dispatchesOf(launch: Launch): (readonly number[])[] {
  const seen: (readonly number[])[] = [];
  for (const words of launch.dispatches()) {
    seen.push(words);
    if (launch.variant !== "tiles" || words[1] === SCAN) break;
  }
  return seen;
}
/** The parts of a phase of `tiles`. */
const partsOf = (dispatches: readonly (readonly number[])[], phase: number): number =>
  dispatches.findLast(([, kind]) => kind === phase)![4]!;
const STEP = 1;
const SCAN = 2;

const most = <T>(list: readonly T[], value: (item: T) => number) =>
  list.reduce((greatest, item) => Math.max(greatest, value(item)), 0);

function longestReach(
  { params }: WorkOf<"reach">,
  { variant, constants, workgroups }: Launch,
  first: readonly number[],
) {
  const { itemsTo, halfRange } = params;
  // Sums of all items, or half of them and M more, as bits.
  const bits = Math.min(itemsTo * halfRange, (itemsTo * halfRange) / 2 + halfRange);
  const words = Math.ceil(bits / 32);
  const lanes =
    { workgroup: constants.WIDTH!, storage: constants.WIDTH!, subgroup: 8 }[variant as string] ?? 1;
  const count = first[1]! - first[0]!;
  const turns = Math.ceil(count / ((workgroups * constants.WIDTH!) / lanes));
  return {
    units: count * itemsTo * words,
    chain: turns * itemsTo * Math.ceil(words / lanes),
    nanoseconds:
      lanes === 1 || variant === "subgroup" ? ([0.02, 40] as const) : wordTimes(variant === "storage"),
  };
}

function longestTable(
  { kernel, params }: WorkOf<"witness" | "count" | "smallest" | "knapsack">,
  { variant, constants, workgroups, workgroupRows }: Launch,
  dispatches: readonly (readonly number[])[],
) {
  const cells = kernel === "count" ? params.sums : Math.ceil(params.sums / 32);
  // A count has two words, and two rows are read; a word of sizes stands for 32, and one of profits for 32 of two words.
  const weight = { witness: 1, count: 2, smallest: 32, knapsack: 64 }[kernel];
  const width = constants.WIDTH!;
  const isStored = variant === "storage" || variant === "tiles";
  const masks = kernel !== "count" && (!("masks" in params) || params.masks === 1);
  const perTarget = masks ? params.longest : 0;
  const targets = params.targets / params.instances;
  if (variant === "tiles") {
    const [steps, scans] = [partsOf(dispatches, STEP), partsOf(dispatches, SCAN)];
    const lanes = width * workgroups;
    // The prefixes of a word have 16 words, all of which may be written at the same step.
    const written = weight * (kernel === "witness" && masks ? 17 : 1);
    return {
      units: workgroupRows * Math.max((written * cells) / steps, (targets * perTarget) / scans),
      chain: Math.max(
        written * Math.ceil(cells / (steps * lanes)),
        Math.ceil(targets / (lanes * scans)) * perTarget,
      ),
      nanoseconds: wordTimes(true),
    };
  }
  const lanes = variant === "thread" ? 1 : width;
  const teams = variant === "thread" ? workgroups * width : workgroups;
  const chain = params.longest * weight * Math.ceil(cells / lanes) + Math.ceil(targets / lanes) * perTarget;
  return {
    units: params.instances * params.longest * weight * cells,
    chain: Math.ceil(params.instances / teams) * chain,
    nanoseconds: wordTimes(isStored),
  };
}

function longestMeet(
  { params }: WorkOf<"meet">,
  { variant, constants, workgroups, workgroupRows }: Launch,
  dispatches: readonly (readonly number[])[],
) {
  const lower = constants.LOWER!;
  const upper = params.longest - lower;
  const lanes = constants.WIDTH! * (variant === "tiles" ? workgroups : 1);
  const probes = (3 + 2 * params.fewest) * lower * 2 ** upper;
  if (variant !== "tiles") {
    const all = (params.targets / params.instances) * probes;
    return {
      units: params.instances * all,
      chain: Math.ceil(params.instances / workgroups) * Math.ceil(all / lanes),
      nanoseconds: [PROBE[0], 80] as const,
    };
  }
  const steps = (2 * lower * 2 ** Math.max(lower - 1, 0)) / partsOf(dispatches, STEP);
  const scans = probes / partsOf(dispatches, SCAN);
  const results = workgroups * partsOf(dispatches, SCAN);
  return {
    units: workgroupRows * Math.max(steps, scans),
    chain: Math.max(Math.ceil(Math.max(steps, scans) / lanes), results),
    nanoseconds: PROBE,
  };
}

function longestPrune(
  { params }: WorkOf<"prune">,
  { variant, constants, workgroups }: Launch,
  first: readonly number[],
) {
  const cells = params.sparse ? params.sums : Math.ceil(params.sums / 32);
  const demands = first[1]! - first[0]!;
  return {
    units: demands * params.group * cells,
    chain: Math.ceil(demands / workgroups) * params.group * Math.ceil(cells / constants.WIDTH!),
    nanoseconds: wordTimes(variant === "storage"),
  };
}

function longestTail(
  { params }: WorkOf<"tail">,
  { variant, constants, workgroups }: Launch,
  first: readonly number[],
) {
  // A count has the size of two words of a row, and there are 64 counts for every word of bits.
  const cells = params.items * params.halfRange;
  const trials = first[1]! - first[0]!;
  return {
    units: trials * params.items * cells,
    chain: Math.ceil(trials / workgroups) * params.items * Math.ceil(cells / constants.WIDTH!),
    nanoseconds: wordTimes(variant === "storage"),
  };
}

function longestForward(
  { params }: WorkOf<"forward">,
  { constants, workgroups }: Launch,
  first: readonly number[],
) {
  const across = constants.ACROSS! * 4;
  const columns = first[1]! - first[0]!;
  const width = columnsOf(params) * params.group;
  return {
    units: Math.min(columns * across, params.samples * params.points) * params.rows * width,
    chain: Math.ceil(columns / workgroups) * width * 16,
    nanoseconds: params.wide ? ([0.12, 64] as const) : ([0.012, 6] as const),
  };
}

function longestPool(
  { params }: WorkOf<"pool">,
  { constants, workgroups }: Launch,
  first: readonly number[],
) {
  const blocks = first[1]! - first[0]!;
  return {
    units: blocks * constants.WIDTH! * params.taps,
    chain: Math.ceil(blocks / workgroups) * params.taps,
    nanoseconds: params.wide ? ([0.5, 500] as const) : ([0.25, 250] as const),
  };
}

function longestOf(work: Work, launch: Launch): Longest {
  const dispatches = dispatchesOf(launch);
  const first = dispatches[0]!;
  if (work.kernel === "reach") return longestReach(work, launch, first);
  if (work.kernel === "meet") return longestMeet(work, launch, dispatches);
  if (work.kernel === "prune") return longestPrune(work, launch, first);
  if (work.kernel === "tail") return longestTail(work, launch, first);
  if (work.kernel === "forward") return longestForward(work, launch, first);
  if (work.kernel === "pool") return longestPool(work, launch, first);
  return longestTable(work, launch, dispatches);
}

/** Milliseconds of the longest dispatch on a slow GPU. */
function millisecondsOf(work: Work, launch: Launch): number {
  const { units, chain, nanoseconds } = longestOf(work, launch);
  return Math.max(units * nanoseconds[0], chain * nanoseconds[1]) / 1e6;
}

/** The launches of every variant, forced one after the other, and those that are chosen by themselves. */
const everyLaunch = (work: Work, device: DeviceProfile) =>
  [undefined, ...variantsOf(work.kernel)].flatMap((variant) => launchesOf(work, device, variant));

describe("Longest dispatch", () => {
  test.each([100, 8])("No launch of an extreme request has a dispatch of more than %i ms", (limit) => {
    const longest = Object.entries(extremes).map(([name, work]) => {
      const launches = profiles(limit).flatMap((device) => everyLaunch(work, device));
      return [name, most(launches, (launch) => millisecondsOf(work, launch))] as const;
    });
    // Two estimates of the same dispatch differ by no more than half.
    expect(longest.filter(([, milliseconds]) => milliseconds > 1.5 * limit)).toEqual([]);
  });

  test("Without the limit, requests of every kernel would take too long", () => {
    const patient = profiles(Infinity);
    const long = Object.values(extremes).flatMap((work) =>
      patient.flatMap((device) =>
        everyLaunch(work, device)
          .filter((launch) => millisecondsOf(work, launch) > 100)
          .map(({ variant }) => `${work.kernel}.${variant}`),
      ),
    );
    expect([...new Set(long)].toSorted()).toEqual([
      "count.storage",
      "forward.packed",
      "forward.workgroup",
      "knapsack.storage",
      "meet.storage",
      "meet.tiles",
      "prune.storage",
      "reach.storage",
      "reach.subgroup",
      "reach.thread",
      "reach.wave",
      "reach.workgroup",
      "smallest.storage",
      "tail.storage",
      "witness.storage",
      "witness.tiles",
      "witness.workgroup",
    ]);
  });

  test("Requests that no GPU serves in time have no launch, and all others have one", () => {
    const refused = (limit: number) =>
      Object.entries(extremes)
        .filter(([, work]) => launchesOf(work, profile(32, 32, 4, limit)).length === 0)
        .map(([name]) => name);
    expect(refused(100)).toEqual([
      "a trial of M = 2^20",
      "a trial of M = 2^22 - 1",
      "a demand on 10,000 products of 8 bits",
      "smallest subsets of 500 products of 8 bits",
      "2^30 products of one row",
    ]);
    expect(refused(8)).toEqual([
      "a trial of M = 2^17",
      "10,000 trials of M = 2^19",
      "a trial of M = 2^20",
      "a trial of M = 2^22 - 1",
      "a million targets",
      "a demand on 10,000 products of 8 bits",
      "smallest subsets of 500 products of 8 bits",
      "200 demands on 60 products of 8 bits",
      "2^16 trials of 64 magnitudes up to 2^12",
      "2^30 products of one row",
    ]);
    expect(refused(Infinity)).toEqual([]);
  });

  test("A submission takes at most 100 ms and has at most 32 dispatches", () => {
    const of = (milliseconds: number, fallback?: Launch["fallback"]) =>
      dispatchesPerSubmission({ milliseconds, ...(fallback && { fallback }) });
    const fallback = { source: "", constants: {}, workgroups: 1, workgroupRows: 1 };
    expect([100, 60, 50, 30, 4, 3, 0].map((milliseconds) => of(milliseconds))).toEqual([
      1, 1, 2, 3, 25, 32, 32,
    ]);
    expect([60, 30, 10].map((milliseconds) => of(milliseconds, fallback))).toEqual([1, 1, 5]);
  });
});

describe("Work in parts", () => {
  /** Instances whose steps have thousands of words. */
  const bigItems = [30_011, 41_003, -52_009, 63_029, 74_017, 250_007, 1, 2, 390_001];
  const instances: GivenBatch["instances"] = [
    {
      items: bigItems,
      targets: [[74_018, 74_018, 74_018]],
    },
    { items: [450_001, 450_001, -2], targets: [[9, 450_000, 1000]] },
  ];
  const few: GivenBatch["instances"] = [
    {
      items: [3001, -5000, 8009, 13_001, 4000, 7, 9000, 2, 1],
      targets: [
        [12_001, 12_001, 12_001],
        [0, 9000, 31],
      ],
    },
  ];
  const halves: GivenBatch["instances"] = [
    {
      items: Array.from({ length: 34 }, (_, i) => (i + 3) ** 5),
      targets: [
        [10, 1e7, 1e6],
        [0, 7, 3],
      ],
    },
  ];
  const demands = 1500;
  const layer = forward(2500, 3, 5, 0);
  const works: Readonly<Record<string, [Work, Launch["variant"]]>> = {
    reach: [trials("rssp", 9, 6, 3000), "workgroup"],
    witness: [batchWords({ kernel: "witness", instances }), "tiles"],
    count: [batchWords({ kernel: "count", instances: few }), "tiles"],
    smallest: [batchWords({ kernel: "smallest", instances: [exactly(bigItems, 420_015)] }), "tiles"],
    meet: [batchWords({ kernel: "meet", instances: halves }), "tiles"],
    prune: [
      {
        ...prune(9, 40, 0, demands),
        params: { ...prune(9, 40, 0, demands).params, range: 4, bits: 2 },
        inputs: {
          values: Int32Array.of(-2, -1, 1, 2),
          demands: Int32Array.from(
            { length: 4 * demands },
            (_, i) => [9 * (i >> 2), i, ((i >> 2) % 7) - 3, 1 - (i & 4) / 2][i % 4]!,
          ),
        },
      },
      "workgroup",
    ],
    tail: [signs(3, 5, 600), "workgroup"],
    forward: [
      {
        ...layer,
        inputs: {
          places: densePlaces(),
          inputs: Int32Array.from({ length: 7500 }, (_, i) => (i % 11) - 5),
          units: Int32Array.of(1, -2, 1),
          weights: Int32Array.from({ length: 15 }, (_, i) => (i % 7) - 3),
        },
      },
      "workgroup",
    ],
  };
  let cpu: Runner;
  beforeAll(async () => void (cpu = await cpuRunner(1, startThread)));
  afterAll(() => cpu.close());

  for (const [kernel, [work, variant]] of Object.entries(works))
    test(
      `Kernel ${kernel} answers the same words when its work is cut into shorter dispatches`,
      // The other kernels share the dispatches of one of these.
      ["reach", "witness", "forward"].includes(kernel) ? {} : { tags: ["wide"] },
      async () => {
        const language = await testLanguage();
        const device = await testProfile();
        const [whole] = launchesOf(work, device, variant);
        const maxDispatchMilliseconds = whole!.milliseconds / 1.3;
        const [cut] = launchesOf(work, { ...device, maxDispatchMilliseconds }, variant);
        expect([...cut!.dispatches()].length).toBeGreaterThan([...whole!.dispatches()].length);
        const runner = await gpuRunner(
          tampered(sharedAdapter, (gpu) => poisonStorage(gpu, 0xdeadbeef)),
          { variant, language, maxDispatchMilliseconds },
        );
        const [{ words }, expected] = await Promise.all([runner.run(work), cpu.run(work)]);
        runner.close();
        expect([...words]).toEqual([...expected.words]);
      },
    );
});
