// The Vite plugin of AssemblyScript: `import base64 from "./index.ts?wasm"` compiles the module and imports it in base64.

import asc from "assemblyscript/asc";
import type { Plugin } from "vite";

/** The query of imports that are compiled. */
const SUFFIX = "?wasm";
/** Warning 112 is off: it reports exported functions that take v128, which AssemblyScript alone calls here. */
const OPTIONS =
  "-O3 --noAssert --runtime stub --enable simd,bulk-memory --use abort= --disableWarning 112".split(" ");

export function assemblyscript(): Plugin {
  return {
    name: "assemblyscript",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(SUFFIX)) return null;
      const file = id.slice(0, -SUFFIX.length);
      let bytes = new Uint8Array();
      let messages = "";
      const { error } = await asc.main([file, ...OPTIONS, "--outFile", "out.wasm"], {
        stderr: asc.createMemoryStream((chunk) => (messages += String(chunk))),
        writeFile: (name, contents) => {
          if (name.endsWith("out.wasm")) bytes = contents as Uint8Array<ArrayBuffer>;
        },
      });
      // Warnings fail as well.
      if (error || messages) throw new Error(`${file}: ${messages || error!.message}`);
      this.addWatchFile(file);
      return `export default ${JSON.stringify(Buffer.from(bytes).toString("base64"))};`;
    },
  };
}
