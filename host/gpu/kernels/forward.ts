// forward on a GPU: a tile of inputs by outputs per workgroup, with one number to a word or, where numbers are small, four
// packed bytes that a single instruction multiplies and adds.

import type { WorkOf } from "../../../src/plan.ts";
import packed from "../../../shaders/forward/packed.wesl?wgsl";
import wide from "../../../shaders/forward/wide.wesl?wgsl";
import workgroup from "../../../shaders/forward/workgroup.wesl?wgsl";
import type { Cost } from "../cost.ts";
import { rangeDispatches, type DeviceProfile, type GpuKernel, type Inputs, type Launch } from "../launch.ts";
import { sampleLayer } from "./sample.ts";

type ForwardWork = WorkOf<"forward">;

/** Inputs and outputs that an invocation adds up in registers (`forward/tile.wesl`). */
const SAMPLES_PER_INVOCATION = 4;
const ROWS_PER_INVOCATION = 8;
/** Tiles that keep a device busy; with fewer of them, tiles are made smaller. */
const BUSY_TILES = 2 ** 9;

function tileLaunch(
  variant: "packed" | "workgroup",
  source: string,
  constants: Record<string, number>,
  { params, inputs }: ForwardWork,
  device: DeviceProfile,
): Launch[] {
  const { limits, subgroupMaxSize } = device;
  const { samples, rows } = params;
  const maxWorkgroups = limits.maxComputeWorkgroupsPerDimension;
  const largest = Math.max(...Object.values(inputs).map(({ byteLength }) => byteLength));
  if (largest > limits.maxStorageBufferBindingSize) return [];
  const down = [2, 4].find((count) => ROWS_PER_INVOCATION * count >= rows) ?? 8;
  const tileRows = Math.ceil(rows / (ROWS_PER_INVOCATION * down));
  const tileColumns = (across: number) => Math.ceil(samples / (SAMPLES_PER_INVOCATION * across));
  const across = tileColumns(16) * tileRows >= BUSY_TILES ? 16 : 8;
  const columns = tileColumns(across);
  const workgroups = Math.min(columns, maxWorkgroups);
  const workgroupRows = Math.min(tileRows, maxWorkgroups);
  const size = across * down;
  /** The cost of some columns of tiles. */
  function costOf(count: number): Cost {
    const tile = tileOperations(params, size);
    const turns = Math.ceil(count / workgroups) * Math.ceil(tileRows / workgroupRows);
    return { operations: count * tileRows * size * tile, chain: (turns * tile) / INDEPENDENT_SUMS };
  }
  return [
    {
      variant,
      source,
      // Software adapters zero every word of workgroup memory by a store of its own, so their tiles are shallower.
      constants: { ACROSS: across, DOWN: down, DEPTH: subgroupMaxSize < 16 ? 8 : 16, ...constants },
      workgroups,
      workgroupRows,
      scratchBytes: 0,
      ...rangeDispatches(device, columns, costOf),
    },
  ];
}

/** Operations of a product that is added to a sum, and of a number of a tile that is computed; of one word, and of two. */
const PRODUCT_OPERATIONS = [6, 64] as const;
const NUMBER_OPERATIONS = [24, 64] as const;
/** Sums of an invocation that do not wait for each other. */
const INDEPENDENT_SUMS = 4;

/** Operations of an invocation for one tile, of which `size` invocations compute the numbers. */
function tileOperations({ columns, group, wide }: ForwardWork["params"], size: number): number {
  const sums = SAMPLES_PER_INVOCATION * ROWS_PER_INVOCATION;
  // A tile has a hidden unit for each of its inputs and a weight for each of its rows.
  const numbers = (2 * Math.ceil(Math.sqrt(size * sums))) / size;
  return (
    columns * group * (sums * PRODUCT_OPERATIONS[wide as 0 | 1] + numbers * NUMBER_OPERATIONS[wide as 0 | 1])
  );
}

/** The least and the greatest of some numbers and 0. */
type Range = readonly [low: number, high: number];

/** Ranges of inputs, units and weights, scanned once for all work that shares these arrays. */
const rangesByInputs = new WeakMap<Inputs, readonly Range[]>();

/** Signed bytes that every hidden unit and every weight fits into: 1, 2, or Infinity where two are not enough. */
function bytesOf({ params, inputs }: ForwardWork): { hidden: number; weights: number } {
  let ranges = rangesByInputs.get(inputs);
  if (!ranges) {
    ranges = [inputs.inputs, inputs.units, inputs.weights].map(rangeOf);
    rangesByInputs.set(inputs, ranges);
  }
  const [x, u, w] = ranges as [Range, Range, Range];
  const products = x.flatMap((a) => u.map((b) => a * b));
  const low = Math.min(...products);
  // A negative product is rectified to 0, unless it wraps to a positive one first.
  const least = params.rectify && low >= -(2 ** 31) ? 0 : low;
  return { hidden: bytesFor([least, Math.max(...products)]), weights: bytesFor(w) };
}

function rangeOf(numbers: Int32Array | Uint32Array): Range {
  let [low, high] = [0, 0];
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return [low, high];
}

function bytesFor([low, high]: Range): number {
  if (low >= -128 && high <= 127) return 1;
  return low >= -128 * 257 && high <= 127 * 257 ? 2 : Infinity;
}

export const forward: GpuKernel<"forward"> = {
  unitParam: "samples",
  tuningParams: ["columns", "group", "rows", "wide"],
  variants: [
    {
      name: "packed",
      launches(work, device) {
        if (work.params.wide || !device.features.has("packed")) return [];
        const bytes = bytesOf(work);
        // A tile is processed once per pair of bytes. Two bytes on both sides would save nothing over `workgroup`.
        if (bytes.hidden * bytes.weights > 2) return [];
        const constants = { HIDDEN_BYTES: bytes.hidden, WEIGHT_BYTES: bytes.weights };
        return tileLaunch("packed", packed, constants, work, device);
      },
    },
    {
      name: "workgroup",
      launches: (work, device) =>
        tileLaunch("workgroup", work.params.wide ? wide : workgroup, {}, work, device),
    },
  ],
  sample: sampleLayer,
};
