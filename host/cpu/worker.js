// One thread of the CPU runner. Plain JavaScript without imports, because it is shipped as text: any bundler, any
// server and Node can start it. Written to the conventions of web workers; Node's side supplies the same two names.

/* global onmessage:writable, postMessage */

/** @type {Record<string, any> & { memory: WebAssembly.Memory }} */
let wasm;

/** Rounds up to the alignment of a SIMD block. @param {number} bytes */
const aligned = (bytes) => (bytes + 15) & ~15;

/**
 * First message: the compiled module. Then work: `id`, the kernel's name, its packed parameters, its inputs and the
 * length of its output. Answers { id, output }, or { id, error, exhausted } where it failed, for want of memory or not.
 * @param {{ data: WebAssembly.Module | { id: number, kernel: string, params: Uint32Array, inputs: (Int32Array | Uint32Array)[], length: number } }} event
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
    const pages = Math.ceil((scratch - wasm.memory.buffer.byteLength) / 65536);
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
