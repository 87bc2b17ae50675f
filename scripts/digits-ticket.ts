// A Vite plugin: `import base64 from "../digits.safetensors?ticket"` is the ticket of the random network of seed 1 for the
// network in that file, compressed by gzip, in base64. Its subsets are the smallest ones, so that it compresses well.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { runnerImport, type Plugin } from "vite";
import { assemblyscript } from "./assemblyscript.ts";

const SUFFIX = "?ticket";
const MAKER = fileURLToPath(new URL("make-ticket.ts", import.meta.url));

export function digitsTicket(): Plugin {
  return {
    name: "digits-ticket",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(SUFFIX)) return null;
      const file = id.slice(0, -SUFFIX.length);
      this.addWatchFile(file);
      // The CPU engine imports its kernels, which only a build compiles.
      const { module } = await runnerImport<typeof import("./make-ticket.ts")>(MAKER, {
        configFile: false,
        logLevel: "error",
        plugins: [assemblyscript()],
      });
      const ticket = gzipSync(await module.makeTicket(await readFile(file)), { level: 9 });
      return `export default ${JSON.stringify(ticket.toString("base64"))};`;
    },
  };
}
