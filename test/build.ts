// Builds for tests what a source is newer than, once for all processes.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("../scripts/build.js", import.meta.url));

/** Builds the command line or the page where a source is newer. */
export async function buildWhereOld(what: "command" | "page"): Promise<void> {
  // Vite builds for development where NODE_ENV says test.
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_ENV: "production" };
  await promisify(execFile)(process.execPath, what === "page" ? [script, what] : [script], { env });
}
