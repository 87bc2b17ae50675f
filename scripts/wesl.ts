// A Vite plugin: `import source from "./reach/registers.wesl?wgsl"` is the program whose root module that file is, linked into
// plain WGSL, so that packages need no linker at run time.
//
// In WESL (https://wesl-lang.dev) modules import declarations by name. Two conditions are set: the folder and the file of the
// root module, which are the kernel and the variant.

import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { link } from "wesl";

const SUFFIX = "?wgsl";
const shaders = fileURLToPath(new URL("../shaders", import.meta.url));

/** The paths of all modules below `shaders/`, with forward slashes. */
const modules = (): string[] =>
  readdirSync(shaders, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".wesl"))
    .map((path) => path.replaceAll(sep, "/"));

/** The comment that a module opens with. The linker keeps the comments of declarations alone. */
const headOf = (text: string): string => /^(\/\/.*\n)*/.exec(text)![0];

/** Links the program of a root module, `reach/registers` say. Throws where the linker finds a name that nothing declares. */
async function linkProgram(root: string): Promise<string> {
  const weslSrc = Object.fromEntries(
    modules().map((path) => [path, readFileSync(join(shaders, path), "utf8")]),
  );
  const conditions = { [dirname(root)]: true, [basename(root)]: true };
  const { dest } = await link({ weslSrc, rootModuleName: root, conditions });
  return `${headOf(weslSrc[`${root}.wesl`]!)}\n${dest.replaceAll(/\n{3,}/g, "\n\n").trim()}\n`;
}

export function wesl(): Plugin {
  return {
    name: "wesl",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(`.wesl${SUFFIX}`)) return null;
      const root = relative(shaders, id.slice(0, -`.wesl${SUFFIX}`.length)).replaceAll(sep, "/");
      for (const path of modules()) this.addWatchFile(join(shaders, path));
      return `export default ${JSON.stringify(await linkProgram(root))};`;
    },
  };
}
