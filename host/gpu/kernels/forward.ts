// forward on a GPU: a tile of inputs by outputs per workgroup, with one number to a word or, where numbers are small, four
// packed bytes that a single instruction multiplies and adds.

import { columnsOf } from "../../../src/kernels/forward.ts";
import type { WorkOf } from "../../../src/plan.ts";
import packed from "../../../shaders/forward/packed.wesl?wgsl";
import wide from "../../../shaders/forward/wide.wesl?wgsl";
import workgroup from "../../../shaders/forward/workgroup.wesl?wgsl";
import type { Cost } from "../cost.ts";
import { rangeDispatches, type DeviceProfile, type GpuKernel, type Inputs, type Launch } from "../launch.ts";
import { sampleLayer } from "./sample.ts";

type ForwardWork = WorkOf<"forward">;

/** Inputs that an invocation adds up in registers, and rows for each half of a tile (`forward/tile.wesl`). */
const SAMPLES_PER_INVOCATION = 4;
const ROWS_PER_HALF = 4;
/** Tiles that keep a device busy; with fewer of them, small tiles are more promising. */
const BUSY_TILES = 2 ** 9;

/**
 * The invocations of a tile in both directions, the halves of its rows that an invocation adds up, and the words of hidden units
 * that a workgroup holds at a time.
 */
interface Shape {
  readonly across: number;
  readonly down: number;
  readonly halves: 1 | 2;
  readonly depth: number;
}

/** Compilers unroll the loop over the words of a tile and load them all first, for which Intel's has too few registers. */
const DEPTH = 16;
const INTEL_DEPTH = 4;
/** Software adapters zero every word of workgroup memory by a store of its own. */
const SOFTWARE_DEPTH = 8;

/**
 * The shapes that may serve, the most promising first. The larger a tile, the less often its numbers are computed. A single half
 * takes half as many registers. Intel's compiler gets no other: with two halves it reloads hundreds of registers from memory.
 */
function shapesFor(
  { samples, points, rows }: ForwardWork["params"],
  isPacked: boolean,
  { vendor, subgroupMinSize, subgroupMaxSize }: DeviceProfile,
): Shape[] {
  const downFor = (halves: number, most: number) =>
    [2, 4, 8].find((count) => count < most && ROWS_PER_HALF * halves * count >= rows) ?? most;
  const oneHalf = { across: 16, down: downFor(1, 16), halves: 1 } as const;
  if (vendor === "intel")
    return [oneHalf, { ...oneHalf, across: 8, down: downFor(1, 8) }].map((shape) => ({
      ...shape,
      depth: INTEL_DEPTH,
    }));
  const down = downFor(2, 8);
  const tiles =
    Math.ceil((samples * points) / (16 * SAMPLES_PER_INVOCATION)) *
    Math.ceil(rows / (2 * ROWS_PER_HALF * down));
  // A workgroup that is narrower than a subgroup leaves lanes idle.
  const widths = (tiles >= BUSY_TILES ? [16, 8] : [8, 16]).filter(
    (across) => across * down >= Math.min(subgroupMinSize, 32),
  );
  const depth = subgroupMaxSize < 16 ? SOFTWARE_DEPTH : DEPTH;
  return [
    ...widths.map((across) => ({ across, down, halves: 2 as const })),
    // With one number to a word, NVIDIA's compiler spills registers to memory.
    ...(isPacked && rows > 2 * ROWS_PER_HALF * down ? [{ across: 16, down: 16, halves: 2 as const }] : []),
    oneHalf,
  ].map((shape) => ({ ...shape, depth }));
}

/** Whether a layer reads places, which a dense layer without a constant unit does not. */
const hasWindows = ({ pixels, points, taps, biased }: ForwardWork["params"]): boolean =>
  pixels * points * taps > 1 || biased === 1;

function tileLaunches(
  variant: "packed" | "workgroup",
  source: string,
  constants: Record<string, number>,
  work: ForwardWork,
  device: DeviceProfile,
): Launch[] {
  const { params, inputs } = work;
  const { limits } = device;
  const largest = Math.max(...Object.values(inputs).map(({ byteLength }) => byteLength));
  if (largest > limits.maxStorageBufferBindingSize) return [];
  return shapesFor(params, variant === "packed", device).flatMap((shape) => {
    const { across, down, halves, depth } = shape;
    const size = across * down;
    if (
      size > Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX) ||
      tileBytes(shape, params.wide === 1) > limits.maxComputeWorkgroupStorageSize
    )
      return [];
    const columns = Math.ceil((params.samples * params.points) / (SAMPLES_PER_INVOCATION * across));
    const tileRows = Math.ceil(params.rows / (ROWS_PER_HALF * halves * down));
    const workgroups = Math.min(columns, limits.maxComputeWorkgroupsPerDimension);
    const workgroupRows = Math.min(tileRows, limits.maxComputeWorkgroupsPerDimension);
    /** The cost of some columns of tiles. */
    function costOf(count: number): Cost {
      const tile = tileOperations(params, shape);
      const turns =
        Math.ceil(count / Math.max(workgroups, 1)) * Math.ceil(tileRows / Math.max(workgroupRows, 1));
      return { operations: count * tileRows * size * tile, chain: (turns * tile) / INDEPENDENT_SUMS };
    }
    return [
      {
        variant,
        source,
        constants: {
          ACROSS: across,
          DOWN: down,
          HALVES: halves,
          DEPTH: depth,
          WINDOWS: Number(hasWindows(params)),
          ...constants,
        },
        workgroups,
        workgroupRows,
        scratchBytes: 0,
        ...rangeDispatches(device, columns, costOf),
      },
    ];
  });
}

/** Bytes of workgroup memory of a tile: its hidden units, and elements of four weights, with one more than needed in each row. */
function tileBytes({ across, down, halves, depth }: Shape, isWide: boolean): number {
  return depth * ((isWide ? 8 : 4) * (SAMPLES_PER_INVOCATION * across + 1) + 16 * (halves * down + 1));
}

/** Operations of a product that is added to a sum, and of a number of a tile that is computed; of one word, and of two. */
const PRODUCT_OPERATIONS = [6, 64] as const;
const NUMBER_OPERATIONS = [24, 64] as const;
/** Operations that find the place of a number of a window. */
const PLACE_OPERATIONS = 48;
/** Sums of an invocation that do not wait for each other. */
const INDEPENDENT_SUMS = 4;

/** Operations of an invocation for one tile, whose hidden units and weights its invocations compute together. */
function tileOperations(params: ForwardWork["params"], { across, down, halves }: Shape): number {
  const { group, wide } = params;
  const sums = SAMPLES_PER_INVOCATION * ROWS_PER_HALF * halves;
  const numbers = SAMPLES_PER_INVOCATION / down + (ROWS_PER_HALF * halves) / across;
  const number = NUMBER_OPERATIONS[wide as 0 | 1] + (hasWindows(params) ? PLACE_OPERATIONS : 0);
  return columnsOf(params) * group * (sums * PRODUCT_OPERATIONS[wide as 0 | 1] + numbers * number);
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
  const [[lowest, highest], u, w] = ranges as [Range, Range, Range];
  const x: Range = [lowest, params.biased ? Math.max(highest, 2 ** params.constantBits) : highest];
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
  tuningParams: ["channels", "taps", "group", "rows", "wide"],
  variants: [
    {
      name: "packed",
      launches(work, device) {
        if (work.params.wide || !device.features.has("packed")) return [];
        const bytes = bytesOf(work);
        // A tile is processed once per pair of bytes. Two bytes on both sides would save nothing over `workgroup`.
        if (bytes.hidden * bytes.weights > 2) return [];
        const constants = { HIDDEN_BYTES: bytes.hidden, WEIGHT_BYTES: bytes.weights };
        return tileLaunches("packed", packed, constants, work, device);
      },
    },
    {
      name: "workgroup",
      launches: (work, device) =>
        tileLaunches("workgroup", work.params.wide ? wide : workgroup, {}, work, device),
    },
  ],
  sample: sampleLayer,
};
