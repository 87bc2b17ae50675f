// exacta devices: which engines this machine has, and which one `auto` takes.

import { RequestError } from "../../../src/errors.ts";
import { phaseConfig, plan } from "../../../src/experiments/phase.ts";
import { batchWork } from "../../../src/plan.ts";
import { kernelNames } from "../../../src/kernels/index.ts";
import { adapterKey, adapterName, openDevice } from "../../gpu/device.ts";
import type { ShaderProgram } from "../../gpu/launch.ts";
import { gpuRunner } from "../../gpu/runner.ts";
import { Tuner, type Choices } from "../../gpu/tune.ts";
import { sampleLaunch, tuningKey, variantsOf } from "../../gpu/kernels/index.ts";
import { chooseEngine, requestAdapter, withAdapter, type Platform } from "../../open.ts";
import { printable } from "../formats/printable.ts";
import { outputOf, writeResult, type Output } from "../output.ts";
import { isUnchecked, whyNoAdapter } from "../platform/dawn.ts";
import { platform as anyAdapter } from "../platform/index.ts";
import { command, flag, value } from "./command.ts";
import { adapterOption, jsonOption } from "./options.ts";

export const devicesCommand = command({
  name: "devices",
  summary: "Lists adapters with their limits and features, and the engine that auto takes and why.",
  manual: `
Lists the WebGPU adapters of this machine with their numbers and names for \`--adapter\`, their limits and features, the engine that \`--engine auto\` takes, and the kernel variants
that were measured to be fastest for each size. Where no adapter answers, it lists what is missing. \`--wgsl\` prints a shader as plain WGSL, linked from its modules.`,
  examples: ["exacta devices"],
  options: {
    ...jsonOption,
    ...adapterOption,
    tune: flag("measure again which variants of kernel reach are fastest for which sizes"),
    wgsl: value(
      "kernel.variant",
      "print the shader that the GPU gets for a variant, such as reach.registers",
    ),
  },
  async run({ json, tune, wgsl, adapter }) {
    const output = outputOf({ json: json ?? false });
    const platform = await withAdapter(anyAdapter, adapter);
    if (wgsl !== undefined) {
      await writeResult(await shaderText(platform, wgsl));
      return 0;
    }
    if (tune) await tuneAgain(platform, output);
    const devices = await listDevices(platform);
    output.finding({ kind: "devices", ...devices });
    output.text(devicesText(devices));
    return 0;
  },
});

/** The linked WGSL of a variant on the adapter of `--engine gpu`, with its constants and its fallback pass as comments. */
async function shaderText(platform: Platform, name: string): Promise<string> {
  const programs = kernelNames.flatMap((kernel) =>
    variantsOf(kernel).map((variant) => ({ kernel, variant })),
  );
  const program = programs.find(({ kernel, variant }) => name === `${kernel}.${variant}`);
  const names = programs.map(({ kernel, variant }) => `${kernel}.${variant}`).join(", ");
  if (!program) throw new RequestError("--wgsl", `one of ${names}`, name);
  const adapter = await requestAdapter(platform);
  if (!adapter)
    throw new RequestError("--wgsl", "a WebGPU adapter", undefined, "exacta devices says what is missing");
  const language = (await platform.gpu())?.wgslLanguageFeatures;
  const device = await openDevice(adapter, language ? { language } : {});
  try {
    const launch = sampleLaunch(program.kernel, program.variant, device.profile);
    if (!launch) throw new RequestError("--wgsl", "a variant that this GPU has the features for", name);
    const text = ({ source, constants }: ShaderProgram, title: string) =>
      `// ${printable(`${title} on ${adapterName(adapter.info)}`)}, for a small sample of work\n` +
      `// constants: ${JSON.stringify(constants)}\n${source.trimEnd()}\n`;
    const { fallback } = launch;
    return text(launch, name) + (fallback ? `\n${text(fallback, `the fallback pass of ${name}`)}` : "");
  } finally {
    device.close();
  }
}

/** Half ranges M = 2^bits that `--tune` measures, each with bits + 6 items and with 1 to bits + 6 items. */
const TUNED_BITS = [4, 6, 8, 10, 12];

/** Forgets the choices of variants for the adapter, and measures them anew. */
async function tuneAgain(platform: Platform, output: Output): Promise<void> {
  const adapter = await requestAdapter(platform);
  if (!adapter)
    throw new RequestError("--tune", "a WebGPU adapter", undefined, "exacta devices says what is missing");
  const language = (await platform.gpu())?.wgslLanguageFeatures;
  await new Tuner(platform.store, adapterKey(adapter)).forget();
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
        output.warn(`measuring ${tuningKey(work)}`);
        await runner.prepare(work);
      }
  } finally {
    runner.close();
  }
}

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

type Devices = Awaited<ReturnType<typeof listDevices>>;

async function listDevices(platform: Platform) {
  const chosen = await requestAdapter(platform);
  const found = await allAdapters(platform, chosen);
  const adapters = await Promise.all(
    found.map(async ({ adapter, ...listed }) => ({
      ...listed,
      name: adapterName(adapter.info),
      vendor: adapter.info.vendor,
      architecture: adapter.info.architecture,
      subgroup: adapter.info.subgroupMaxSize,
      limits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
      features: [...adapter.features].toSorted(),
      choices: await new Tuner(platform.store, adapterKey(adapter)).choices(),
    })),
  );
  return {
    auto: chooseEngine(chosen),
    threads: platform.hardwareThreads(),
    unchecked: isUnchecked(),
    adapters,
    missing: adapters.length === 0 ? await whyNoAdapter() : [],
  };
}

/** An adapter, and where the platform lists its adapters, the number and the name by which `--adapter` chooses it. */
interface Listed {
  readonly adapter: GPUAdapter;
  readonly number?: number;
  readonly gpu?: string;
}

async function allAdapters(platform: Platform, chosen: GPUAdapter | null): Promise<Listed[]> {
  const names = await platform.adapterNames?.();
  if (!names) {
    // WebGPU gives adapters no identity, so two with the same name count as one.
    const other = await (await platform.gpu())?.requestAdapter({ powerPreference: "low-power" });
    const byName = new Map(
      [chosen, other].flatMap((adapter) => (adapter ? [[adapterName(adapter.info), adapter]] : [])),
    );
    return [...byName.values()].map((adapter) => ({ adapter }));
  }
  const listed = await Promise.all(
    names.map(async (gpu, i) => {
      const adapter = await (await platform.gpu(gpu))?.requestAdapter();
      return adapter ? [{ adapter, number: i + 1, gpu }] : [];
    }),
  );
  return listed.flat();
}

/** The width of the first column. */
const INDENT = " ".repeat(11);

function devicesText({ auto, threads, unchecked, adapters, missing }: Devices): string {
  const lines = [
    `auto takes ${auto.engine}: ${auto.why}.`,
    "",
    `cpu        WebAssembly SIMD, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    ...(adapters.length === 0 ? ["gpu        no WebGPU adapter answers"] : []),
    ...missing.map((sentence) => `${INDENT}${sentence}`),
    ...adapters.flatMap(({ number, gpu, name, vendor, subgroup, limits, features, choices }) => [
      `${`gpu ${number ?? ""}`.padEnd(INDENT.length)}${gpu === undefined ? "" : `${gpu}, `}` +
        `${name} (${vendor || "unknown vendor"}, subgroups of up to ${subgroup})`,
      ...[
        ...Object.entries(limits).map(([limit, value]) => `${limit} ${value}`),
        `features ${features.join(" ")}`,
        `indices ${unchecked ? "unchecked" : "checked"} (EXACTA_UNCHECKED)`,
        ...choiceLines(choices),
      ].map((line) => `${INDENT}${line}`),
    ]),
    "reference  TypeScript, one thread: the definitions",
    "shadow     cpu compared word for word with gpu, or with reference where there is none",
  ];
  return `${lines.join("\n")}\n`;
}

/** A line for each size that was measured: the fastest variant, and the rates of all. */
function choiceLines(choices: Choices): string[] {
  return Object.entries(choices).map(([size, { best, rates }]) => {
    const fastestFirst = Object.entries(rates).toSorted(([, a], [, b]) => b - a);
    return `${size}: ${best} (${fastestFirst.map(([name, rate]) => `${name} ${rate.toExponential(2)}/s`).join(", ")})`;
  });
}
