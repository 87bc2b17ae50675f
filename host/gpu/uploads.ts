// The inputs of work on a device, uploaded once for all work that shares them.

import { inputsOf, type Work } from "../../src/plan.ts";

/** The inputs of some work in the buffers of a device, in the order of the contract. */
export interface Upload {
  readonly buffers: readonly GPUBuffer[];
}

interface Entry extends Upload {
  /** Pieces of work in flight that read it. */
  users: number;
}

export class Uploads {
  readonly #device: GPUDevice;
  readonly #entries = new Map<Work["inputs"], Entry>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The upload of the work's inputs, which is valid until `release`. New inputs take the place of all unused ones. */
  acquire(work: Work): Upload {
    let entry = this.#entries.get(work.inputs);
    if (!entry) {
      this.#destroyUnused();
      entry = { buffers: inputsOf(work).map((words) => this.#upload(words)), users: 0 };
      this.#entries.set(work.inputs, entry);
    }
    entry.users++;
    return entry;
  }

  /** Ends the use of an upload. It is kept, because the next work is likely to have the same inputs. */
  release(work: Work): void {
    const entry = this.#entries.get(work.inputs);
    if (entry) entry.users--;
  }

  #destroyUnused(): void {
    for (const [inputs, { buffers, users }] of this.#entries) {
      if (users > 0) continue;
      this.#entries.delete(inputs);
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
