// Compiles the pipelines of all launches through Dawn, on a driver behind the layer (layer.c), which records them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, globals } from "webgpu";
import { kernelNames, type KernelName } from "../../src/kernels/index.ts";
import type { WorkOf } from "../../src/plan.ts";
import { RAISED_LIMITS } from "../../host/gpu/device.ts";
import {
  launchesOf,
  launchLabel,
  sampleLaunch,
  sampleWork,
  variantsOf,
} from "../../host/gpu/kernels/index.ts";
import type { DeviceProfile, Launch, VariantName } from "../../host/gpu/launch.ts";
import { PipelineCache } from "../../host/gpu/pipelines.ts";
import type { NamedWork } from "./works.ts";

/** A pipeline as the host would dispatch it, before a compiler has seen it. */
export interface Pipeline {
  /** Kernel and variant, with the size of the work and of the workgroups. */
  readonly label: string;
  readonly work: NamedWork["work"];
  readonly launch: Launch;
}

/** What the layer recorded of a pipeline. */
export interface Recorded extends Pipeline {
  /** The driver's statistics by their names. */
  readonly statistics: ReadonlyMap<string, string>;
  /** The driver's listing of the machine code. */
  readonly listing: string;
  /** The file with the SPIR-V that Tint made. */
  readonly spirv: string;
}

/** The pipelines of every variant that takes some work, each program and set of constants once. */
export function pipelinesOf(works: readonly NamedWork[], device: DeviceProfile): Pipeline[] {
  const found = new Map<string, Pipeline>();
  const add = (label: string, work: NamedWork["work"], launch: Launch) => {
    const key = JSON.stringify([launch.constants, launch.source]);
    if (!found.has(key)) found.set(key, { label, work, launch });
  };
  for (const { name, work } of works)
    for (const variant of variantsOf(work.kernel))
      for (const { fallback, ...launch } of launchesOf(work as WorkOf<typeof work.kernel>, device, variant)) {
        if (launch.variant !== variant) continue;
        const label = `${work.kernel} ${name}: ${launchLabel({ ...launch, ...(fallback && { fallback }) })}`;
        add(label, work, launch);
        if (fallback) add(`${label}, fallback`, work, { ...launch, ...fallback });
      }
  for (const [kernel, variant] of missingVariants([...found.values()])) {
    const launch = sampleLaunch(kernel, variant, device);
    if (launch)
      add(`${kernel} sample: ${launchLabel(launch)}`, sampleWork(kernel) as NamedWork["work"], launch);
  }
  return [...found.values()];
}

/** The variants of all kernels that none of the pipelines is of. */
export const missingVariants = (pipelines: readonly Pipeline[]): (readonly [KernelName, VariantName])[] =>
  kernelNames.flatMap((kernel) =>
    variantsOf(kernel)
      .filter(
        (variant) =>
          !pipelines.some(({ work, launch }) => work.kernel === kernel && launch.variant === variant),
      )
      .map((variant) => [kernel, variant] as const),
  );

export interface Opened {
  /** Dawn polls its instance through a raw pointer, so it must live as long as the device. */
  readonly instance: GPU;
  readonly gpu: GPUDevice;
  readonly adapter: GPUAdapter;
  readonly profile: DeviceProfile;
}

/** What a host believes of a device; the other limits are the real device's. */
export interface Beliefs {
  /** As WebGPU names it. */
  readonly vendor: string;
  readonly workgroupBytes: number;
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
}

/** Opens the device of the driver behind the layer. @throws {Error} Dawn finds no adapter. */
export async function openRecorder(toggles: readonly string[], beliefs: Beliefs): Promise<Opened> {
  Object.assign(globalThis, globals);
  const instance = create([`enable-dawn-features=${["allow_unsafe_apis", ...toggles].join(",")}`]);
  const adapter = await instance.requestAdapter();
  if (!adapter) throw new Error("Dawn finds no adapter behind the layer");
  const device = await adapter.requestDevice({
    requiredFeatures: (["subgroups"] as const).filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  const { info } = adapter;
  const limits = new Proxy(device.limits, {
    get: (real, name) =>
      name === "maxComputeWorkgroupStorageSize" ? beliefs.workgroupBytes : Reflect.get(real, name, real),
  });
  const subgroupMaxSize = beliefs.subgroupMaxSize ?? info.subgroupMaxSize ?? 32;
  const subgroupMinSize = beliefs.subgroupMinSize ?? info.subgroupMinSize ?? 32;
  const profile: DeviceProfile = {
    limits,
    subgroupMaxSize,
    subgroupMinSize,
    vendor: beliefs.vendor,
    features: new Set(["subgroups", "packed"]),
  };
  return { instance, gpu: device, adapter, profile };
}

/** Compiles pipelines one after the other into files of a folder, and yields what the layer recorded of each. */
export async function* recorded(
  { gpu }: Opened,
  pipelines: readonly Pipeline[],
  folder: string,
): AsyncGenerator<Recorded> {
  const cache = new PipelineCache(gpu);
  for (const pipeline of pipelines) {
    const stem = pipeline.label.replace(/[^\w^-]+/g, "_").replace(/\^/g, "");
    process.env["GPU_COMPILE_OUTPUT"] = join(folder, stem);
    await cache.get(pipeline.work.kernel, pipeline.launch);
    const read = (suffix: string) => readFileSync(join(folder, `${stem}.${suffix}`), "utf8");
    const listing = readdirSync(folder).find(
      (name) => name.startsWith(`${stem}.`) && name.endsWith("ssembly"),
    );
    yield {
      ...pipeline,
      statistics: new Map(
        read("statistics")
          .trim()
          .split("\n")
          .map((line) => line.split("\t") as [string, string]),
      ),
      listing: listing ? readFileSync(join(folder, listing), "utf8") : "",
      spirv: join(folder, `${stem}.spv`),
    };
  }
}
