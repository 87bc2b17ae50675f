// A text file in the user's cache folder.

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Store } from "../../gpu/store.ts";

/** The folder for files that programs can make again. */
function cacheFolder(env: NodeJS.ProcessEnv, system: NodeJS.Platform): string {
  if (env.XDG_CACHE_HOME) return env.XDG_CACHE_HOME;
  if (system === "darwin") return join(homedir(), "Library", "Caches");
  if (system === "win32") return env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
  return join(homedir(), ".cache");
}

/** The file with the measured choices of GPU variants. */
export const tuningFile = (): string =>
  join(cacheFolder(process.env, process.platform), "exacta", "gpu.json");

/** A file as a store. Writing is atomic: a reader gets the old text or the new one. Reading and writing may fail. */
export function fileStore(file: () => string): Store {
  return {
    read: () => readFile(file(), "utf8"),
    async write(text) {
      const fresh = `${file()}.${process.pid}`;
      await mkdir(dirname(file()), { recursive: true });
      try {
        await writeFile(fresh, text);
        await rename(fresh, file());
      } finally {
        await rm(fresh, { force: true });
      }
    },
  };
}
