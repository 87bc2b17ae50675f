// exacta in Node.

import { openEngine as open } from "../open.ts";
import type { Engine, EngineOptions } from "../runner.ts";
import { platform } from "./platform/index.ts";

/**
 * Opens an engine; close it when done. Throws TypeError or RangeError for wrong options and RangeError where `gpu` finds
 * no adapter. Where it looks for a GPU it puts WebGPU's names (GPUBufferUsage and others) beside Node's globals.
 */
export function openEngine(options: EngineOptions = {}): Promise<Engine> {
  return open(options, platform);
}

export * from "../entries/engines.ts";
