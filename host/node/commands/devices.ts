// exacta devices: which engines this machine has, and which one `auto` takes.

import { RequestError } from "../../../src/errors.ts";
import { phaseConfig, plan } from "../../../src/experiments/phase.ts";
import { batchWork } from "../../../src/plan.ts";
import { adapterKey, adapterName, gpuRunner } from "../../gpu/runner.ts";
import { Tuner, type Choices } from "../../gpu/tune.ts";
import { tuningKey } from "../../gpu/kernels/index.ts";
import { chooseEngine, requestAdapter } from "../../open.ts";
import { isUnchecked, whyNoAdapter } from "../platform/dawn.ts";
import { platform } from "../platform/index.ts";

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Precisions whose trials are measured by `--tune`: M = 2^bits, with bits + 6 items and with 1 to so many. */
const TUNED_BITS = [4, 6, 8, 10, 12];

/** Measures the variants of a list of sizes anew. */
async function tune(info: GPUAdapterInfo, language: ReadonlySet<string> | undefined): Promise<void> {
  await new Tuner(platform.store, adapterKey(info)).forget();
  const runner = await gpuRunner(() => requestAdapter(platform), {
    store: platform.store,
    budget: Infinity,
    ...(language && { language }),
  });
  try {
    for (const bits of TUNED_BITS)
      for (const from of [bits + 6, 1]) {
        const trials = plan(phaseConfig({ bits, items: { from, to: bits + 6 }, targets: [0] }));
        const work = batchWork(trials, { first: 0, count: 1 });
        process.stderr.write(`measuring ${tuningKey(work)}\n`);
        await runner.prepare(work);
      }
  } finally {
    runner.close();
  }
}

/** What was measured, a size to a line. */
const choiceLines = (choices: Choices): string[] =>
  Object.entries(choices).map(([size, { best, rates }]) => {
    const fastest = Object.entries(rates).toSorted(([, a], [, b]) => b - a);
    return `           ${size}: ${best} (${fastest.map(([name, rate]) => `${name} ${rate.toExponential(2)}/s`).join(", ")})`;
  });

/** Runs the command and returns its exit status. */
export async function runDevices({ json, tune: anew }: { json?: boolean; tune?: boolean }): Promise<number> {
  const gpu = await platform.gpu();
  const chosen = await requestAdapter(platform);
  if (anew && !chosen)
    throw new RequestError("--tune", "a WebGPU adapter", undefined, "exacta devices says what is missing");
  if (anew) await tune(chosen!.info, gpu!.wgslLanguageFeatures);
  // An adapter has no identity beyond what it says of itself.
  const found = new Map<string, GPUAdapter>();
  for (const adapter of [chosen, await gpu?.requestAdapter({ powerPreference: "low-power" })])
    if (adapter) found.set(adapterName(adapter.info), adapter);
  const choices = await Promise.all(
    [...found.values()].map(({ info }) => new Tuner(platform.store, adapterKey(info)).choices()),
  );
  const adapters = [...found].map(([name, { info, limits, features }], i) => ({
    name,
    vendor: info.vendor,
    architecture: info.architecture,
    subgroup: info.subgroupMaxSize,
    limits: Object.fromEntries(LIMITS.map((limit) => [limit, limits[limit]])),
    features: [...features].toSorted(),
    choices: choices[i]!,
  }));
  const auto = chooseEngine(chosen);
  const threads = platform.hardwareThreads();
  const missing = adapters.length === 0 ? await whyNoAdapter() : [];
  const unchecked = isUnchecked();
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ kind: "devices", auto, threads, unchecked, adapters, missing })}\n`,
    );
    return 0;
  }
  const lines = [
    `auto takes ${auto.engine}: ${auto.why}.`,
    "",
    `cpu        WebAssembly SIMD, ${threads} hardware threads`,
    ...(adapters.length === 0 ? ["gpu        no WebGPU adapter answers"] : []),
    ...missing.map((sentence) => `           ${sentence}`),
    ...adapters.flatMap(({ name, vendor, subgroup, limits, features, choices }) => [
      `gpu        ${name} (${vendor || "unknown vendor"}, subgroups of up to ${subgroup})`,
      ...Object.entries(limits).map(([limit, value]) => `           ${limit} ${value}`),
      `           features ${features.join(" ")}`,
      `           indices ${unchecked ? "unchecked" : "checked"} (EXACTA_UNCHECKED)`,
      ...choiceLines(choices),
    ]),
    "reference  TypeScript, one thread: the definitions",
    "shadow     cpu compared word for word with gpu, or with reference where there is none",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
