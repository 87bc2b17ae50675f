// What the browser supplies to the engines. It stays out of the package's types, which name nothing of WebGPU.

import type { Platform } from "../open.ts";
import { hardwareThreads, startThread } from "./threads.ts";

/** WebGPU where the browser has it (also in workers). */
export const platform: Platform = {
  gpu: async () => navigator.gpu,
  startThread,
  hardwareThreads,
};
