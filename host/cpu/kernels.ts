// Calls of the WebAssembly kernels, and a way to run them in the thread that calls.

import { packParams } from "../../src/kernel.ts";
import { kernels } from "../../src/kernels/index.ts";
import { inputsOf, outputOf, type Work } from "../../src/plan.ts";

/** What a thread runs: a kernel with its packed parameters, and the words of its inputs and its output. */
export function callOf(work: Work) {
  const { name, params } = kernels[work.kernel];
  return {
    kernel: name,
    params: packParams({ params }, work.params),
    inputs: inputsOf(work),
    length: outputOf(work).length,
  };
}

const PAGE_BYTES = 65536;
const aligned = (bytes: number) => (bytes + 15) & ~15;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly heapBase: () => number;
  readonly [kernel: string]: unknown;
}

/** Runs kernels in this thread, as worker.js does in its own. */
export class LocalKernels {
  readonly #wasm: Exports;

  constructor(module: WebAssembly.Module) {
    this.#wasm = new WebAssembly.Instance(module).exports as WebAssembly.Exports & Exports;
  }

  /** The words of a piece of work. @throws {RangeError} Memory does not suffice. */
  run(work: Work): Uint32Array<ArrayBuffer> {
    const wasm = this.#wasm;
    const { kernel, params, inputs, length } = callOf(work);
    const given = [params, ...inputs];
    let end = wasm.heapBase();
    const places = given.map(({ byteLength }) => {
      const start = end;
      end = aligned(start + byteLength);
      return start;
    });
    const output = end;
    const scratch = aligned(output + 4 * length);
    const pages = Math.ceil((scratch - wasm.memory.buffer.byteLength) / PAGE_BYTES);
    if (pages > 0) wasm.memory.grow(pages);
    const memory = new Uint32Array(wasm.memory.buffer);
    given.forEach((words, i) => memory.set(words, places[i]! >> 2));
    (wasm[kernel] as (...addresses: number[]) => void)(places[0]!, ...places.slice(1), output, scratch);
    // The kernel may have grown the memory, which replaces its buffer.
    return new Uint32Array(wasm.memory.buffer, output, length).slice();
  }
}
