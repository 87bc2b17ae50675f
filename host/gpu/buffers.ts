// The buffers of pieces of work in flight, which are reused by later work of the same size.

import { bytesWithin, sizeClass } from "./launch.ts";
import type { Layouts } from "./pipelines.ts";
import type { Upload } from "./uploads.ts";

/** More than the parameters of any kernel take. */
const MAX_PARAMS_BYTES = 256;
const MIN_BUFFER_BYTES = 256;
/** The most dispatches of one submission. */
export const MAX_SUBMITTED_DISPATCHES = 32;
/** Bytes between the uniforms of two dispatches: the alignment of dynamic offsets that every device supports. */
export const DISPATCH_STRIDE_BYTES = 256;
/** Two timestamps of 64 bits, in nanoseconds. */
export const TIMESTAMPS_BYTES = 16;
/** The most buffer sets that wait for work, and the most bytes of their outputs, staging and scratch memory. */
const MAX_IDLE_SETS = 8;
const MAX_IDLE_BYTES = 2 ** 29;

export interface BufferSizes {
  readonly outputBytes: number;
  /** Bytes of scratch memory, or 0. */
  readonly scratchBytes: number;
}

/** When a device began and ended a piece of work. */
interface Timestamps {
  readonly querySet: GPUQuerySet;
  readonly buffer: GPUBuffer;
}

/**
 * The buffers of one piece of work in flight. No two pieces share one, because WebGPU synchronizes whole buffers and would
 * run them one after the other.
 */
export class BufferSet {
  readonly params: GPUBuffer;
  /** The uniforms of the dispatches of one submission, DISPATCH_STRIDE_BYTES apart. */
  readonly dispatches: GPUBuffer;
  readonly output: GPUBuffer;
  /** The output and the timestamps, for the host to read. */
  readonly staging: GPUBuffer;
  readonly scratch: GPUBuffer | undefined;
  /** Undefined where the device has no clock. */
  readonly timestamps: Timestamps | undefined;
  readonly #device: GPUDevice;
  /** The latest bind groups. Work of the same launch and inputs uses them again. */
  #bound: { layouts: Layouts; upload: Upload; groups: readonly [GPUBindGroup, GPUBindGroup] } | undefined;

  constructor(device: GPUDevice, { outputBytes, scratchBytes }: BufferSizes) {
    const { COPY_DST, COPY_SRC, MAP_READ, QUERY_RESOLVE, STORAGE, UNIFORM } = GPUBufferUsage;
    const create = (size: number, usage: number) => device.createBuffer({ size, usage });
    this.#device = device;
    this.params = create(MAX_PARAMS_BYTES, UNIFORM | COPY_DST);
    this.dispatches = create(MAX_SUBMITTED_DISPATCHES * DISPATCH_STRIDE_BYTES, UNIFORM | COPY_DST);
    this.output = create(outputBytes, STORAGE | COPY_SRC | COPY_DST);
    this.staging = create(outputBytes + TIMESTAMPS_BYTES, MAP_READ | COPY_DST);
    if (scratchBytes > 0) this.scratch = create(scratchBytes, STORAGE | COPY_DST);
    if (device.features.has("timestamp-query"))
      this.timestamps = {
        querySet: device.createQuerySet({ type: "timestamp", count: 2 }),
        buffer: create(TIMESTAMPS_BYTES, QUERY_RESOLVE | COPY_SRC),
      };
  }

  get bytes(): number {
    return this.output.size + this.staging.size + (this.scratch?.size ?? 0);
  }

  has({ outputBytes, scratchBytes }: BufferSizes): boolean {
    return this.output.size === outputBytes && (this.scratch?.size ?? 0) === scratchBytes;
  }

  /** The bind groups of a launch whose inputs are uploaded: the contract's, then the variant's. */
  bindGroups(layouts: Layouts, upload: Upload): readonly [GPUBindGroup, GPUBindGroup] {
    if (this.#bound?.layouts === layouts && this.#bound.upload === upload) return this.#bound.groups;
    const contract = [this.params, ...upload.buffers, this.output];
    const groups = [
      this.#device.createBindGroup({
        layout: layouts[0],
        entries: contract.map((buffer, binding) => ({ binding, resource: { buffer } })),
      }),
      this.#device.createBindGroup({
        layout: layouts[1],
        entries: [
          ...(this.scratch ? [{ binding: 0, resource: { buffer: this.scratch } }] : []),
          { binding: 1, resource: { buffer: this.dispatches, size: DISPATCH_STRIDE_BYTES } },
        ],
      }),
    ] as const;
    this.#bound = { layouts, upload, groups };
    return groups;
  }

  destroy(): void {
    const { params, dispatches, output, staging, scratch, timestamps } = this;
    for (const resource of [
      params,
      dispatches,
      output,
      staging,
      scratch,
      timestamps?.buffer,
      timestamps?.querySet,
    ])
      resource?.destroy();
  }
}

/** The size of a buffer for some bytes: a size class, so that later work finds a buffer of its size. */
const bufferBytes = (bytes: number): number => sizeClass(Math.max(bytes, MIN_BUFFER_BYTES));

export class BufferPool {
  readonly #device: GPUDevice;
  /** The sets that wait for work, the latest used last. */
  readonly #idle: BufferSet[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * A set with buffers of at least these sizes; undefined where the device is out of memory, also without the sets that wait
   * for work.
   */
  async acquire({ outputBytes, scratchBytes }: BufferSizes): Promise<BufferSet | undefined> {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    const fitting = (bytes: number, limit: number) =>
      Math.min(bufferBytes(bytes), bytesWithin(Math.min(limit, maxStorageBufferBindingSize)));
    const sizes = {
      // The staging buffer has the timestamps beside the output.
      outputBytes: fitting(outputBytes, maxBufferSize - TIMESTAMPS_BYTES),
      scratchBytes: scratchBytes > 0 ? fitting(scratchBytes, maxBufferSize) : 0,
    };
    const index = this.#idle.findIndex((set) => set.has(sizes));
    if (index >= 0) return this.#idle.splice(index, 1)[0];
    const set = await this.#create(sizes);
    if (set || this.#idle.length === 0) return set;
    for (const idle of this.#idle.splice(0)) idle.destroy();
    return this.#create(sizes);
  }

  /** Takes back a set that no submitted work uses. Destroys the sets that were idle longest if too many bytes are idle. */
  release(set: BufferSet): void {
    this.#idle.push(set);
    const idleBytes = () => this.#idle.reduce((sum, { bytes }) => sum + bytes, 0);
    while (this.#idle.length > MAX_IDLE_SETS || (this.#idle.length > 1 && idleBytes() > MAX_IDLE_BYTES))
      this.#idle.shift()!.destroy();
  }

  async #create(sizes: BufferSizes): Promise<BufferSet | undefined> {
    this.#device.pushErrorScope("out-of-memory");
    const set = new BufferSet(this.#device, sizes);
    if (!(await this.#device.popErrorScope())) return set;
    set.destroy();
    return undefined;
  }
}
