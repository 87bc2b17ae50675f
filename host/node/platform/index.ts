// What Node supplies to the engines. It stays out of the package's types, which name nothing of WebGPU.

import type { Platform } from "../../open.ts";
import { dawn, whyNoAdapter } from "./dawn.ts";
import { fileStore, tuningFile } from "./store.ts";
import { hardwareThreads, startThread } from "./threads.ts";

export const platform: Platform = {
  gpu: dawn,
  whyNoAdapter,
  startThread,
  hardwareThreads,
  store: fileStore(tuningFile),
};
