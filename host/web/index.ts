// exacta in the browser.

import { openEngine as open, type EngineOptions, type Platform } from "../open";
import type { Runner } from "../runner";
import { hardwareThreads, startThread } from "./threads";

/** WebGPU where the browser has it (also in workers). */
export const platform: Platform = {
  gpu: async () => navigator.gpu as GPU | undefined,
  startThread,
  hardwareThreads,
};

/**
 * Opens an engine; close it when done. Throws TypeError or RangeError for wrong options and RangeError where `gpu` finds
 * no adapter.
 */
export function openEngine(options: EngineOptions = {}): Promise<Runner> {
  return open(options, platform);
}

export * from "../public";
