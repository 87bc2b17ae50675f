// `npm run screenshot`: builds the page, opens it in headless Chromium and takes docs/page.png, the picture of the README.

import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const { module } = await runnerImport(`${root}scripts/screenshot/index.ts`, { root, logLevel: "error" });
await module.main();
