// How long the dispatches of `reach` take by estimate, and how many trials each of them has.

import { reachCapacity, type ReachParams } from "../../../src/kernels/reach.ts";
import type { WorkOf } from "../../../src/plan.ts";
import { operationsOf, type CellCost, type Cost } from "../cost.ts";
import {
  rangeDispatches,
  type DeviceProfile,
  type Launch,
  type Variant,
  type VariantName,
} from "../launch.ts";

type ReachWork = WorkOf<"reach">;

/** A launch of trials that is not cut into dispatches yet. */
export type TrialLaunch = Omit<Launch, "milliseconds" | "dispatches">;
export type TrialVariant<K extends "reach"> = Variant<K, TrialLaunch>;

/** The most trials of one dispatch; their overflow bitmap takes 2 MiB. */
export const MAX_DISPATCH_TRIALS = 2 ** 24;

/** Drawing an item and entering it, without the words that it updates. */
const ITEM_OPERATIONS = 80;
/** The update of a word where one invocation has the trial, and where invocations share it. */
const OWN_UPDATE: CellCost = { operations: 10, accesses: 2 };
const SHARED_UPDATE: CellCost = { operations: 32, accesses: 2 };
/** Counting after an item: a word of the targets -M..M, a target that is asked for, and all else. */
const COUNT_WORD: CellCost = { operations: 6, accesses: 1 };
const COUNT_TARGET_OPERATIONS = 24;
const COUNT_OPERATIONS = 100;
/** Less than one trial of this number overflows a capacity, so that the fallback pass has it. */
const OVERFLOWING_TRIALS = 64;

/** Operations of the longest trial, of all invocations that share it. */
function trialOperations(params: ReachParams, isShared: boolean, inStorage: boolean): number {
  const { itemsFrom, itemsTo, halfRange, targets } = params;
  const update = operationsOf(isShared ? SHARED_UPDATE : OWN_UPDATE, inStorage);
  const counts =
    Math.ceil((2 * halfRange + 1) / 32 + 1) * operationsOf(COUNT_WORD, inStorage) +
    targets * COUNT_TARGET_OPERATIONS +
    COUNT_OPERATIONS;
  return (
    itemsTo * (ITEM_OPERATIONS + Math.ceil(reachCapacity(params) / 32) * update) +
    (itemsTo - itemsFrom + 1) * counts
  );
}

/** The invocations that share a trial. */
function sharersOf(variant: VariantName, width: number, { subgroupMinSize }: DeviceProfile): number {
  if (variant === "wave" || variant === "workgroup" || variant === "storage") return width;
  return variant === "subgroup" ? subgroupMinSize : 1;
}

/** The cost of `trials` trials, and that of those of them which the fallback pass processes, if there is one. */
function costOf(
  { params }: ReachWork,
  { variant, constants, workgroups, fallback }: TrialLaunch,
  device: DeviceProfile,
  trials: number,
): Cost {
  const of = (count: number, groups: number, width: number, sharers: number, inStorage: boolean): Cost => {
    const operations = trialOperations(params, sharers > 1, inStorage);
    const atOnce = Math.max((groups * width) / sharers, 1);
    return {
      operations: count * operations,
      chain: (Math.ceil(count / atOnce) * operations) / sharers,
    };
  };
  const width = constants.WIDTH!;
  const own = of(trials, workgroups, width, sharersOf(variant, width, device), variant === "storage");
  if (!fallback) return own;
  const fallbackWidth = fallback.constants.WIDTH!;
  const rest = of(
    Math.ceil(trials / OVERFLOWING_TRIALS),
    fallback.workgroups,
    fallbackWidth,
    fallbackWidth,
    false,
  );
  return {
    operations: Math.max(own.operations, rest.operations),
    chain: Math.max(own.chain, rest.chain),
  };
}

/** The variant with its trials cut into dispatches, none of which is longer than the device allows. */
export const inDispatches = (variant: TrialVariant<"reach">): Variant<"reach"> => ({
  ...variant,
  launches: (work, device) =>
    variant.launches(work, device).map((launch) => ({
      ...launch,
      ...rangeDispatches(
        device,
        work.params.count,
        (trials) => costOf(work, launch, device, trials),
        MAX_DISPATCH_TRIALS,
      ),
    })),
});
