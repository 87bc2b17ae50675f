// The GPU runner: kernels on a WebGPU device, in browsers and through Dawn.

import { CapacityError } from "../../src/errors.ts";
import { packParams } from "../../src/kernel.ts";
import { kernels } from "../../src/kernels/index.ts";
import { inputsOf, outputOf, type Work } from "../../src/plan.ts";
import type { Answer, Runner } from "../runner.ts";
import type { DeviceProfile, Feature, Launch, ShaderProgram, VariantName } from "./launch.ts";
import { choose, Tuner, type Store } from "./tune.ts";
import { launchesOf, launchLabel, tuningKey, unitsOf, withUnits } from "./kernels/index.ts";

export interface GpuOptions {
  /** Where measurements are kept, by which one of the shapes that fit is chosen; by default the likeliest one is taken. */
  readonly store?: Store;
  /** Milliseconds of measuring one size after which no other shape is tried; by default 1000. */
  readonly budget?: number;
  /** Forces a variant. */
  readonly variant?: VariantName;
  /** Fills outputs and scratch memory with this word before every piece of work: for tests, which show that it changes nothing. */
  readonly poison?: number;
  /** Places that variants of `reach` have for nearly every trial: for tests, which show that it changes nothing. */
  readonly places?: number;
  /** What the implementation's WGSL knows beyond the core (`GPU.wgslLanguageFeatures`); by default nothing. */
  readonly language?: ReadonlySet<string>;
}

/** The buffers of one piece of work in flight: each has its own, since barriers are per whole buffer. */
interface Slot {
  readonly params: GPUBuffer;
  /** What the dispatches of one submission are told, PHASE_STRIDE apart. */
  readonly phases: GPUBuffer;
  readonly output: GPUBuffer;
  readonly staging: GPUBuffer;
  readonly slabs: GPUBuffer | undefined;
  readonly stamps: Stamps | undefined;
  /** The bind groups of the work before, which work of the same shape and inputs can use again. */
  bound?: { layouts: Compiled["layouts"]; inputs: Uploaded; groups: readonly [GPUBindGroup, GPUBindGroup] };
}

/** The times at which a device began and ended a piece of work, in nanoseconds. */
interface Stamps {
  readonly set: GPUQuerySet;
  readonly buffer: GPUBuffer;
}

/** What a kernel reads, on a device. */
interface Uploaded {
  readonly buffers: readonly GPUBuffer[];
  /** Pieces of work in flight that read it. */
  users: number;
}

interface Compiled {
  readonly pipeline: GPUComputePipeline;
  /** What the contract binds, and what the shape adds. */
  readonly layouts: readonly GPUBindGroupLayout[];
}

interface Opened {
  readonly device: GPUDevice;
  readonly room: DeviceProfile;
  readonly compiled: Map<string, Promise<Compiled>>;
  readonly uploaded: Map<Work["inputs"], Uploaded>;
  /** Slots that wait for work, the latest used last. */
  readonly idle: Slot[];
  readonly tuner: Tuner | undefined;
  /** The shapes that serve, by label, for each size of work. */
  readonly chosen: Map<string, Promise<string>>;
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

/** Features that some shapes need, and no work. */
const OPTIONAL_FEATURES: readonly GPUFeatureName[] = ["subgroups", "timestamp-query"];

/** The device of an adapter in words. */
export function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return description || [vendor, architecture, device].filter(Boolean).join(" ") || "unnamed WebGPU adapter";
}

/** All that an adapter says of itself and its driver. */
export const adapterKey = ({ vendor, architecture, device, description }: GPUAdapterInfo): string =>
  [vendor, architecture, device, description].join(" ");

/** What shapes may count on. */
function featuresOf({ features }: GPUDevice, { language }: GpuOptions): ReadonlySet<Feature> {
  const found = new Set<Feature>();
  if (features.has("subgroups")) found.add("subgroups");
  if (language?.has("packed_4x8_integer_dot_product")) found.add("packed");
  return found;
}

async function openDevice(adapter: GPUAdapter, options: GpuOptions): Promise<Opened> {
  const device = await adapter.requestDevice({
    requiredFeatures: OPTIONAL_FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  const opened: Opened = {
    device,
    room: {
      limits: device.limits,
      subgroupMaxSize: adapter.info.subgroupMaxSize || 32,
      subgroupMinSize: adapter.info.subgroupMinSize || 4,
      features: featuresOf(device, options),
      capacityBits: options.places,
    },
    compiled: new Map(),
    uploaded: new Map(),
    idle: [],
    tuner: options.store && new Tuner(options.store, adapterKey(adapter.info)),
    chosen: new Map(),
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

/** More than any kernel has parameters. */
const MAX_PARAMS_BYTES = 256;
/** Dispatches of one submission, which must not keep a device for long, and bytes from what one is told to the next. */
const SUBMITTED_PHASES = 32;
const PHASE_STRIDE = 256;
/** Two times, as a device writes them. */
const STAMP_BYTES = 16;
/** Idle buffers that are kept for more work: slots, and what they hold in all. */
const IDLE_SLOTS = 8;
const IDLE_BYTES = 2 ** 29;

/** Trials that are measured at first and at most, whatever was asked for. */
const FIRST_TRIALS = 2 ** 9;
const MOST_TRIALS = 2 ** 24;
/** Other units of work that are measured at first; with fewer of them in all, measuring would not pay. */
const FIRST_UNITS = 2 ** 11;

/** The shape that the work takes on a device. Throws RangeError where its memory cannot hold it. */
async function fit(opened: Opened, work: Work, options: GpuOptions): Promise<Launch> {
  const shapes = launchesOf(work, opened.room, options.variant);
  const [first] = shapes;
  if (!first) throw noRoom(work);
  const most = work.kernel === "reach" ? MOST_TRIALS : unitsOf(work);
  if (!opened.tuner || shapes.length === 1 || most < FIRST_UNITS) return first;
  const size = tuningKey(work) + (options.variant ? `, ${options.variant}` : "");
  let chosen = opened.chosen.get(size);
  if (!chosen) {
    opened.chosen.set(size, (chosen = measured(opened, opened.tuner, work, size, most, options)));
    chosen.catch(() => opened.chosen.delete(size));
  }
  const label = await chosen;
  return shapes.find((shape) => launchLabel(shape) === label) ?? first;
}

/** The label of the fastest shape for work of a size: known, or measured now. */
async function measured(
  opened: Opened,
  tuner: Tuner,
  work: Work,
  size: string,
  most: number,
  { variant, budget }: GpuOptions,
): Promise<string> {
  const labels = launchesOf(work, opened.room, variant).map(launchLabel);
  const first = work.kernel === "reach" ? FIRST_TRIALS : FIRST_UNITS;
  const known = (await tuner.choices())[size];
  if (known && labels.includes(known.best)) return known.best;
  const time = async (label: string, units: number) => {
    const part = withUnits(work, units);
    const shape = launchesOf(part, opened.room, variant).find(
      (candidate) => launchLabel(candidate) === label,
    );
    if (!shape) throw noRoom(part);
    await compile(opened, part, shape);
    const began = performance.now();
    const { deviceMilliseconds } = await execute(opened, part, shape, undefined);
    return deviceMilliseconds ?? performance.now() - began;
  };
  const choice = await choose(labels, time, {
    first,
    most,
    ...(budget !== undefined && { budget }),
  });
  if (!opened.failure) await tuner.keep(size, choice);
  return choice.best;
}

function noRoom({ kernel, params }: Work): CapacityError {
  return new CapacityError(kernel, "sums that this GPU's memory can hold", params, {
    option: "engine",
    value: "cpu",
  });
}

/** The pipeline of a program of a shape, compiled once for each device. */
function compileProgram(
  { device, compiled }: Opened,
  work: Work,
  { variant, scratchBytes }: Launch,
  { source, constants }: ShaderProgram,
): Promise<Compiled> {
  const key = `${JSON.stringify(constants)}\n${source}`;
  const known = compiled.get(key);
  if (known) return known;
  const visibility = GPUShaderStage.COMPUTE;
  const types = ["uniform", ...inputsOf(work).map(() => "read-only-storage" as const), "storage"] as const;
  const layouts = [
    types.map((type, binding) => ({ binding, visibility, buffer: { type } })),
    [
      ...(scratchBytes > 0 ? [{ binding: 0, visibility, buffer: { type: "storage" as const } }] : []),
      { binding: 1, visibility, buffer: { type: "uniform" as const, hasDynamicOffset: true } },
    ],
  ].map((entries) => device.createBindGroupLayout({ entries }));
  const compiling = device
    .createComputePipelineAsync({
      label: `${work.kernel}.${variant}`,
      layout: device.createPipelineLayout({ bindGroupLayouts: layouts }),
      compute: { module: device.createShaderModule({ code: source }), constants },
    })
    .then((pipeline) => ({ pipeline, layouts }));
  compiled.set(key, compiling);
  return compiling;
}

/** The pipelines of a shape: of what it dispatches, and of what follows. */
function compile(opened: Opened, work: Work, shape: Launch): Promise<Compiled[]> {
  return Promise.all(
    [shape, ...(shape.fallback ? [shape.fallback] : [])].map((program) =>
      compileProgram(opened, work, shape, program),
    ),
  );
}

/** What the work reads, uploaded once for all work that shares it; inputs that nobody uses any more are given back. */
function upload({ device, uploaded }: Opened, work: Work): Uploaded {
  const known = uploaded.get(work.inputs);
  if (known) return known;
  for (const [inputs, { buffers, users }] of uploaded) {
    if (users > 0) continue;
    uploaded.delete(inputs);
    for (const buffer of buffers) buffer.destroy();
  }
  const buffers = inputsOf(work).map((words) => {
    const buffer = device.createBuffer({
      size: Math.max(words.byteLength, 4),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, words);
    return buffer;
  });
  const fresh = { buffers, users: 0 };
  uploaded.set(work.inputs, fresh);
  return fresh;
}

/** At least so many bytes, of four sizes between one power of two and the next, so that slots are found again. */
function roomy(bytes: number): number {
  const step = Math.max(2 ** (Math.floor(Math.log2(Math.max(bytes, 1))) - 2), 64);
  return Math.ceil(Math.max(bytes, 256) / step) * step;
}

/** An idle slot of these sizes, or a new one; undefined where the device has no memory for it. */
async function takeSlot(
  { device, idle }: Opened,
  outputWords: number,
  slabBytes: number,
): Promise<Slot | undefined> {
  const bytes = Math.min(roomy(4 * outputWords), device.limits.maxBufferSize - STAMP_BYTES);
  const slab = slabBytes > 0 ? Math.min(roomy(slabBytes), device.limits.maxStorageBufferBindingSize) : 0;
  const found = idle.findIndex(({ output, slabs }) => output.size === bytes && (slabs?.size ?? 0) === slab);
  if (found >= 0) return idle.splice(found, 1)[0]!;
  const make = (size: number, usage: number) => device.createBuffer({ size, usage });
  device.pushErrorScope("out-of-memory");
  const slot = {
    params: make(MAX_PARAMS_BYTES, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
    phases: make(SUBMITTED_PHASES * PHASE_STRIDE, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
    output: make(bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST),
    staging: make(bytes + STAMP_BYTES, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST),
    slabs: slab > 0 ? make(slab, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST) : undefined,
    stamps: device.features.has("timestamp-query")
      ? {
          set: device.createQuerySet({ type: "timestamp", count: 2 }),
          buffer: make(STAMP_BYTES, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC),
        }
      : undefined,
  };
  if (!(await device.popErrorScope())) return slot;
  releaseSlot(slot);
  return undefined;
}

/** Keeps a slot for the next piece of work, and gives back the longest idle ones where there are too many. */
function keepSlot({ idle }: Opened, slot: Slot): void {
  idle.push(slot);
  const held = () => idle.reduce((sum, { output, slabs }) => sum + 2 * output.size + (slabs?.size ?? 0), 0);
  while (idle.length > IDLE_SLOTS || (idle.length > 1 && held() > IDLE_BYTES)) releaseSlot(idle.shift()!);
}

function releaseSlot({ params, phases, output, staging, slabs, stamps }: Slot): void {
  for (const resource of [params, phases, output, staging, slabs, stamps?.buffer, stamps?.set])
    resource?.destroy();
}

/** The bind groups of a slot: what the contract binds, and what the shape adds. */
function bind(
  { device }: Opened,
  slot: Slot,
  inputs: Uploaded,
  layouts: Compiled["layouts"],
): readonly [GPUBindGroup, GPUBindGroup] {
  if (slot.bound?.layouts === layouts && slot.bound.inputs === inputs) return slot.bound.groups;
  const groups = [
    device.createBindGroup({
      layout: layouts[0]!,
      entries: [slot.params, ...inputs.buffers, slot.output].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      })),
    }),
    device.createBindGroup({
      layout: layouts[1]!,
      entries: [
        ...(slot.slabs ? [{ binding: 0, resource: { buffer: slot.slabs } }] : []),
        { binding: 1, resource: { buffer: slot.phases, size: PHASE_STRIDE } },
      ],
    }),
  ] as const;
  slot.bound = { layouts, inputs, groups };
  return groups;
}

/** Runs work and reads its output back. */
async function execute(
  opened: Opened,
  work: Work,
  shape: Launch,
  poison: number | undefined,
): Promise<Answer> {
  const { device } = opened;
  const compiled = await compile(opened, work, shape);
  const programs = [shape, shape.fallback];
  const inputs = upload(opened, work);
  const outputBytes = 4 * outputOf(work).length;
  inputs.users++;
  let slot: Slot | undefined;
  try {
    slot = await takeSlot(opened, outputBytes / 4, shape.scratchBytes);
    if (!slot) throw noRoom(work);
    if (poison !== undefined)
      for (const buffer of [slot.output, slot.slabs])
        if (buffer) device.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(poison));
    device.queue.writeBuffer(slot.params, 0, packParams(kernels[work.kernel], work.params));
    const [contract, extra] = bind(opened, slot, inputs, compiled[0]!.layouts);
    const { stamps } = slot;
    let encoder = device.createCommandEncoder();
    encoder.clearBuffer(slot.output, 0, outputBytes);
    if (slot.slabs && shape.fallback) encoder.clearBuffer(slot.slabs, 0, shape.scratchBytes);
    // An empty pass at each end, since no pass knows that it is the last.
    const stamp = (index: 0 | 1) => {
      if (!stamps) return;
      const place = index === 0 ? "beginningOfPassWriteIndex" : "endOfPassWriteIndex";
      encoder.beginComputePass({ timestampWrites: { querySet: stamps.set, [place]: index } }).end();
    };
    stamp(0);
    let encoded = 0;
    for (const words of shape.dispatches()) {
      if (encoded === SUBMITTED_PHASES) {
        device.queue.submit([encoder.finish()]);
        encoder = device.createCommandEncoder();
        encoded = 0;
      }
      const offset = PHASE_STRIDE * encoded++;
      device.queue.writeBuffer(slot.phases, offset, Uint32Array.from(words));
      const pass = encoder.beginComputePass();
      pass.setBindGroup(0, contract);
      pass.setBindGroup(1, extra, [offset]);
      compiled.forEach(({ pipeline }, i) => {
        const { workgroups, workgroupRows } = programs[i]!;
        pass.setPipeline(pipeline);
        pass.dispatchWorkgroups(workgroups, workgroupRows);
      });
      pass.end();
    }
    stamp(1);
    encoder.copyBufferToBuffer(slot.output, 0, slot.staging, 0, outputBytes);
    if (stamps) {
      encoder.resolveQuerySet(stamps.set, 0, 2, stamps.buffer, 0);
      encoder.copyBufferToBuffer(stamps.buffer, 0, slot.staging, outputBytes, STAMP_BYTES);
    }
    device.queue.submit([encoder.finish()]);
    const size = outputBytes + (stamps ? STAMP_BYTES : 0);
    await slot.staging.mapAsync(GPUMapMode.READ, 0, size);
    const mapped = slot.staging.getMappedRange(0, size);
    // A buffer of their own: what follows the words is nobody else's business.
    const words = new Uint32Array(mapped.slice(0, outputBytes));
    const [from, to] = stamps ? new BigUint64Array(mapped.slice(outputBytes)) : [];
    slot.staging.unmap();
    keepSlot(opened, slot);
    return to! > from! ? { words, deviceMilliseconds: Number(to! - from!) / 1e6 } : { words };
  } catch (error) {
    if (slot) releaseSlot(slot);
    throw error;
  } finally {
    inputs.users--;
  }
}

/**
 * Opens a device of the adapter that `requestAdapter` answers. Work whose device is lost runs once more on a new
 * one: its words depend on nothing else.
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
    return openDevice(adapter, options);
  }
  let opening = open();
  await opening;
  let closed = false;

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

  async function run(work: Work, retries: number): Promise<Answer> {
    const attempt = opening;
    let opened: Opened | undefined;
    try {
      opened = await attempt;
      const shape = await fit(opened, work, options);
      const answer = await execute(opened, work, shape, options.poison);
      if (opened.failure) throw opened.failure;
      return answer;
    } catch (error) {
      const failure = opened?.failure ?? error;
      if (!opened || opened.failure) reopen(attempt);
      if (closed || retries === 0 || !(failure instanceof DeviceLostError)) throw failure;
      return run(work, retries - 1);
    }
  }

  return {
    engine: "gpu",
    adapter: name,
    queueDepth: 2,
    parallelism: 1,
    targetMilliseconds: 80,
    async prepare(work) {
      const opened = await opening;
      await compile(opened, work, await fit(opened, work, options));
    },
    run: (work) => run(work, 1),
    close() {
      closed = true;
      void opening.then(
        ({ device }) => device.destroy(),
        () => {},
      );
    },
  };
}
