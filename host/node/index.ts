// exacta in Node.

import { openEngine as open } from "../open.ts";
import type { Engine, EngineOptions } from "../runner.ts";
import { platform } from "./platform/index.ts";

/**
 * Opens an engine, which the caller closes. Where it looks for a GPU it adds WebGPU's names (GPUBufferUsage and others) to the
 * globals.
 * @throws {RequestError} for wrong options, and where `gpu` finds no adapter.
 */
export function openEngine(options: EngineOptions = {}): Promise<Engine> {
  return open(options, platform);
}

export * from "../public.ts";
