// The GPU runner: plans on a WebGPU device, in browsers and through Dawn.

import { expected } from "../../src/check.ts";
import { packParams } from "../../src/kernel.ts";
import { kernels } from "../../src/kernels/index.ts";
import { batchParams, inputsOf, type Batch, type Plan } from "../../src/plan.ts";
import type { Runner } from "../runner.ts";
import { shapeOf, type Shape, type VariantName } from "./variants.ts";

export interface GpuOptions {
  /** Forces a variant; by default the first that fits a plan. */
  readonly variant?: VariantName;
  /** Fills outputs and scratch memory with this word before every batch: for tests, which show that it changes nothing. */
  readonly poison?: number;
}

/** The buffers of one batch in flight: each has its own, since barriers are per whole buffer. */
interface Slot {
  readonly params: GPUBuffer;
  readonly tally: GPUBuffer;
  readonly staging: GPUBuffer;
  readonly slabs: GPUBuffer | undefined;
  readonly bindGroup: GPUBindGroup;
}

/** A plan made ready on a device. */
interface Prepared {
  readonly shape: Shape;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly inputs: readonly GPUBuffer[];
  readonly idle: Slot[];
}

interface Opened {
  readonly device: GPUDevice;
  readonly subgroup: number;
  /** Plans made ready, and how many batches of each are in flight. */
  readonly plans: Map<Plan, { readonly work: Promise<Prepared>; users: number }>;
  /** Why the device can no longer be trusted. */
  failure: Error | undefined;
}

class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** The device of an adapter in words. */
export function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return description || [vendor, architecture, device].filter(Boolean).join(" ") || "unnamed WebGPU adapter";
}

async function openDevice(adapter: GPUAdapter): Promise<Opened> {
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  const opened: Opened = {
    device,
    subgroup: adapter.info.subgroupMaxSize || 32,
    plans: new Map(),
    failure: undefined,
  };
  void device.lost.then(
    ({ message }) => (opened.failure = new DeviceLostError(`the GPU was lost: ${message}`)),
  );
  device.addEventListener("uncapturederror", ({ error }) => {
    opened.failure ??= new Error(`the GPU refused its work: ${error.message}`);
  });
  return opened;
}

async function prepare({ device, subgroup }: Opened, plan: Plan, variant?: VariantName): Promise<Prepared> {
  const shape = shapeOf(plan, { limits: device.limits, subgroup }, variant);
  if (!shape)
    throw new RangeError(
      expected(
        "items x halfRange",
        "a bitset that this GPU's memory can hold",
        plan.params.itemsTo * plan.params.halfRange,
        "use --engine cpu",
      ),
    );
  const types: GPUBufferBindingType[] = [
    "uniform",
    ...inputsOf(plan).map(() => "read-only-storage" as const),
    "storage",
  ];
  if (shape.slabWords > 0) types.push("storage");
  const layout = device.createBindGroupLayout({
    entries: types.map((type, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type },
    })),
  });
  const pipeline = await device.createComputePipelineAsync({
    label: `${plan.kernel}.${shape.name}`,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code: shape.source }), constants: shape.constants },
  });
  const inputs = inputsOf(plan).map((words) => {
    const buffer = device.createBuffer({
      size: Math.max(words.byteLength, 4),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, words);
    return buffer;
  });
  return { shape, pipeline, layout, inputs, idle: [] };
}

function makeSlot(device: GPUDevice, plan: Plan, { shape, layout, inputs }: Prepared): Slot {
  const kernel = kernels[plan.kernel];
  const bytes = 4 * kernel.buffers.tally.length(batchParams(plan, { first: 0, count: 0 }));
  const make = (size: number, usage: number) => device.createBuffer({ size, usage });
  const params = make(4 * kernel.params.length, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  const tally = make(bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
  const staging = make(bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  const slabs =
    shape.slabWords > 0
      ? make(4 * shape.slabWords * shape.maxGroups, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST)
      : undefined;
  const bindGroup = device.createBindGroup({
    layout,
    entries: [params, ...inputs, tally, ...(slabs ? [slabs] : [])].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    })),
  });
  return { params, tally, staging, slabs, bindGroup };
}

function releaseSlot({ params, tally, staging, slabs }: Slot): void {
  for (const buffer of [params, tally, staging, slabs]) buffer?.destroy();
}

function releasePlan({ inputs, idle }: Prepared): void {
  for (const input of inputs) input.destroy();
  idle.forEach(releaseSlot);
}

async function runBatch(
  opened: Opened,
  prepared: Prepared,
  plan: Plan,
  batch: Batch,
  poison?: number,
): Promise<Uint32Array> {
  const { device } = opened;
  const { shape, pipeline } = prepared;
  const slot = prepared.idle.pop() ?? makeSlot(device, plan, prepared);
  if (poison !== undefined)
    for (const buffer of [slot.tally, slot.slabs])
      if (buffer) device.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(poison));
  device.queue.writeBuffer(slot.params, 0, packParams(kernels[plan.kernel], batchParams(plan, batch)));
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(slot.tally);
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, slot.bindGroup);
  if (batch.count > 0)
    pass.dispatchWorkgroups(Math.min(Math.ceil(batch.count / shape.trialsPerGroup), shape.maxGroups));
  pass.end();
  encoder.copyBufferToBuffer(slot.tally, 0, slot.staging, 0, slot.tally.size);
  device.queue.submit([encoder.finish()]);
  try {
    await slot.staging.mapAsync(GPUMapMode.READ);
  } catch (error) {
    releaseSlot(slot);
    throw error;
  }
  const words = new Uint32Array(slot.staging.getMappedRange().slice(0));
  slot.staging.unmap();
  prepared.idle.push(slot);
  return words;
}

/**
 * Opens a device of the adapter that `requestAdapter` answers. A batch whose device is lost runs once more on a new one:
 * it is a pure function of its plan and range.
 */
export async function gpuRunner(
  requestAdapter: () => Promise<GPUAdapter | null>,
  options: GpuOptions = {},
): Promise<Runner> {
  let name = "";
  async function open(): Promise<Opened> {
    const adapter = await requestAdapter();
    if (!adapter) throw new DeviceLostError("the GPU was lost and no WebGPU adapter answers any more");
    name = adapterName(adapter.info);
    return openDevice(adapter);
  }
  let opening = open();
  await opening;
  let closed = false;

  /** A plan's entry; making one gives back the plans that nobody uses any more. */
  function entryOf(opened: Opened, plan: Plan) {
    let entry = opened.plans.get(plan);
    if (!entry) {
      for (const [old, { work, users }] of opened.plans) {
        if (users > 0) continue;
        opened.plans.delete(old);
        void work.then(releasePlan, () => {});
      }
      entry = { work: prepare(opened, plan, options.variant), users: 0 };
      opened.plans.set(plan, entry);
    }
    return entry;
  }

  /** After a device has failed, whoever notices first opens another. */
  function reopen(attempt: Promise<Opened>): void {
    if (closed || opening !== attempt) return;
    void attempt.then(
      ({ device }) => device.destroy(),
      () => {},
    );
    opening = open();
    // Whoever runs next hears of a failure.
    opening.catch(() => {});
  }

  async function run(plan: Plan, batch: Batch, retries: number): Promise<Uint32Array> {
    const attempt = opening;
    let opened: Opened | undefined;
    try {
      opened = await attempt;
      const entry = entryOf(opened, plan);
      entry.users++;
      try {
        const tally = await runBatch(opened, await entry.work, plan, batch, options.poison);
        if (opened.failure) throw opened.failure;
        return tally;
      } finally {
        entry.users--;
      }
    } catch (error) {
      const failure = opened?.failure ?? error;
      if (!opened || opened.failure) reopen(attempt);
      if (closed || retries === 0 || !(failure instanceof DeviceLostError)) throw failure;
      return run(plan, batch, retries - 1);
    }
  }

  return {
    engine: "gpu",
    adapter: name,
    depth: 2,
    lanes: 1,
    pace: 80,
    async prepare(plan) {
      await entryOf(await opening, plan).work;
    },
    run: (plan, batch) => run(plan, batch, 1),
    close() {
      closed = true;
      void opening.then(
        ({ device }) => device.destroy(),
        () => {},
      );
    },
  };
}
