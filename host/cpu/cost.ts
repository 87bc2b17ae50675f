// Bounds how long a piece of work may take on a thread. A thread that takes longer hangs.

import { reachCapacity } from "../../src/kernels/reach.ts";
import { columnsOf } from "../../src/kernels/forward.ts";
import type { KernelName, ParamsOf } from "../../src/kernels/index.ts";
import type { Work, WorkOf } from "../../src/plan.ts";

/**
 * Operations a millisecond of a thread that is slower than any that works: a desktop has ten times as many. It may share its core
 * with other threads, and run code that is not optimized yet. Work of `reach`, `witness`, `count`, `smallest` and `forward` took
 * at most a seventh of its limit, without SHORTEST_LIMIT_MS, on two cores with 20 busy threads (measured).
 */
const OPERATIONS_PER_MS = 1e5;
/** Milliseconds for everything that does not grow with the work. */
const SHORTEST_LIMIT_MS = 10_000;

// Operations, about a nanosecond each on a desktop.
/** An item is drawn, or read backwards for a mask. */
const ITEM = 64;
/** A word of a bitset, or a target, is updated or counted. */
const WORD = 1;
/** An entry of a table is updated: a sum's number of index sets, or its least size. */
const ENTRY = 2;
/** The item after which a sum was first reached is noted. */
const NOTE = 32;
/** A sum of a sorted list is merged, or compared with a target. */
const LISTED = 8;
/** A product is added to a sum; a hidden unit is computed, or an output. */
const PRODUCT = 4;
const NUMBER = 16;
/** Numbers that take as long as a quotient. */
const QUOTIENT = 8;
/** Values of a layer that `prune` draws at a time. */
const DRAWN_TOGETHER = 512;

const wordsOf = (bits: number): number => Math.ceil(bits / 32);

/** Operations of a table that goes through `cells` cells for each item and each target, and begins with as many. */
const rowOperations = (
  { instances, items, targets }: Pick<ParamsOf<"count">, "instances" | "items" | "targets">,
  cells: number,
): number => (instances + items + targets) * (cells + ITEM);

/** Operations of a row of a bitset. */
const bitsetOperations = (sums: number): number => WORD * (wordsOf(sums) + 1);

/** An upper bound of the operations of some work, by its kernel. Work of a kernel without a bound may take any time. */
const operations: { readonly [K in KernelName]?: (params: ParamsOf<K>) => number } = {
  reach(params) {
    const { count, itemsFrom, itemsTo, halfRange, targets } = params;
    const entering = ITEM + WORD * wordsOf(reachCapacity(params));
    const counting = ITEM + WORD * (wordsOf(2 * halfRange + 1) + targets);
    return count * (itemsTo * entering + (itemsTo - itemsFrom + 1) * counting);
  },
  witness(params) {
    const { instances, targets, longest, sums, masks } = params;
    // With masks, every sum is noted once.
    const noting = masks * (instances * NOTE * sums + targets * ITEM * longest);
    return rowOperations(params, bitsetOperations(sums)) + noting;
  },
  count: (params) => rowOperations(params, ENTRY * params.sums),
  smallest(params) {
    const { targets, longest, sums, masks } = params;
    return rowOperations(params, ENTRY * sums) + masks * targets * ITEM * longest;
  },
  knapsack: (params) => rowOperations(params, ENTRY * params.sums) + params.targets * ITEM * params.longest,
  // A list is merged in steps that double it. A target goes through both lists up to four times.
  meet: ({ instances, targets, longest }) =>
    (4 * instances + 8 * targets) * LISTED * 2 ** Math.ceil(longest / 2),
  prune({ demands, group, sums, sparse }) {
    const row = sparse ? ENTRY * sums : bitsetOperations(sums);
    return demands * (ITEM * (4 * group + 2 * DRAWN_TOGETHER) + (group + 2) * row + NOTE * sums);
  },
  tail({ count, items, halfRange, divisors, targets, residues }) {
    const sums = items * halfRange;
    const perItem = ITEM * (1 + divisors) + bitsetOperations(sums) + residues * ENTRY * sums;
    return count * (items * perItem + residues * (1 + targets) * LISTED * sums);
  },
  forward(params) {
    const { samples, pixels, channels, points, group, rows } = params;
    const hidden = columnsOf(params) * group;
    const point = hidden * (NUMBER + PRODUCT * rows) + NUMBER * rows;
    return samples * (NUMBER * pixels * channels + points * point) + PRODUCT * rows * hidden;
  },
  pool: ({ samples, channels, points, taps }) => samples * points * channels * NUMBER * (taps + QUOTIENT),
};

/** An upper bound of the operations of some work. */
const operationsOf = <K extends KernelName>({ kernel, params }: WorkOf<K>): number =>
  operations[kernel]?.(params) ?? Infinity;

/** The milliseconds after which a thread that has not answered some work is taken to hang. */
export const limitMilliseconds = (work: Work): number =>
  SHORTEST_LIMIT_MS + operationsOf(work) / OPERATIONS_PER_MS;
