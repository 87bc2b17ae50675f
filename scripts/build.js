// Builds the command line where a source is newer, and prints warnings alone. `npm start` and `npm run exacta` run it first.

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/**
 * The time of the last change of a file, or of anything in a folder, in milliseconds; 0 where there is neither.
 *
 * @param {string} path
 * @returns {number}
 */
function lastChange(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => lastChange(`${path}/${name}`)));
}

const sources = ["src", "shaders", "host", "scripts", "package.json", "vite.config.ts"];
const isOld = () => Math.max(...sources.map(lastChange)) > lastChange("dist/node/exacta.js");

/** The folder that exists while a process builds: a second one would empty dist while the first one's commands start. */
const LOCK = ".cache/building";
const STALE_MS = 120_000;

function takeLock() {
  mkdirSync(".cache", { recursive: true });
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    // A process that was killed leaves its folder behind.
    const since = lastChange(LOCK);
    if (since > 0 && Date.now() - since > STALE_MS) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

while (isOld()) {
  if (!takeLock()) {
    await sleep(100);
    continue;
  }
  try {
    if (isOld()) await build({ logLevel: "warn" });
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}
