// Builds the command line where a source is newer, and prints warnings alone. `npm start` and `npm run exacta` run it first.

import { readdirSync, statSync } from "node:fs";
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
if (Math.max(...sources.map(lastChange)) > lastChange("dist/node/exacta.js"))
  await build({ logLevel: "warn" });
