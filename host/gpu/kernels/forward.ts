// forward on a GPU: a tile of inputs by outputs per workgroup, with one number to a word or, where numbers are small, four
// packed bytes that a single instruction multiplies and adds.

import type { WorkOf } from "../../../src/plan.ts";
import packed from "../../../shaders/forward/packed.wesl?wgsl";
import wide from "../../../shaders/forward/wide.wesl?wgsl";
import workgroup from "../../../shaders/forward/workgroup.wesl?wgsl";
import { oneDispatch, type DeviceProfile, type GpuKernel, type Inputs, type Launch } from "../launch.ts";
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
  { limits, subgroupMaxSize }: DeviceProfile,
): Launch[] {
  const { samples, rows } = params;
  const maxWorkgroups = limits.maxComputeWorkgroupsPerDimension;
  const largest = Math.max(...Object.values(inputs).map(({ byteLength }) => byteLength));
  if (largest > limits.maxStorageBufferBindingSize) return [];
  const down = [2, 4].find((count) => ROWS_PER_INVOCATION * count >= rows) ?? 8;
  const tileRows = Math.ceil(rows / (ROWS_PER_INVOCATION * down));
  const tileColumns = (across: number) => Math.ceil(samples / (SAMPLES_PER_INVOCATION * across));
  const across = tileColumns(16) * tileRows >= BUSY_TILES ? 16 : 8;
  return [
    {
      variant,
      source,
      // Software adapters zero every word of workgroup memory by a store of its own, so their tiles are shallower.
      constants: { ACROSS: across, DOWN: down, DEPTH: subgroupMaxSize < 16 ? 8 : 16, ...constants },
      workgroups: Math.min(tileColumns(across), maxWorkgroups),
      workgroupRows: Math.min(tileRows, maxWorkgroups),
      scratchBytes: 0,
      dispatches: oneDispatch,
    },
  ];
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
