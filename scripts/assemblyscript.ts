// The Vite plugin of AssemblyScript: `import hex from "./random.ts?wasm"` compiles a module and imports it in hexadecimal digits,
// which gzip makes a sixth shorter than base64, since bytes that repeat are digits that repeat. `index.ts?wasm` is the module of
// all kernels: it also exports the function `<kernel>` of the file `<kernel>.ts` for every kernel of src/kernels/index.ts.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import type { Plugin } from "vite";
import { kernelNames } from "../src/kernels/index.ts";

/** The query of imports that are compiled. */
const SUFFIX = "?wasm";
/** Warning 112 is off: it reports exported functions that take v128, which AssemblyScript alone calls here. */
const OPTIONS = "--noAssert --runtime stub --enable simd,bulk-memory --use abort= --disableWarning 112".split(
  " ",
);

/** How much the compiler optimizes what users run. */
const LEVEL = "-O3";

/** The text of a second entry, which exports every kernel. */
const kernelExports = kernelNames.map((kernel) => `export { ${kernel} } from "./${kernel}";\n`).join("");

/** The text of a file; null where there is none, which the compiler expects. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/**
 * Compiles a file of AssemblyScript.
 * @param edit Changes the text of every file that is read. Tests plant faults by it.
 * @param level How much the compiler optimizes. `-O1` takes half of the time of `-O3`.
 * @throws {Error} The compiler finds an error or has a warning.
 */
export async function compile(
  file: string,
  edit = (text: string) => text,
  level = LEVEL,
): Promise<Uint8Array<ArrayBuffer>> {
  const generated = join(dirname(file), "kernels.ts");
  const entries = basename(file) === "index.ts" ? [file, generated] : [file];
  let bytes = new Uint8Array();
  let messages = "";
  const { error } = await asc.main([...entries, level, ...OPTIONS, "--outFile", "out.wasm"], {
    stderr: asc.createMemoryStream((chunk) => (messages += String(chunk))),
    readFile(name, folder) {
      const path = resolve(folder, name);
      const text = path === generated ? kernelExports : textOf(path);
      return text === null ? null : edit(text);
    },
    writeFile: (name, contents) => {
      if (name.endsWith("out.wasm")) bytes = contents as Uint8Array<ArrayBuffer>;
    },
  });
  // Warnings fail as well.
  if (error || messages) throw new Error(`${file}: ${messages || error!.message}`);
  return bytes;
}

/** Compiled modules, by the hash of the sources that they may import. Compiling all kernels takes seconds. */
const cache = fileURLToPath(new URL("../.cache/wasm/", import.meta.url));

/** The folder from which modules of other folders import. */
const kernels = fileURLToPath(new URL("../host/cpu/wasm", import.meta.url));

/** Compiles a file, or reads the module that an earlier process compiled from the same sources. */
async function compileOnce(file: string): Promise<Uint8Array> {
  const hash = createHash("sha256").update(
    `${asc.version} ${LEVEL} ${OPTIONS.join(" ")} ${basename(file)}${kernelExports}`,
  );
  for (const folder of new Set([dirname(file), kernels]))
    for (const name of (await readdir(folder)).toSorted())
      if (name.endsWith(".ts")) hash.update(`${name}\0`).update(await readFile(join(folder, name)));
  const cached = join(cache, `${hash.digest("hex")}.wasm`);
  try {
    return await readFile(cached);
  } catch {
    const bytes = await compile(file);
    await mkdir(cache, { recursive: true });
    // Other processes see the whole module or none.
    const partial = `${cached}.${process.pid}`;
    await writeFile(partial, bytes);
    await rename(partial, cached);
    return bytes;
  }
}

export function assemblyscript(): Plugin {
  return {
    name: "assemblyscript",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(SUFFIX)) return null;
      const file = id.slice(0, -SUFFIX.length);
      const bytes = await compileOnce(file);
      this.addWatchFile(file);
      return `export default ${JSON.stringify(Buffer.from(bytes).toString("hex"))};`;
    },
  };
}
