// Headless Chromium for tests of what runs in a browser.

import { chromium, type Browser } from "playwright-core";
import { hasSoftware, software } from "../scripts/software.ts";

/** `webgpu`: a software adapter on x64 Linux, elsewhere the machine's own. `none`: a browser without WebGPU. */
export type Graphics = "webgpu" | "none";

const flags: Record<Graphics, readonly string[]> = {
  // Canvases stay empty with fewer of these, and with --disable-vulkan-surface, --in-process-gpu or --single-process.
  webgpu: hasSoftware
    ? [
        "--enable-unsafe-webgpu",
        "--use-angle=swiftshader",
        "--enable-features=Vulkan",
        "--use-vulkan=swiftshader",
        // SwiftShader compiles a store for every word of workgroup memory, which takes seconds; without it Dawn writes a loop.
        "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
      ]
    : ["--enable-unsafe-webgpu"],
  none: ["--disable-blink-features=WebGPU"],
};

const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--disable-quic",
];

/** Starts a browser; close it when done. Off x64 Linux it is the machine's own Chrome. */
export async function launchBrowser(graphics: Graphics): Promise<Browser> {
  const args = [...flags[graphics], ...QUIET];
  if (!hasSoftware) return chromium.launch({ channel: "chrome", args });
  const { chromium: executablePath, browserEnv, dawnEnv } = await software();
  // Chromium's sandbox refuses root.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !(entry[0] in dawnEnv),
  );
  return chromium.launch({ executablePath, args, env: { ...Object.fromEntries(inherited), ...browserEnv } });
}
