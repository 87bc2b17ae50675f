// Keeps native code from writing to stderr. Node cannot redirect the stderr of its own process, so what would be written is
// avoided: variables quieten Mesa and the library of Wayland, and drivers about which Dawn warns are left out.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { driverManifests } from "./vulkan.ts";

/** Prints which of the drivers on its command line have an adapter that Dawn takes. Dawn warns about the others. */
const PROBE = `
const [webgpu, ...drivers] = process.argv.slice(1);
const { create, globals } = await import(webgpu);
Object.assign(globalThis, globals);
const taken = [];
for (const driver of drivers) {
  process.env.VK_DRIVER_FILES = process.env.VK_ICD_FILENAMES = driver;
  if (await create([]).requestAdapter().catch(() => null)) taken.push(driver);
}
console.log(JSON.stringify(taken));
`;
/** A driver that does not answer in time is left to the process itself, which may say so. */
const PROBE_MS = 20_000;

/**
 * Prepares the environment of a process for Dawn.
 * @returns Whether there is a driver that Dawn takes.
 */
export function silenceVulkan(env: NodeJS.ProcessEnv = process.env): boolean {
  // Mesa asks Wayland for the screen's GPU, and without this variable Wayland complains. There need be no such folder.
  env["XDG_RUNTIME_DIR"] ||= join(tmpdir(), "exacta-none");
  env["MESA_LOG_FILE"] ||= "/dev/null";
  const webgpu = pathToFileURL(createRequire(import.meta.url).resolve("webgpu")).href;
  const drivers = driverManifests(env);
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", PROBE, webgpu, ...drivers],
    { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: PROBE_MS },
  );
  if (status !== 0) return true;
  const taken = JSON.parse(stdout) as readonly string[];
  if (taken.length > 0) env["VK_DRIVER_FILES"] = env["VK_ICD_FILENAMES"] = taken.join(":");
  return taken.length > 0;
}
