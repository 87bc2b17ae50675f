// One thread of the CPU runner. Plain JavaScript without imports, because it is shipped as text: any bundler, any
// server and Node can start it. Written to the conventions of web workers; Node's side supplies the same two names.

/* global onmessage:writable, postMessage */

/** @type {Record<string, any> & { memory: WebAssembly.Memory }} */
let wasm;

const PAGE_BYTES = 65536;

/** Rounds up to the alignment of a SIMD vector of 16 bytes. @param {number} bytes */
const aligned = (bytes) => (bytes + 15) & ~15;

/**
 * A thread that has started says so by { id: 0 }. The first message to it is the compiled module. Every other message is a piece
 * of work: `id`, the name of the kernel, its packed parameters, its inputs and the length of its output in words. The reply is
 * { id, output }, or { id, error, exhausted } if the kernel failed; `exhausted` says whether memory ran out.
 *
 * Memory from the heap's base on: parameters, inputs, output and the kernel's scratch memory, each 16-byte aligned.
 * @typedef {{ id: number, kernel: string, params: Uint32Array, inputs: (Int32Array | Uint32Array)[], length: number }} Task
 * @param {{ data: WebAssembly.Module | Task }} event
 */
onmessage = ({ data }) => {
  if (data instanceof WebAssembly.Module) {
    wasm = /** @type {any} */ (new WebAssembly.Instance(data).exports);
    return;
  }
  try {
    const params = wasm.heapBase();
    let end = aligned(params + data.params.byteLength);
    const inputs = data.inputs.map(({ byteLength }) => {
      const start = end;
      end = aligned(start + byteLength);
      return start;
    });
    const output = end;
    const scratch = aligned(output + 4 * data.length);
    const pages = Math.ceil((scratch - wasm.memory.buffer.byteLength) / PAGE_BYTES);
    if (pages > 0) wasm.memory.grow(pages);
    new Uint32Array(wasm.memory.buffer).set(data.params, params >> 2);
    data.inputs.forEach((input, i) => new Uint32Array(wasm.memory.buffer).set(input, (inputs[i] ?? 0) >> 2));
    wasm[data.kernel](params, ...inputs, output, scratch);
    const words = new Uint32Array(wasm.memory.buffer, output, data.length).slice();
    postMessage({ id: data.id, output: words }, { transfer: [words.buffer] });
  } catch (error) {
    const exhausted = error instanceof RangeError || Boolean(wasm.isExhausted());
    postMessage({ id: data.id, error: String(error), exhausted });
  }
};

postMessage({ id: 0 });
