// exacta in the browser.

import { openEngine as open } from "../open.ts";
import type { Engine, EngineOptions } from "../runner.ts";
import { platform } from "./platform.ts";

/**
 * Opens an engine; close it when done. Throws TypeError or RangeError for wrong options and RangeError where `gpu` finds
 * no adapter.
 */
export function openEngine(options: EngineOptions = {}): Promise<Engine> {
  return open(options, platform);
}

export * from "../entries/engines.ts";
