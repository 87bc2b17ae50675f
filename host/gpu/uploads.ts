// The inputs of work on a device, uploaded once for all work that shares them.

import { inputsOf, type Work } from "../../src/plan.ts";

/** The inputs of some work in the buffers of a device, in the order of the contract. */
export interface Upload {
  readonly buffers: readonly GPUBuffer[];
  /** Whether the device had memory for them. */
  readonly isAllocated: Promise<boolean>;
  /** Pieces of work in flight that read it. */
  users: number;
}

export class Uploads {
  readonly #device: GPUDevice;
  readonly #uploads = new Map<Work["inputs"], Upload>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * The upload of the work's inputs, which is valid until `release`. New inputs take the place of all unused ones. Undefined
   * where the device is out of memory.
   */
  async acquire(work: Work): Promise<Upload | undefined> {
    let upload = this.#uploads.get(work.inputs);
    if (!upload) {
      this.#destroyUnused();
      upload = this.#create(work);
      this.#uploads.set(work.inputs, upload);
    }
    upload.users++;
    if (await upload.isAllocated) return upload;
    // Other work may have removed it meanwhile, and tried again.
    if (this.#uploads.get(work.inputs) === upload) this.#uploads.delete(work.inputs);
    return undefined;
  }

  /** Ends the use of an upload. It is kept, because the next work is likely to have the same inputs. */
  release(upload: Upload): void {
    upload.users--;
  }

  #create(work: Work): Upload {
    this.#device.pushErrorScope("out-of-memory");
    const buffers = inputsOf(work).map((words) => this.#upload(words));
    const isAllocated = this.#device.popErrorScope().then((error) => {
      if (error) for (const buffer of buffers) buffer.destroy();
      return !error;
    });
    return { buffers, isAllocated, users: 0 };
  }

  #destroyUnused(): void {
    for (const [inputs, { buffers, users }] of this.#uploads) {
      if (users > 0) continue;
      this.#uploads.delete(inputs);
      for (const buffer of buffers) buffer.destroy();
    }
  }

  #upload(words: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.#device.createBuffer({
      size: Math.max(words.byteLength, 4),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    // Deno ends on an empty write.
    if (words.length > 0) this.#device.queue.writeBuffer(buffer, 0, words);
    return buffer;
  }
}
