// Builds the command line, or with the word `page` the page, where a source is newer, and prints warnings alone. `npm start` and
// `npm run exacta` run it first, and so do the tests that start the command or open the page.

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/**
 * The time of the last change of a file, or of anything in a folder but for what is built there, in milliseconds; 0 where there
 * is neither.
 *
 * @param {string} path
 * @returns {number}
 */
function lastChange(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  const names = readdirSync(path).filter((name) => name !== "dist");
  return Math.max(stat.mtimeMs, ...names.map((name) => lastChange(`${path}/${name}`)));
}

const shared = ["src", "shaders", "host", "scripts", "package.json"];
const { output, sources, config } =
  process.argv[2] === "page"
    ? {
        output: "demo/dist/index.html",
        sources: [...shared, "demo", "examples/digits", "CITATION.cff"],
        config: { root: "demo", configFile: "demo/vite.config.mts" },
      }
    : { output: "dist/node/exacta.js", sources: [...shared, "vite.config.ts"], config: {} };
const isOld = () => Math.max(...sources.map(lastChange)) > lastChange(output);

/** The folder that exists while a process builds: a second one would empty the folder that the first one has built. */
const LOCK = `.cache/building-${process.argv[2] ?? "command"}`;
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
    if (isOld()) await build({ ...config, logLevel: "warn" });
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}
