// The platform of the engines in Node. It is not part of the package's types, which do not depend on those of WebGPU.

import type { Platform } from "../../open.ts";
import { adapterNames, mayHaveGpu, openGpu, whyNoAdapter } from "./dawn.ts";
import { fileStore, tuningFile } from "./store.ts";
import { hardwareThreads, startThread } from "./threads.ts";

export const platform: Platform = {
  gpu: openGpu,
  mayHaveGpu,
  adapterNames,
  whyNoAdapter,
  startThread,
  hardwareThreads,
  store: fileStore(tuningFile),
};
