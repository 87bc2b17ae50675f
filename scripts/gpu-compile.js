// `npm run gpu:compile`: compiles every pipeline with the compilers of real GPUs (docs/gpu.md). Vite runs the TypeScript in the
// folder of the same name, since launches import linked WGSL.

import { fileURLToPath } from "node:url";
import { loadConfigFromFile, runnerImport } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const loaded = await loadConfigFromFile({ command: "serve", mode: "development" }, `${root}vite.config.ts`);
const { module } = await runnerImport(`${root}scripts/gpu-compile/index.ts`, {
  root,
  logLevel: "error",
  plugins: loaded?.config.plugins,
});
process.exit(await module.main(process.argv.slice(2)));
