// exacta in Node.

import { openEngine as open } from "../open.ts";
import type { Engine, EngineOptions } from "../runner.ts";
import { platform } from "./platform/index.ts";

/**
 * Opens an engine, on which experiments, `solve`, pruning and forward passes run. The caller closes it; a process whose
 * work is done ends without that as well.
 *
 * Where it looks for a GPU, the constants of WebGPU (`GPUBufferUsage` and others) become globals of Node.
 * @param options By default the engine is `auto`: a hardware GPU where there is one, otherwise WebAssembly with one thread
 * for each hardware thread, or as many as Slurm (SLURM_CPUS_PER_TASK) or the CPU quota of a control group allows.
 * @throws {RequestError} An option has a value that it cannot have, `engine: "gpu"` finds no WebGPU adapter, or `adapter` names
 * none or several.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 *
 * const engine = await openEngine({ engine: "cpu", threads: 2 });
 * console.log(engine.engine, engine.adapter); // cpu WebAssembly SIMD, 2 threads
 * engine.close();
 * ```
 */
export function openEngine(options: EngineOptions = {}): Promise<Engine> {
  return open(options, platform);
}

export * from "../entries/engines.ts";
