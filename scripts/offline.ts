// The Vite plugin that lets the built page work without a network: it writes `offline.js`, a service worker that keeps every file
// of the build. The page registers it in demo/offline.ts.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "vite";

const SERVICE_WORKER = "offline.js";

/** The service worker. The address of the page carries inputs, which its file does not depend on. */
const script = (
  build: string,
  files: readonly string[],
) => `// Caches belong to an origin, which may serve several builds.
const OWN = "exacta " + registration.scope + " ";
const CACHE = OWN + ${JSON.stringify(build)};
const FILES = ${JSON.stringify(["./", ...files])};
addEventListener("install", (event) => {
  // The browser's own cache may hold files of an earlier build.
  const requests = FILES.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});
addEventListener("activate", (event) => {
  const drop = async () => {
    for (const name of await caches.keys())
      if (name.startsWith(OWN) && name !== CACHE) await caches.delete(name);
  };
  event.waitUntil(drop());
});
addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
  };
  event.respondWith(answer());
});
`;

export function offline(): Plugin {
  return {
    name: "offline",
    config: (_, { command }) => ({ define: { IS_BUILT: String(command === "build") } }),
    async writeBundle({ dir }) {
      const names = (await readdir(dir!, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && entry.name !== SERVICE_WORKER)
        .map(({ parentPath, name }) =>
          join(parentPath, name)
            .slice(dir!.length + 1)
            .replaceAll("\\", "/"),
        )
        .toSorted();
      const hash = createHash("sha256");
      for (const name of names) hash.update(`${name}\0`).update(await readFile(join(dir!, name)));
      const build = hash.digest("hex").slice(0, 16);
      await writeFile(join(dir!, SERVICE_WORKER), script(build, names));
    },
  };
}
