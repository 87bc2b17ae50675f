// Builds the page (`npm run demo`, which serves it too) and serves it during development (`npm run dev`).

import { defineConfig } from "vite";
import { assemblyscript } from "../scripts/assemblyscript.ts";
import { digitsTicket } from "../scripts/digits-ticket.ts";
import { offline } from "../scripts/offline.ts";
import { wesl } from "../scripts/wesl.ts";

export default defineConfig({
  // Relative addresses let a server publish the built folder under any path.
  base: "./",
  plugins: [assemblyscript(), digitsTicket(), wesl(), offline()],
  // Compiling AssemblyScript takes longer than bundling, and should.
  build: { rolldownOptions: { checks: { pluginTimings: false } } },
  worker: {
    format: "es",
    plugins: () => [assemblyscript(), digitsTicket(), wesl()],
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
