// What the browser supplies to the engines. It stays out of the package's types, which name nothing of WebGPU.

import type { Platform } from "../open.ts";
import { memoryStore, type Store } from "../gpu/tune.ts";
import { hardwareThreads, startThread } from "./threads.ts";

const KEY = "exacta.gpu";

/** What the page's origin keeps; workers, and pages that may keep nothing, have memory. */
function pageStore(): Store {
  try {
    const { localStorage } = globalThis;
    if (!localStorage) return memoryStore();
    return {
      read: async () => localStorage.getItem(KEY) ?? undefined,
      write: async (text) => localStorage.setItem(KEY, text),
    };
  } catch {
    return memoryStore();
  }
}

/** WebGPU where the browser has it (also in workers). */
export const platform: Platform = {
  gpu: async () => navigator.gpu,
  startThread,
  hardwareThreads,
  store: pageStore(),
};
