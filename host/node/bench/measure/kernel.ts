// Kernels of the CPU engine in this thread, without the messages and copies of its worker threads.

import { packParams } from "../../../../src/kernel.ts";
import { kernels } from "../../../../src/kernels/index.ts";
import { inputsOf, outputOf, type Work } from "../../../../src/plan.ts";
import { kernelModule } from "../../../cpu/module.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly heapBase: () => number;
  readonly [kernel: string]: unknown;
}
type Call = (...addresses: number[]) => number;

export interface Loaded {
  /** Runs the kernel on the work. */
  readonly run: () => void;
  /** The words that it wrote. */
  readonly output: () => Uint32Array;
  /** For `reach`, `run` in two steps: draws all trials of the batch, and counts them. */
  readonly draw: () => void;
  readonly count: () => void;
  /** For `reach`, the items by which trials are decided first: `reachPrefix` of src/kernels/reach.ts. */
  readonly prefix: () => number;
  /** Sets from which half range on `reach` arranges items, and up to which it interleaves trials (host/cpu/wasm/reach.ts). */
  readonly chooseShapes: (minArranged: number, maxInterleaved: number) => void;
}

/** Lays out work in the memory of a new instance of a module, by default that of the CPU engine. */
export async function loadKernel(work: Work, module?: WebAssembly.Module): Promise<Loaded> {
  const instance = await WebAssembly.instantiate(module ?? (await kernelModule()));
  const wasm = instance.exports as WebAssembly.Exports & Exports;
  let end = wasm.heapBase();
  /** Allocates bytes on the boundary of a v128. */
  const allocate = (bytes: number) => {
    const start = end;
    end = (start + bytes + 15) & ~15;
    const pages = Math.ceil((end - wasm.memory.buffer.byteLength) / 65536);
    if (pages > 0) wasm.memory.grow(pages);
    return start;
  };
  const params = packParams(kernels[work.kernel], work.params);
  const given = [params, ...inputsOf(work)];
  const [paramsAt, ...inputsAt] = given.map(({ byteLength }) => allocate(byteLength)) as [
    number,
    ...number[],
  ];
  given.forEach((words, i) =>
    new Uint32Array(wasm.memory.buffer).set(words, [paramsAt, ...inputsAt][i]! >> 2),
  );
  const { length } = outputOf(work);
  const output = allocate(4 * length);
  const { count = 0, itemsTo = 0 } = work.kernel === "reach" ? work.params : {};
  // Trials are drawn in groups of four, interleaved.
  const items = allocate(4 * itemsTo * Math.ceil(count / 4) * 4);
  const scratch = allocate(65536);
  const call = (name: string) => wasm[name] as Call;
  const [targets = 0, magnitudes = 0] = inputsAt;
  return {
    run: () => call(work.kernel)(paramsAt, ...inputsAt, output, scratch),
    output: () => new Uint32Array(wasm.memory.buffer, output, length).slice(),
    draw: () => call("drawTrials")(paramsAt, magnitudes, items),
    count: () => call("countTrials")(paramsAt, targets, items, output, scratch),
    prefix: () => call("reachPrefix")(paramsAt),
    chooseShapes: call("chooseShapes"),
  };
}
