// The shape of `forward`: a square of outputs to a workgroup.

import type { ForwardParams } from "../../src/kernels/forward.ts";
import forward from "../../shaders/forward.wgsl?raw";
import narrow from "../../shaders/lib/number.narrow.wgsl?raw";
import numberWide from "../../shaders/lib/number.wide.wgsl?raw";
import wide from "../../shaders/lib/wide.wgsl?raw";
import { once, type Fits } from "./shape.ts";

/** Inputs and outputs of a tile (`forward.wgsl`). */
const TILE = 32;

export const layers: Fits = {
  workgroup(work, { limits }) {
    const { networks, samples, rows, wide: isWide } = work.params as ForwardParams;
    const most = limits.maxComputeWorkgroupsPerDimension;
    const largest = Math.max(...Object.values(work.inputs).map(({ byteLength }) => byteLength));
    if (largest > limits.maxStorageBufferBindingSize) return undefined;
    return {
      name: "workgroup",
      source: (isWide ? wide + numberWide : narrow) + forward,
      constants: {},
      groups: Math.min(networks * Math.ceil(samples / TILE), most),
      rows: Math.min(Math.ceil(rows / TILE), most),
      slabBytes: 0,
      phases: once,
    };
  },
};
