// The memory of an instance of the WebAssembly module that reads and writes lines (host/cpu/wasm/lines.ts).

import hex from "../../cpu/wasm/lines.ts?wasm";

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly heapBase: () => number;
  readonly readText: (columns: number, at: number, end: number, partition: boolean) => number;
  readonly readJson: (columns: number, at: number, end: number, partition: boolean) => number;
  readonly writeFindings: (findings: number, instance: number) => void;
  /** Absent in the module of all kernels. */
  readonly countLines?: (at: number, end: number) => number;
  /** Absent in the module that reads and writes lines alone. */
  readonly answerPlain?: (plain: number) => number;
}

const PAGE_BYTES = 65536;
/** Bytes between two arrays, since whole vectors of 16 bytes are read and written. */
const MARGIN = 16;

let linesModule: WebAssembly.Module | undefined;

/** Memory in which arrays are laid out one behind another. It is kept, since memory that is new to a process is slow at first. */
export class LineMemory {
  readonly wasm: Exports;
  #end = 0;

  /** @param module That of all kernels, by default the one for lines alone: a few kilobytes, which every thread compiles. */
  constructor(module?: WebAssembly.Module) {
    module ??= linesModule ??= new WebAssembly.Module(Buffer.from(hex, "hex"));
    this.wasm = new WebAssembly.Instance(module).exports as WebAssembly.Exports & Exports;
  }

  /** Forgets all arrays, and makes room for some of this many bytes together. Views of the memory end. */
  reset(bytes: number, arrays: number): void {
    this.#end = this.wasm.heapBase();
    this.reserve(bytes, arrays);
  }

  /** Makes room for further arrays. */
  reserve(bytes: number, arrays: number): void {
    const missing = this.#end + bytes + 2 * MARGIN * (arrays + 1) - this.wasm.memory.buffer.byteLength;
    if (missing > 0) this.wasm.memory.grow(Math.ceil(missing / PAGE_BYTES));
  }

  /** Where no array is. */
  get end(): number {
    return this.#end;
  }

  /** The address of an array of this many bytes. */
  allocate(bytes: number): number {
    const address = this.#end;
    this.#end = (address + bytes + 2 * MARGIN - 1) & -MARGIN;
    return address;
  }

  get buffer(): ArrayBuffer {
    return this.wasm.memory.buffer;
  }

  /** The address of an array that lies here; undefined for one in other memory. */
  addressOf({ buffer, byteOffset }: ArrayBufferView): number | undefined {
    return buffer === this.buffer ? byteOffset : undefined;
  }

  /** The address of a copy of an array. */
  copyOf(array: Uint8Array | Uint32Array | Int32Array | Float64Array): number {
    const address = this.allocate(array.byteLength);
    new Uint8Array(this.buffer, address, array.byteLength).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    );
    return address;
  }
}

let counter: LineMemory | undefined;
/** Fewer bytes are counted before a copy of them would be made. */
const MIN_COUNTED_BYTES = 2 ** 14;
/** The most bytes that are counted at a time, so that their copies take little memory. */
const COUNTED_BYTES = 2 ** 18;
const LINE_FEED = 10;

/** Counts the line feeds of bytes. */
export function lineFeeds(bytes: Uint8Array): number {
  let count = 0;
  if (bytes.length < MIN_COUNTED_BYTES) {
    for (let at = -1; (at = bytes.indexOf(LINE_FEED, at + 1)) >= 0;) count++;
    return count;
  }
  counter ??= new LineMemory();
  for (let from = 0; from < bytes.length; from += COUNTED_BYTES) {
    const part = bytes.subarray(from, from + COUNTED_BYTES);
    counter.reset(part.length, 1);
    const at = counter.copyOf(part);
    count += counter.wasm.countLines!(at, at + part.length);
  }
  return count;
}
