// Bounds of the throughput of `reach`, from the loops that a compiler made and from how often simulated trials run them.
//
// A bound is what the busiest pipe allows if every wait is hidden. Waits, memory, and the fallback pass are not in it.

import type { Plan } from "../../src/plan.ts";
import { add, allLoops, type Counts, type Instruction, type Loop } from "./loops.ts";
import { Lockstep } from "./trials.ts";

/** A GPU whose throughput is computed. */
export interface Gpu {
  readonly name: string;
  /** The vendor whose counts it takes. */
  readonly counts: "amd" | "nvidia";
  /** Whether its own compiler made the counts; otherwise the result is an estimate. */
  readonly own: boolean;
  /** Trials in a second of waves that issue these counts for `trials` trials, with `lanes` lanes each. */
  readonly rate: (counts: Counts, trials: number, lanes: number) => number;
}

/**
 * The clocks that a warp keeps the pipes of a sub-partition of an SM busy. ALU and IMAD have 16 lanes, XU has 4, and the LSU with
 * 32 lanes serves four sub-partitions.
 */
export const warpClocks = ({ issued = 0, alu = 0, imad = 0, xu = 0, lsu = 0 }: Counts): Counts => ({
  issue: issued,
  ALU: 2 * alu,
  IMAD: 2 * imad,
  XU: 8 * xu,
  LSU: 4 * lsu,
});

const busiest = (clocks: Counts): number => Math.max(...Object.values(clocks));

/** An NVIDIA GPU by its SMs, of four sub-partitions each, and its clock in Hz. */
const nvidia = (name: string, multiprocessors: number, hertz: number): Gpu => ({
  name,
  counts: "nvidia",
  own: true,
  rate: (counts, trials) => (4 * multiprocessors * hertz * trials) / busiest(warpClocks(counts)),
});

/** A GPU by the lanes of all its vector units and its clock in Hz. Workgroup memory serves half of the lanes in a clock. */
const lanewise = (name: string, lanesOfAll: number, hertz: number, own: boolean): Gpu => ({
  name,
  counts: "amd",
  own,
  rate: ({ slots = 0, ldsWords = 0 }, trials, lanes) =>
    (lanesOfAll * hertz * trials) / (lanes * Math.max(slots, own ? 2 * ldsWords : 0)),
});

const h100 = nvidia("H100", 132, 1.755e9);

export const gpus: readonly Gpu[] = [
  h100,
  {
    ...h100,
    name: "H100 without VIADD and VIMNMX",
    rate: ({ unlisted = 0, issued = 0, alu = 0, ...counts }, trials, lanes) =>
      h100.rate({ ...counts, issued: issued - unlisted, alu: alu - unlisted }, trials, lanes),
  },
  nvidia("RTX 4070 laptop", 36, 2.0e9),
  lanewise("RX 7900 XTX", 96 * 64, 2.4e9, true),
  lanewise("Apple M2", 1280, 1.4e9, false),
  lanewise("Iris Xe", 96 * 8, 1.3e9, false),
];

/** The parts of a trial that its loops do. */
type Role = "trial" | "draw" | "slice" | "plan" | "sum" | "clear" | "item" | "step" | "count" | "target";

export interface Roles {
  readonly trial: Loop;
  /** The loops of a trial, those inside first. A loop with no known part is absent. */
  readonly of: ReadonlyMap<Loop, Role>;
}

/** Exclusive ors of one call of Threefry are 20. */
const THREEFRY_XORS = 12;

const done = ({ does }: Loop, name: string): number => does[name] ?? 0;
const draws = (loop: Loop): boolean =>
  [...allLoops([loop])].some((inside) => done(inside, "xors") >= THREEFRY_XORS);

const isLeaf = ({ inner }: Loop): boolean => inner.length === 0;
/** Whether a loop shifts and merges words of a bitset in workgroup memory. */
const isStep = (loop: Loop): boolean =>
  isLeaf(loop) && done(loop, "loads") > 0 && done(loop, "stores") > 0 && done(loop, "shuffles") === 0;

/** Tells the loops of a shader of `reach` by what they do; undefined where none draws trials. */
export function rolesOf(loops: readonly Loop[]): Roles | undefined {
  const trial = loops.find(draws);
  if (!trial) return undefined;
  const of = new Map<Loop, Role>([[trial, "trial"]]);
  // Without steps inside, the bitset is in registers, and the items are all that is read.
  const item =
    trial.inner.find((loop) => !draws(loop) && loop.inner.some(isStep)) ??
    trial.inner.find(
      (loop) => isLeaf(loop) && done(loop, "loads") > 0 && done(loop, "ones") + done(loop, "atomics") === 0,
    );
  for (const loop of trial.inner) {
    if (draws(loop)) {
      of.set(loop, "draw");
      for (const slice of loop.inner) if (done(slice, "stores") > 0) of.set(slice, "slice");
    } else if (loop === item) {
      of.set(loop, "item");
      for (const inside of loop.inner) of.set(inside, isStep(inside) ? "step" : laterRole(inside));
    } else if (done(loop, "ones") > 0 && done(loop, "loads") > 0 && isLeaf(loop)) of.set(loop, "count");
    else if (done(loop, "atomics") > 0) of.set(loop, "target");
    else if (loop.inner.length > 0) {
      of.set(loop, "plan");
      for (const inside of loop.inner) if (done(inside, "loads") > 0) of.set(inside, "sum");
    } else if (done(loop, "stores") > 0 && done(loop, "loads") === 0) of.set(loop, "clear");
    else if (isLeaf(loop) && done(loop, "loads") > 0) of.set(loop, "sum");
  }
  return { trial, of };
}

const laterRole = (loop: Loop): Role =>
  done(loop, "ones") > 0 && done(loop, "atomics") === 0 ? "count" : "target";

/** A shader of `reach` as the model sees it. */
export interface Shape {
  readonly plan: Plan;
  /** The lanes of a wave. */
  readonly lanes: number;
  /** The invocations that share a trial. */
  readonly perTrial: number;
}

const SAMPLE_LANES = 2 ** 13;
/** The words that an invocation updates in a step, in the source of `thread`, and where invocations share a trial. */
const STEP_WORDS = { own: 4, shared: 3 };

/** What a wave issues while it processes its trials, or the reason why the model cannot tell. */
export function waveCounts(
  code: readonly Instruction[],
  loops: readonly Loop[],
  { plan, lanes, perTrial }: Shape,
): Counts | string {
  const roles = rolesOf(loops);
  if (!roles) return "no loop draws trials";
  const found = [...roles.of].map(([loop, role]) => ({ loop, role }));
  const item = found.find(({ role }) => role === "item")?.loop;
  if (!item) return "the loop over items is unrolled";
  const step = found.find(({ role }) => role === "step")?.loop;
  if (!step && done(item, "stores") > 0) return "the steps of an item are unrolled";
  const { itemsTo: items, bits } = plan.params;
  const isShared = perTrial > 1;
  /** Waves of a trial, or 1 where a wave has several trials. */
  const waves = Math.max(perTrial / lanes, 1);
  const trials = isShared
    ? Lockstep.of(plan, 1, Math.ceil(SAMPLE_LANES / 16), "ascending")
    : Lockstep.of(plan, lanes, Math.ceil(SAMPLE_LANES / lanes), "small first");
  const stepWords = STEP_WORDS[isShared ? "shared" : "own"];
  /** How often a wave draws and plans, where each of its lanes has an item. */
  const planners = Math.ceil(items / lanes) / waves;
  const perBlock = 2 * Math.floor(32 / bits);
  let hasTarget = false;
  /**
   * Iterations of a loop that accesses `total` words, while the loop around it has `times` iterations. Where a compiler unrolled
   * it, the loop around it has copies of a single turn for the turns that are left.
   */
  function unrolled(
    loop: Loop,
    around: Loop,
    access: "loads" | "stores",
    unit: number,
    total: number,
    times = 1,
  ) {
    const own = done(loop, access);
    const beside = Math.max(Math.min(done(around, access), own - unit), 0);
    return (total - beside * times) / own;
  }
  const iterations = (loop: Loop, role: Role): number => {
    const words = (name: string) => Math.max(done(loop, name), 1) * perTrial;
    switch (role) {
      case "trial":
        return 1;
      case "draw":
        // Of a trial that lanes share, each draws an item.
        return isShared ? planners : Math.ceil(items / perBlock);
      case "slice": {
        const blocks = Array.from({ length: Math.ceil(items / perBlock) }, (_, block) =>
          Math.min(items - block * perBlock, perBlock),
        );
        return blocks.reduce((sum, slices) => sum + Math.ceil(slices / Math.max(done(loop, "stores"), 1)), 0);
      }
      case "plan":
        return planners;
      case "sum": {
        // Every invocation that has an item reads all of them.
        const around = found.find(({ loop: outer }) => outer.inner.includes(loop))!.loop;
        return planners * unrolled(loop, around, "loads", 1, items);
      }
      case "clear":
        return isShared
          ? unrolled(loop, roles.trial, "stores", stepWords, trials.clears(stepWords * perTrial) * stepWords)
          : trials.clears(words("stores"));
      case "item":
        // A loop whose items are in workgroup memory may enter several in an iteration.
        return step ? items : items / Math.max(done(loop, "loads"), 1);
      case "step":
        return unrolled(
          loop,
          item,
          "stores",
          stepWords,
          trials.updates(stepWords * perTrial) * stepWords,
          items,
        );
      case "count":
        return trials.counts(words("ones"));
      default: {
        // The model has one target. A compiler may make two loops of one, for two cases of a condition.
        const times = hasTarget ? 0 : 1;
        hasTarget = true;
        return times;
      }
    }
  };
  let counts: Counts = {};
  for (const { loop, role } of found) counts = add(counts, loop.issues, iterations(loop, role));
  // Of a trial that lanes share, the loop over items also counts, but for one number of items alone.
  if (isShared && step) counts = add(counts, countingOf(code, item, step, roles), 1 - items);
  return counts;
}

/**
 * What the loop over items issues to count, without inner loops: the instructions that a branch skips together with the loops
 * that count, but not with the steps.
 */
function countingOf(code: readonly Instruction[], item: Loop, step: Loop, { of }: Roles): Counts {
  const counting = item.inner.filter((loop) => of.get(loop) === "count" || of.get(loop) === "target");
  if (counting.length === 0) return {};
  const from = Math.min(...counting.map(({ first }) => first));
  const to = Math.max(...counting.map(({ last }) => last));
  const isInside = (at: number) => item.inner.some(({ first, last }) => first <= at && at <= last);
  const skips = code.flatMap(({ target = -1 }, at) =>
    item.first <= at && at < from && to < target && target <= item.last + 1 && !isInside(at)
      ? [{ at, target }]
      : [],
  );
  const [widest] = skips
    .filter(({ at, target }) => step.last < at || target <= step.first)
    .toSorted((a, b) => b.target - b.at - (a.target - a.at));
  let counts: Counts = {};
  for (let at = (widest?.at ?? from) + 1; at < (widest?.target ?? to); at++)
    if (!isInside(at)) counts = add(counts, code[at]!.issues);
  return counts;
}
