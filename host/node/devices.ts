// exacta devices: which engines this machine has, and which one `auto` takes.

import { chooseEngine, requestAdapter } from "../open.ts";
import { adapterName } from "../gpu/runner.ts";
import { whyNoAdapter } from "./device.ts";
import { platform } from "./platform.ts";

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Runs the command and returns its exit status. */
export async function runDevices({ json }: { json?: boolean }): Promise<number> {
  const gpu = await platform.gpu();
  const chosen = await requestAdapter(platform);
  // An adapter has no identity beyond what it says of itself.
  const found = new Map<string, GPUAdapter>();
  for (const adapter of [chosen, await gpu?.requestAdapter({ powerPreference: "low-power" })])
    if (adapter) found.set(adapterName(adapter.info), adapter);
  const adapters = [...found].map(([name, { info, limits, features }]) => ({
    name,
    vendor: info.vendor,
    architecture: info.architecture,
    subgroup: info.subgroupMaxSize,
    limits: Object.fromEntries(LIMITS.map((limit) => [limit, limits[limit]])),
    features: [...features].toSorted(),
  }));
  const auto = chooseEngine(chosen);
  const threads = platform.hardwareThreads();
  const missing = adapters.length === 0 ? await whyNoAdapter() : [];
  if (json) {
    process.stdout.write(`${JSON.stringify({ kind: "devices", auto, threads, adapters, missing })}\n`);
    return 0;
  }
  const lines = [
    `auto takes ${auto.engine}: ${auto.why}.`,
    "",
    `cpu        WebAssembly SIMD, ${threads} hardware threads`,
    ...(adapters.length === 0 ? ["gpu        no WebGPU adapter answers"] : []),
    ...missing.map((sentence) => `           ${sentence}`),
    ...adapters.flatMap(({ name, vendor, subgroup, limits, features }) => [
      `gpu        ${name} (${vendor || "unknown vendor"}, subgroups of up to ${subgroup})`,
      ...Object.entries(limits).map(([limit, value]) => `           ${limit} ${value}`),
      `           features ${features.join(" ")}`,
    ]),
    "reference  TypeScript, one thread: the definitions",
    "shadow     cpu compared word for word with gpu, or with reference where there is none",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
