// tail on a GPU: one trial per workgroup, its sums and counts in workgroup memory or in scratch memory.

import type { WorkOf } from "../../../src/plan.ts";
import storage from "../../../shaders/tail/storage.wesl?wgsl";
import workgroup from "../../../shaders/tail/workgroup.wesl?wgsl";
import { BARRIER_OPERATIONS, operationsOf, type Cost } from "../cost.ts";
import {
  inScratchMemory,
  inWorkgroupMemory,
  maxWorkgroupWords,
  rangeDispatches,
  workgroupSize,
  type DeviceProfile,
  type GpuKernel,
  type Launch,
  type Placement,
} from "../launch.ts";
import { sampleTail } from "./sample.ts";

/** Words of the magnitudes of a trial, whatever their number. */
const ITEM_WORDS = 160;

/** The smallest table, in words. Tables are powers of two of words, so that few pipelines are compiled. */
const MIN_TABLE_WORDS = 1024;

/** The most sums of one half, the words of a row of bits, and those of the table: two rows of bits and two of counts. */
function tableOf({ params: { items, halfRange } }: WorkOf<"tail">) {
  const mostHalf = (items * halfRange) >> 1;
  const rowWords = ((mostHalf + halfRange) >> 5) + 1;
  const needed = ITEM_WORDS + 2 * rowWords + 4 * (mostHalf + 1);
  const words = Math.max(2 ** Math.ceil(Math.log2(needed)), MIN_TABLE_WORDS);
  return { mostHalf, rowWords, needed, words };
}

function inWorkgroup(work: WorkOf<"tail">, device: DeviceProfile): Placement | undefined {
  const { needed, words } = tableOf(work);
  return inWorkgroupMemory(
    Math.max(Math.min(words, maxWorkgroupWords(device)), needed),
    work.params.count,
    device,
  );
}

/** A word of a row of bits reads three words and writes one; a count reads four words and writes two. */
const WORD = { operations: 20, accesses: 4 };
const COUNT = { operations: 24, accesses: 6 };
/** One invocation notes the holes of a word of bits. A count is added where p fails, after looks at bits and notes. */
const NOTE = { operations: 12, accesses: 2 };
const LOOK = { operations: 40, accesses: 4 };
const DRAW_OPERATIONS = 200;
/** A remainder of a magnitude, for a divisor or for the greatest common divisor. */
const REMAINDER = { operations: 40, accesses: 1 };

function costOf(
  work: WorkOf<"tail">,
  { variant, workgroups }: Placement,
  size: number,
  trials: number,
): Cost {
  const { items, divisors, targets, residues } = work.params;
  const { mostHalf, rowWords } = tableOf(work);
  const inStorage = variant === "storage";
  const perItem =
    Math.ceil(rowWords / size) * operationsOf(WORD, inStorage) +
    residues * Math.ceil(mostHalf / size) * operationsOf(COUNT, inStorage) +
    (1 + residues) * BARRIER_OPERATIONS;
  const chain =
    Math.ceil(items / size) * DRAW_OPERATIONS +
    items * (1 + Math.ceil(divisors / size)) * operationsOf(REMAINDER, inStorage) +
    items * perItem +
    rowWords * operationsOf(NOTE, inStorage) +
    residues * Math.ceil(mostHalf / size) * (1 + targets) * operationsOf(LOOK, inStorage);
  return {
    operations: trials * size * chain,
    chain: Math.ceil(trials / Math.max(workgroups, 1)) * chain,
  };
}

function launchAt(
  work: WorkOf<"tail">,
  device: DeviceProfile,
  placement: Placement | undefined,
  source: string,
): Launch[] {
  if (!placement) return [];
  const { words, ...rest } = placement;
  const size = workgroupSize(tableOf(work).words / 4, device);
  return [
    {
      ...rest,
      source,
      constants: { WIDTH: size, WORDS: words },
      ...rangeDispatches(device, work.params.count, (trials) => costOf(work, placement, size, trials)),
    },
  ];
}

export const tail: GpuKernel<"tail"> = {
  unitParam: "count",
  tuningParams: ["items", "halfRange", "targets"],
  variants: [
    {
      name: "workgroup",
      launches: (work, device) => launchAt(work, device, inWorkgroup(work, device), workgroup),
    },
    {
      name: "storage",
      lastResort: true,
      launches: (work, device) =>
        launchAt(work, device, inScratchMemory(tableOf(work).words, work.params.count, device), storage),
    },
  ],
  sample: sampleTail,
};
