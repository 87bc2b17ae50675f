// Builds the page (`vite build demo`) and serves it during development (`vite demo`).

import { defineConfig } from "vite";
import { assemblyscript } from "../scripts/assemblyscript.ts";
import { wesl } from "../scripts/wesl.ts";

export default defineConfig({
  // Relative addresses let a server publish the built folder under any path.
  base: "./",
  plugins: [assemblyscript(), wesl()],
  // Compiling AssemblyScript takes longer than bundling, and should.
  build: { rolldownOptions: { checks: { pluginTimings: false } } },
  worker: {
    format: "es",
    plugins: () => [assemblyscript(), wesl()],
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
