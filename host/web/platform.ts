// The platform of browsers. Its types stay out of the package's, which do not name WebGPU.

import type { Platform } from "../open.ts";
import { memoryStore, type Store } from "../gpu/store.ts";
import { hardwareThreads, startThread } from "./threads.ts";

const KEY = "exacta.gpu";

/** The local storage of the page's origin. Workers have none, and a page may be forbidden to use it. */
function localStorageStore(): Store | undefined {
  try {
    const { localStorage } = globalThis;
    if (!localStorage) return undefined;
    return {
      read: async () => localStorage.getItem(KEY) ?? undefined,
      write: async (text) => localStorage.setItem(KEY, text),
    };
  } catch {
    return undefined;
  }
}

let opened: Store | undefined;
/** The store, which is opened at the first use: a page that only imports this module touches no storage. */
const store = () => (opened ??= localStorageStore() ?? memoryStore());

export const platform: Platform = {
  // Workers have it too.
  gpu: async () => navigator.gpu,
  startThread,
  hardwareThreads,
  // Half of the time between two pictures.
  maxDispatchMilliseconds: 8,
  // The visitor waits for it whenever a page is opened, since workers keep no measurements.
  tuningMilliseconds: 400,
  store: {
    read: () => store().read(),
    write: (text) => store().write(text),
  },
};
