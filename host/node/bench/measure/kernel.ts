// A WebAssembly kernel in this thread: what it takes by itself, without messages and copies.

import { packParams } from "../../../../src/kernel.ts";
import { kernels } from "../../../../src/kernels/index.ts";
import { inputsOf, outputOf, type Work } from "../../../../src/plan.ts";
import base64 from "../../../cpu/wasm/index.ts?wasm";

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly heapBase: () => number;
  readonly [kernel: string]: unknown;
}
type Call = (...places: number[]) => void;

export const kernelModule = () =>
  WebAssembly.compile(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));

export interface Loaded {
  /** Does the work. */
  readonly run: () => void;
  /** What it wrote. */
  readonly output: () => Uint32Array;
  /** `run` in two steps, for `reach`: draws all items of the batch, and counts what is drawn. */
  readonly draw: () => void;
  readonly count: () => void;
  /** The half ranges at which the shapes of `reach` change (host/cpu/wasm/reach.ts). */
  readonly chooseShapes: (arrangedFrom: number, turnsTo: number) => void;
}

/** Lays out work in the memory of an instance of its own. */
export async function loadKernel(work: Work): Promise<Loaded> {
  const wasm = (await WebAssembly.instantiate(await kernelModule())).exports as unknown as Exports;
  let end = wasm.heapBase();
  /** Places bytes on the boundary of a SIMD block. */
  const place = (bytes: number) => {
    const start = end;
    end = (start + bytes + 15) & ~15;
    const pages = Math.ceil((end - wasm.memory.buffer.byteLength) / 65536);
    if (pages > 0) wasm.memory.grow(pages);
    return start;
  };
  const params = packParams(kernels[work.kernel], work.params);
  const given = [params, ...inputsOf(work)];
  const [paramsAt, ...inputsAt] = given.map(({ byteLength }) => place(byteLength)) as [number, ...number[]];
  given.forEach((words, i) =>
    new Uint32Array(wasm.memory.buffer).set(words, [paramsAt, ...inputsAt][i]! >> 2),
  );
  const { length } = outputOf(work);
  const output = place(4 * length);
  const { count = 0, itemsTo = 0 } = work.kernel === "reach" ? work.params : {};
  // Four trials side by side.
  const items = place(4 * itemsTo * Math.ceil(count / 4) * 4);
  const scratch = place(65536);
  const call = (name: string) => wasm[name] as Call;
  const [targets = 0, magnitudes = 0] = inputsAt;
  return {
    run: () => call(work.kernel)(paramsAt, ...inputsAt, output, scratch),
    output: () => new Uint32Array(wasm.memory.buffer, output, length).slice(),
    draw: () => call("drawTrials")(paramsAt, magnitudes, items, scratch),
    count: () => call("countTrials")(paramsAt, targets, items, output, scratch),
    chooseShapes: call("chooseShapes"),
  };
}
