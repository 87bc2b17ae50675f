// A Vite plugin: `import bytes from "./kernel.ts?wasm"` is the AssemblyScript module, compiled, in base64.

import asc from "assemblyscript/asc";
import type { Plugin } from "vite";

const SUFFIX = "?wasm";
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
      let said = "";
      const { error } = await asc.main([file, ...OPTIONS, "--outFile", "out.wasm"], {
        stderr: asc.createMemoryStream((chunk) => (said += String(chunk))),
        writeFile: (name, contents) => {
          if (name.endsWith("out.wasm")) bytes = contents as Uint8Array<ArrayBuffer>;
        },
      });
      if (error || said) throw new Error(`${file}: ${said || error!.message}`);
      this.addWatchFile(file);
      return `export default ${JSON.stringify(Buffer.from(bytes).toString("base64"))};`;
    },
  };
}
