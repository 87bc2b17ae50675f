// Builds of the library and the command line; the page has its own configuration in demo/.

import { defineConfig, type UserConfig } from "vite";
import { assemblyscript } from "./scripts/assemblyscript.ts";
import manifest from "./package.json" with { type: "json" };

const node: UserConfig = {
  build: {
    ssr: true,
    outDir: "dist/node",
    target: "node20",
    rolldownOptions: { input: { index: "host/node/index.ts", exacta: "host/node/exacta.ts" } },
  },
};

const web: UserConfig = {
  build: {
    outDir: "dist/web",
    target: "es2023",
    lib: { entry: { index: "host/web/index.ts" }, formats: ["es"] },
    rolldownOptions: {
      external: (id) =>
        Object.keys(manifest.dependencies).some((name) => id === name || id.startsWith(`${name}/`)),
    },
  },
};

export default defineConfig(({ mode }) => ({
  plugins: [assemblyscript()],
  ...(mode === "web" ? web : node),
}));
