// Builds of the library and the command line; the page has its own configuration in demo/.

import { defineConfig, type UserConfig } from "vite";
import { assemblyscript } from "./scripts/assemblyscript.ts";
import { bundle, bundledProgram, packageLicenses } from "./scripts/bundle.ts";
import { wesl } from "./scripts/wesl.ts";
import manifest from "./package.json" with { type: "json" };

/** The entries of the package that are the same on every platform, by the name of their subpath. */
const shared = Object.fromEntries(
  ["experiments", "solve", "ticket", "theory"].map((name) => [name, `host/entries/${name}.ts`]),
);

/** The programs of Node: the command line, and a thread of it. */
const programs = { exacta: "host/node/cli.ts", "solve-thread": "host/node/solve/thread.ts" };

/** Compiling AssemblyScript and packing take longer than bundling, and should. */
const checks = { pluginTimings: false };

/** Comments that name the files of packages would name the folder of the machine that builds. */
const experimental = { attachDebugInfo: "none" } as const;

/** All modules lie in one folder, since packaged files are found by their path from there. */
const programOutput = { chunkFileNames: "[name]-[hash].js" };

/** All packages are built in, so that a process opens few files, but for Dawn's, which finds its binary beside itself. */
const node: UserConfig = {
  ssr: { noExternal: true, external: ["webgpu"] },
  build: {
    ssr: true,
    outDir: "dist/node",
    target: "node20",
    license: { fileName: packageLicenses },
    rolldownOptions: {
      input: { index: "host/node/index.ts", ...shared, ...programs },
      output: programOutput,
      checks,
      experimental,
    },
  },
};

const web: UserConfig = {
  build: {
    outDir: "dist/web",
    target: "es2023",
    lib: { entry: { index: "host/web/index.ts", ...shared }, formats: ["es"] },
    rolldownOptions: {
      checks,
      external: (id) =>
        Object.keys(manifest.dependencies).some((name) => id === name || id.startsWith(`${name}/`)),
    },
  },
};

/** The command line alone, for machines without packages. */
const headless: UserConfig = {
  ...node,
  build: {
    ...node.build,
    outDir: bundledProgram,
    rolldownOptions: { ...node.build?.rolldownOptions, input: programs },
  },
};

export default defineConfig(({ mode }) => ({
  plugins: [assemblyscript(), wesl(), mode === "bundle" && bundle()],
  ...({ web, bundle: headless }[mode] ?? node),
}));
