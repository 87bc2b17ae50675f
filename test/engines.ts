// The engines that tests compare.

import { afterAll, beforeAll } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import { sharedAdapter, testLanguage, watchedAdapter } from "./gpu/devices.ts";

/** An engine of each kind, open while the tests of a file run. */
export function testEngines(): Record<"reference" | "cpu" | "gpu", Runner> {
  return opened(async (engines) => {
    engines.gpu = await gpuRunner(sharedAdapter);
  });
}

/** `gpu` packs numbers into words where they fit, `unpacked` does not. Every index of both is watched. */
export const watchedNames = ["reference", "cpu", "gpu", "unpacked"] as const;
/** The same with every variant of kernel `forward`. */
export function watchedEngines(): Record<(typeof watchedNames)[number], Runner> {
  return opened(async (engines) => {
    engines.gpu = await gpuRunner(watchedAdapter(0x55555555), { language: await testLanguage() });
    engines.unpacked = await gpuRunner(watchedAdapter(0xdeadbeef));
  });
}

function opened<Name extends string>(
  openGpu: (engines: Record<Name | "reference" | "cpu", Runner>) => Promise<void>,
): Record<Name | "reference" | "cpu", Runner> {
  const engines = {} as Record<Name | "reference" | "cpu", Runner>;
  beforeAll(async () => {
    engines.reference = referenceRunner();
    engines.cpu = await cpuRunner(2, startThread);
    await openGpu(engines);
  });
  afterAll(() => Object.values<Runner>(engines).forEach((engine) => engine.close()));
  return engines;
}
