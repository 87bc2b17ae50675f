// Builds the command line when a source is newer than it, and says nothing: `npm start` and `npm run exacta` begin here.

import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/** @param {string} path @returns {number} */
function changed(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changed(`${path}/${name}`)));
}

const sources = ["src", "shaders", "host", "scripts", "package.json", "vite.config.ts"];
if (Math.max(...sources.map(changed)) > changed("dist/node/exacta.js")) await build({ logLevel: "warn" });
