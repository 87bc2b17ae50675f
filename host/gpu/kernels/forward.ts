// The shapes of `forward`: a tile of outputs to a workgroup, with one number to a word or four packed ones.

import type { ForwardParams } from "../../../src/kernels/forward.ts";
import type { Work } from "../../../src/plan.ts";
import forward from "../../../shaders/forward.wgsl?raw";
import packed from "../../../shaders/forward.packed.wgsl?raw";
import single from "../../../shaders/forward.single.wgsl?raw";
import tile from "../../../shaders/forward.tile.wgsl?raw";
import narrow from "../../../shaders/lib/number.narrow.wgsl?raw";
import numberWide from "../../../shaders/lib/number.wide.wgsl?raw";
import requirePacked from "../../../shaders/lib/packed.wgsl?raw";
import wide from "../../../shaders/lib/wide.wgsl?raw";
import { once, type Fits, type Room, type Shape, type VariantName } from "../launch.ts";

/** Inputs and outputs of an invocation (`forward.tile.wgsl`). */
const SAMPLES = 4;
const ROWS = 8;
/** Tiles that keep a device busy: where there are fewer, they are smaller. */
const TILES = 2 ** 9;

export const layers: Fits = {
  packed(work, room) {
    const { wide } = work.params as ForwardParams;
    if (wide || !room.features.has("packed")) return undefined;
    const bytes = bytesOf(work);
    // A tile goes through high and low bytes in turns: with two of each it would do no less than without packing.
    if (bytes.hidden * bytes.weights > 2) return undefined;
    const constants = { HIDDEN_BYTES: bytes.hidden, WEIGHT_BYTES: bytes.weights };
    return tiled("packed", requirePacked + narrow + forward + packed + tile, constants, work, room);
  },
  workgroup(work, room) {
    const { wide: isWide } = work.params as ForwardParams;
    const numbers = isWide ? wide + numberWide : narrow;
    return tiled("workgroup", numbers + forward + single + tile, {}, work, room);
  },
};

function tiled(
  name: VariantName,
  source: string,
  constants: Record<string, number>,
  { params, inputs }: Work,
  { limits, subgroup }: Room,
): Shape | undefined {
  const { samples, rows } = params as ForwardParams;
  const most = limits.maxComputeWorkgroupsPerDimension;
  const largest = Math.max(...Object.values(inputs).map(({ byteLength }) => byteLength));
  if (largest > limits.maxStorageBufferBindingSize) return undefined;
  const down = [2, 4].find((count) => ROWS * count >= rows) ?? 8;
  const below = Math.ceil(rows / (ROWS * down));
  const beside = (across: number) => Math.ceil(samples / (SAMPLES * across));
  const across = beside(16) * below >= TILES ? 16 : 8;
  return {
    name,
    source,
    // Software adapters compile a store for every word of workgroup memory, since it starts as 0.
    constants: { ACROSS: across, DOWN: down, DEPTH: subgroup < 16 ? 8 : 16, ...constants },
    groups: Math.min(beside(across), most),
    rows: Math.min(below, most),
    slabBytes: 0,
    phases: once,
  };
}

/** From the least to the greatest of some numbers and 0. */
type Range = readonly [low: number, high: number];

/** Of inputs, units and weights: looked at once for all work that shares them. */
const known = new WeakMap<Work["inputs"], readonly Range[]>();

/** Bytes, each with a sign, of every hidden unit and of every weight; Infinity where two are not enough. */
function bytesOf({ params, inputs }: Work): { hidden: number; weights: number } {
  let ranges = known.get(inputs);
  if (!ranges) known.set(inputs, (ranges = [inputs.inputs!, inputs.units!, inputs.weights!].map(rangeOf)));
  const [x, u, w] = ranges as [Range, Range, Range];
  const products = x.flatMap((a) => u.map((b) => a * b));
  const low = Math.min(...products);
  // What is below 0 is rectified, unless it wraps.
  const least = params.rectify && low >= -(2 ** 31) ? 0 : low;
  return { hidden: bytesFor([least, Math.max(...products)]), weights: bytesFor(w) };
}

function rangeOf(list: Int32Array | Uint32Array): Range {
  let [low, high] = [0, 0];
  for (let i = 0; i < list.length; i++) {
    const number = list[i]!;
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return [low, high];
}

function bytesFor([low, high]: Range): number {
  if (low >= -128 && high <= 127) return 1;
  return low >= -128 * 257 && high <= 127 * 257 ? 2 : Infinity;
}
