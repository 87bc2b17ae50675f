// exacta in Node.

import type { Runner } from "../runner";
import { openEngine as open, type EngineOptions, type Platform } from "../open";
import { hardwareThreads, startThread } from "./threads";
import { dawn } from "./device";

export const platform: Platform = { gpu: dawn, startThread, hardwareThreads };

/**
 * Opens an engine; close it when done. Throws TypeError or RangeError for wrong options and RangeError where `gpu` finds
 * no adapter.
 */
export function openEngine(options: EngineOptions = {}): Promise<Runner> {
  return open(options, platform);
}

export * from "../public";
