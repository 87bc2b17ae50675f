// Estimates how long a dispatch takes on a slow GPU. A dispatch cannot be interrupted: while it runs the screen may stand still,
// and a driver ends one that takes seconds, with the device. So launches cut their work by these estimates.

/** What a dispatch does, in operations. An addition is one; `STORAGE_OPERATIONS` says what an access of storage counts. */
export interface Cost {
  /** Operations of all invocations together. An invocation that waits for others of its workgroup counts as they do. */
  readonly operations: number;
  /** Operations of the longest invocation, one after another. */
  readonly chain: number;
}

/** What one cell of a table costs: operations, and words of the table that are read or written. */
export interface CellCost {
  readonly operations: number;
  readonly accesses: number;
}

/**
 * The yardstick is a GPU of 0.5 TFLOP/s. A workgroup has one of its eight compute units, which interleaves 256 invocations, so
 * that a chain is slower by both factors.
 */
const OPERATIONS_PER_MS = 5e8;
const CHAIN_OPERATIONS_PER_MS = OPERATIONS_PER_MS / 8 / 256;
/** Operations in the time that memory of 30 GB/s takes to move a word, which the caches do not have. */
const STORAGE_OPERATIONS = 64;
/** A barrier, for every invocation that waits at it. */
export const BARRIER_OPERATIONS = 64;

/** The longest dispatch, in estimated milliseconds, unless the host asks for shorter ones. */
export const MAX_DISPATCH_MS = 100;

/** The milliseconds of a dispatch on the yardstick. */
export const millisecondsOf = ({ operations, chain }: Cost): number =>
  Math.max(operations / OPERATIONS_PER_MS, chain / CHAIN_OPERATIONS_PER_MS);

/** The operations of a cell, in workgroup memory or in storage. */
export const operationsOf = ({ operations, accesses }: CellCost, inStorage: boolean): number =>
  operations + (inStorage ? STORAGE_OPERATIONS * accesses : 0);

/** The cost of `times` cells. */
export const timesCost = (times: number, { operations, accesses }: CellCost): CellCost => ({
  operations: times * operations,
  accesses: times * accesses,
});

/** The most parts that a dispatch is cut into. */
const MAX_PARTS = 2 ** 12;
/** The factor by which the number of parts is raised until they are short enough. */
const PARTS_GROWTH = 1.25;

/** The number of parts into which a dispatch is cut so that none is estimated to take more than `most` milliseconds. */
export function partsWithin(most: number, costOfPart: (parts: number) => Cost): number {
  let parts = 1;
  while (parts < MAX_PARTS && millisecondsOf(costOfPart(parts)) > most)
    parts = Math.ceil(PARTS_GROWTH * parts);
  return parts;
}

/** How many of `units` units a dispatch may process to take at most `most` milliseconds; at least 1. */
export function unitsWithin(most: number, units: number, costOf: (units: number) => Cost): number {
  let [low, high] = [1, Math.max(units, 1)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (millisecondsOf(costOf(middle)) <= most) low = middle;
    else high = middle - 1;
  }
  return low;
}
