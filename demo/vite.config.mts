// Builds the page, `vite build demo`, and serves it while it is worked on, `vite demo`.

import { defineConfig } from "vite";
import { assemblyscript } from "../scripts/assemblyscript.ts";
import { wesl } from "../scripts/wesl.ts";

export default defineConfig({
  // Relative, so that the built folder works under any address.
  base: "./",
  plugins: [assemblyscript(), wesl()],
  worker: { format: "es", plugins: () => [assemblyscript(), wesl()] },
});
