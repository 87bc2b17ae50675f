// What a variant of a kernel is: how work lies on a device.

import type { Work } from "../../src/plan.ts";

/**
 * `registers` and `subgroup` are for trials, `thread` for those and for given instances, `tiles` for given instances alone,
 * `packed` for forward passes.
 */
export const variantNames = [
  "registers",
  "thread",
  "subgroup",
  "packed",
  "workgroup",
  "storage",
  "tiles",
] as const;
export type VariantName = (typeof variantNames)[number];

/** What not every device has: operations between the lanes of a subgroup, products of packed bytes. */
export type Feature = "subgroups" | "packed";

/** What a device allows and likes. */
export interface Room {
  readonly limits: GPUSupportedLimits;
  /** Invocations that run in step. */
  readonly subgroup: number;
  /** The fewest that may do so; by default as many. */
  readonly narrowest?: number;
  readonly features: ReadonlySet<Feature>;
  /** What is taken for enough places for nearly every trial of `reach`: for tests, which show that it changes nothing. */
  readonly places?: number | undefined;
}

/** A shader with its constants, and how many workgroups of it are dispatched. */
export interface Program {
  readonly source: string;
  readonly constants: Record<string, number>;
  /** Workgroups of a dispatch, in x and in y. Each takes its trials or instances in turns where there are more of them. */
  readonly groups: number;
  readonly rows: number;
}

/** A variant fitted to work and a device. */
export interface Shape extends Program {
  readonly name: VariantName;
  /** Bytes of storage for all workgroups, or 0. */
  readonly slabBytes: number;
  /** The dispatches: what each of them is told, in words. */
  readonly phases: () => Iterable<readonly number[]>;
  /** Follows every dispatch and does what that one marked in the storage as left, which holds zeros at first. */
  readonly rest?: Program;
}

/** Fits a variant to work and a device: in several ways, the likeliest first; in none where it has no room. */
type Fit = (work: Work, room: Room) => Shape | readonly Shape[] | undefined;
/** The variants of a kernel. */
export type Fits = Partial<Record<VariantName, Fit>>;

/** Storage for all the tables of a dispatch, and workgroups that have one: enough to fill a device, small enough for any. */
export const SLAB_BYTES = 2 ** 28;
export const SLAB_GROUPS = 2 ** 10;
/** What workgroups keep in their memory beside a table. */
export const GROUP_BYTES = 512;

/** One dispatch, told nothing. */
export const once = () => [[]];

/** Enough invocations for the words of a bitset, in whole subgroups, at most 256. */
export function groupWidth(words: number, subgroup: number, limits: GPUSupportedLimits): number {
  const most = Math.min(
    8 * subgroup,
    256,
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
  );
  let width = Math.min(subgroup, most);
  while (width < most && 4 * width < words) width *= 2;
  return width;
}

/** At least so many, of few numbers there are: what is compiled for one table then serves others. */
export function roomy(words: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(words)) - 2, 0);
  return Math.ceil(words / step) * step;
}
