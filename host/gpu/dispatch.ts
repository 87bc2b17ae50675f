// Runs launches on a device: uploads inputs, encodes and submits the dispatches, and reads the output back.

import { CapacityError } from "../../src/errors.ts";
import { packParams } from "../../src/kernel.ts";
import { kernels } from "../../src/kernels/index.ts";
import { outputOf, type Work } from "../../src/plan.ts";
import type { Answer } from "../runner.ts";
import {
  BufferPool,
  DISPATCH_STRIDE_BYTES,
  MAX_SUBMITTED_DISPATCHES,
  TIMESTAMPS_BYTES,
  type BufferSet,
} from "./buffers.ts";
import type { Device } from "./device.ts";
import { programsOf, type Launch } from "./launch.ts";
import { PipelineCache, type Pipeline } from "./pipelines.ts";
import { Uploads, type Upload } from "./uploads.ts";

/** The refusal of work that exceeds the memory of the GPU, or its time. */
export function capacityError(
  { kernel, params }: Work,
  expected = "sums that this GPU's memory can hold",
): CapacityError {
  return new CapacityError(kernel, expected, params, { option: "engine", value: "cpu" });
}

/** The milliseconds of a submission, by estimate: other work of the device, such as drawing, waits for its end. */
const MAX_SUBMISSION_MS = 100;

/** The dispatches of one submission of a launch. The passes over deferred trials count as one more each. */
export function dispatchesPerSubmission({
  milliseconds,
  openPass,
  fallback,
}: Pick<Launch, "milliseconds" | "openPass" | "fallback">): number {
  const passes = 1 + Number(openPass !== undefined) + Number(fallback !== undefined);
  const most = Math.floor(MAX_SUBMISSION_MS / Math.max(milliseconds * passes, 1));
  return Math.min(Math.max(most, 1), MAX_SUBMITTED_DISPATCHES);
}

export class Dispatcher {
  readonly #device: Device;
  readonly #pipelines: PipelineCache;
  readonly #buffers: BufferPool;
  readonly #uploads: Uploads;

  constructor(device: Device) {
    this.#device = device;
    this.#pipelines = new PipelineCache(device.gpu);
    this.#buffers = new BufferPool(device.gpu);
    this.#uploads = new Uploads(device.gpu);
  }

  /** Compiles the pipelines of a launch and uploads the inputs, so that the first run is not slower than later ones. */
  async prepare(work: Work, launch: Launch): Promise<void> {
    await this.#compiled(work, launch);
    this.#uploads.release(await this.#uploaded(work));
  }

  /**
   * Runs work by a launch that fits it.
   * @throws {CapacityError} if the device is out of memory.
   */
  async run(work: Work, launch: Launch): Promise<Answer> {
    const pipelines = await this.#compiled(work, launch);
    const upload = await this.#uploaded(work);
    try {
      return await this.#runUploaded(work, launch, pipelines, upload);
    } finally {
      this.#uploads.release(upload);
    }
  }

  #compiled(work: Work, launch: Launch): Promise<Pipeline[]> {
    return this.#device.answer(this.#pipelines.get(work.kernel, launch));
  }

  async #uploaded(work: Work): Promise<Upload> {
    const upload = await this.#device.answer(this.#uploads.acquire(work));
    if (!upload) throw capacityError(work);
    return upload;
  }

  async #runUploaded(
    work: Work,
    launch: Launch,
    pipelines: readonly Pipeline[],
    upload: Upload,
  ): Promise<Answer> {
    const outputBytes = 4 * outputOf(work).length;
    const { scratchBytes } = launch;
    const set = await this.#device.answer(this.#buffers.acquire({ outputBytes, scratchBytes }));
    if (!set) throw capacityError(work);
    try {
      const { queue } = this.#device.gpu;
      queue.writeBuffer(set.params, 0, packParams(kernels[work.kernel], work.params));
      const bindGroups = set.bindGroups(pipelines[0]!.layouts, upload);
      const milliseconds = this.#submit(launch, pipelines, set, bindGroups, outputBytes);
      const answer = await this.#device.answer(readAnswer(set, outputBytes), milliseconds);
      this.#buffers.release(set);
      return answer;
    } catch (error) {
      set.destroy();
      throw error;
    }
  }

  /**
   * Submits the dispatches of a launch, and the copy of the output and the timestamps to the staging buffer. Answers the
   * milliseconds of the last submission on a slow GPU, by estimate.
   */
  #submit(
    launch: Launch,
    pipelines: readonly Pipeline[],
    set: BufferSet,
    [contract, variant]: readonly [GPUBindGroup, GPUBindGroup],
    outputBytes: number,
  ): number {
    const { gpu } = this.#device;
    const { queue } = gpu;
    const programs = programsOf(launch);
    const milliseconds = (dispatches: number) => dispatches * programs.length * launch.milliseconds;
    let encoder = gpu.createCommandEncoder();
    encoder.clearBuffer(set.output, 0, outputBytes);
    if (set.scratch && programs.length > 1) encoder.clearBuffer(set.scratch, 0, launch.scratchBytes);
    writeTimestamp(encoder, set, "begin");
    const most = dispatchesPerSubmission(launch);
    let encoded = 0;
    for (const words of launch.dispatches()) {
      if (encoded === most) {
        queue.submit([encoder.finish()]);
        // The wait for the answer fails with this one.
        this.#device.answer(queue.onSubmittedWorkDone(), milliseconds(encoded)).catch(() => {});
        encoder = gpu.createCommandEncoder();
        encoded = 0;
      }
      const offset = DISPATCH_STRIDE_BYTES * encoded++;
      // The queue executes this write before the submission that follows it, and after the one before.
      // Deno ends on an empty write.
      if (words.length > 0) queue.writeBuffer(set.dispatches, offset, Uint32Array.from(words));
      const pass = encoder.beginComputePass();
      pass.setBindGroup(0, contract);
      pass.setBindGroup(1, variant, [offset]);
      pipelines.forEach(({ pipeline }, i) => {
        const { workgroups, workgroupRows } = programs[i]!;
        pass.setPipeline(pipeline);
        pass.dispatchWorkgroups(workgroups, workgroupRows);
      });
      pass.end();
    }
    writeTimestamp(encoder, set, "end");
    encoder.copyBufferToBuffer(set.output, 0, set.staging, 0, outputBytes);
    if (set.timestamps) {
      encoder.resolveQuerySet(set.timestamps.querySet, 0, 2, set.timestamps.buffer, 0);
      encoder.copyBufferToBuffer(set.timestamps.buffer, 0, set.staging, outputBytes, TIMESTAMPS_BYTES);
    }
    queue.submit([encoder.finish()]);
    return milliseconds(encoded);
  }
}

/** Notes the device's time in an empty pass: a pass that dispatches work does not know whether it is the last. */
function writeTimestamp(encoder: GPUCommandEncoder, { timestamps }: BufferSet, at: "begin" | "end"): void {
  if (!timestamps) return;
  const { querySet } = timestamps;
  const timestampWrites =
    at === "begin" ? { querySet, beginningOfPassWriteIndex: 0 } : { querySet, endOfPassWriteIndex: 1 };
  encoder.beginComputePass({ timestampWrites }).end();
}

/** Waits for the submitted work and copies the answer from the staging buffer. */
async function readAnswer({ staging, timestamps }: BufferSet, outputBytes: number): Promise<Answer> {
  const size = outputBytes + (timestamps ? TIMESTAMPS_BYTES : 0);
  await staging.mapAsync(GPUMapMode.READ, 0, size);
  const mapped = staging.getMappedRange(0, size);
  // Copied apart from the timestamps: a caller may transfer the whole buffer of the words.
  const words = new Uint32Array(mapped.slice(0, outputBytes));
  const [begin, end] = timestamps ? new BigUint64Array(mapped.slice(outputBytes)) : [];
  staging.unmap();
  // Without a clock, or if the clock was reset meanwhile, the time is unknown.
  return end! > begin! ? { words, deviceMilliseconds: Number(end! - begin!) / 1e6 } : { words };
}
