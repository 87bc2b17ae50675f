// A Vite plugin: `import ticket from "../digits.safetensors?ticket"` is the ticket of the random network of seed 1 for the
// network in that file. Its subsets are the smallest ones, so that its masks compress well. The page takes it as it is built, so
// that opening the page does not fetch what reads the files of tickets.

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
      const { masks, seed, ...ticket } = await module.makeTicket(await readFile(file));
      const built = {
        ...ticket,
        seed: String(seed),
        maskBytes: masks.map(({ length }) => length),
        masks: gzipSync(Buffer.concat(masks), { level: 9 }).toString("base64"),
      };
      return `export default ${JSON.stringify(built)};`;
    },
  };
}
