// Instances of a block of lines as columns, so that a thread takes and gives few buffers instead of objects.

import { maskOffsetsOf, type PlainAnswers, type PlainInstances } from "../../../src/solve/columns.ts";
import type { SolveConfig } from "../../../src/solve/problem.ts";
import { plainRequest } from "../../cpu/plain.ts";
import { LineMemory } from "./memory.ts";

/** Instances with their places and names. */
export interface PlainBlock extends PlainInstances {
  /** The line of each instance, from 1. */
  readonly lines: Uint32Array<ArrayBuffer>;
  /** The names of the instances as JSON, UTF-8; nothing for an instance without one. */
  readonly ids: Uint8Array<ArrayBuffer>;
  readonly idOffsets: Uint32Array<ArrayBuffer>;
}

/** The words for the module: the addresses of the columns, the number of instances, and that of the next line. */
const COLUMNS_WORDS = 9;
const [COUNT, LINE] = [7, 8] as const;

/** Bytes for `answerPlain`: the fields of `Plain` in host/cpu/wasm/plain.ts. */
const PLAIN_BYTES = 80;

/** Reads plain lines into a block, and answers its instances where it has the module of all kernels. */
export class BlockReader {
  readonly memory: LineMemory;
  #address = 0;
  /** The most integers, and bytes of names, that the columns hold. */
  #most = 0;
  #bytes = 0;
  #start = 0;

  constructor(module?: WebAssembly.Module) {
    this.memory = new LineMemory(module);
  }

  /** Begins to read lines, which end with a line feed. A block that was lent ends. */
  begin(lines: Uint8Array): void {
    const memory = this.memory;
    // An integer takes at least two bytes, with its separator.
    const most = (lines.length >> 1) + 1;
    memory.reset(2 * lines.length + 36 * most, 10);
    this.#start = memory.copyOf(lines);
    this.#address = memory.allocate(4 * COLUMNS_WORDS);
    this.#columns.set([
      memory.allocate(4 * most),
      memory.allocate(8 * most),
      memory.allocate(lines.length),
      ...[0, 0, 0, 0].map(() => memory.allocate(4 * (most + 1))),
      0,
    ]);
    [this.#most, this.#bytes] = [most, lines.length];
    this.#clear();
  }

  /** A view of the words for the module, which ends when the memory grows. */
  get #columns(): Uint32Array {
    return new Uint32Array(this.memory.buffer, this.#address, COLUMNS_WORDS);
  }

  /** The instances in the block so far. */
  get count(): number {
    return this.#columns[COUNT]!;
  }

  /**
   * Reads plain lines from one on, and answers the first one that is not plain: where it begins, and its number.
   * @param at Where the lines begin, in bytes from the first one.
   */
  read(format: "text" | "jsonl", at: number, line: number, partition: boolean): { at: number; line: number } {
    this.#columns[LINE] = line;
    const { readText, readJson } = this.memory.wasm;
    const read = format === "text" ? readText : readJson;
    const end = read(this.#address, this.#start + at, this.#start + this.#bytes, partition);
    return { at: end - this.#start, line: this.#columns[LINE] };
  }

  /** Adds an instance whose name is `id` in JSON; answers false, and adds nothing, where there is no room for it. */
  add(items: readonly number[], targets: readonly number[], id: Uint8Array, line: number): boolean {
    const [k, itemEnd, targetEnd, idEnd] = this.#ends();
    if (itemEnd + items.length > this.#most || targetEnd + targets.length > this.#most) return false;
    if (idEnd + id.length > this.#bytes || k === this.#most) return false;
    const { buffer } = this.memory;
    const [itemsAt, targetsAt, idsAt, offsets, targetOffsets, idOffsets, lines] = this.#columns;
    new Int32Array(buffer, itemsAt).set(items, itemEnd);
    new Float64Array(buffer, targetsAt).set(targets, targetEnd);
    new Uint8Array(buffer, idsAt).set(id, idEnd);
    const words = new Uint32Array(buffer);
    words[offsets! / 4 + k + 1] = itemEnd + items.length;
    words[targetOffsets! / 4 + k + 1] = targetEnd + targets.length;
    words[idOffsets! / 4 + k + 1] = idEnd + id.length;
    words[lines! / 4 + k] = line;
    this.#columns[COUNT] = k + 1;
    return true;
  }

  /** The block so far, in memory that lasts until `begin`. */
  get lent(): PlainBlock {
    const [count, itemEnd, targetEnd, idEnd] = this.#ends();
    const { buffer } = this.memory;
    const [items, targets, ids, offsets, targetOffsets, idOffsets, lines] = this.#columns;
    return {
      items: new Int32Array(buffer, items, itemEnd),
      offsets: new Uint32Array(buffer, offsets, count + 1),
      targets: new Float64Array(buffer, targets, targetEnd),
      targetOffsets: new Uint32Array(buffer, targetOffsets, count + 1),
      lines: new Uint32Array(buffer, lines, count),
      ids: new Uint8Array(buffer, ids, idEnd),
      idOffsets: new Uint32Array(buffer, idOffsets, count + 1),
    };
  }

  /** A copy of the block so far, after which the reader has none. */
  take(): PlainBlock {
    const { items, offsets, targets, targetOffsets, lines, ids, idOffsets } = this.lent;
    const block = {
      items: items.slice(),
      offsets: offsets.slice(),
      targets: targets.slice(),
      targetOffsets: targetOffsets.slice(),
      lines: lines.slice(),
      ids: ids.slice(),
      idOffsets: idOffsets.slice(),
    };
    this.#clear();
    return block;
  }

  /**
   * The answers to all instances of the block, in memory that lasts until `begin`; undefined where it leaves some of them, or the
   * request, to the kernels for many instances.
   */
  answer(config: SolveConfig): PlainAnswers | undefined {
    const request = plainRequest(config);
    const { answerPlain } = this.memory.wasm;
    if (!answerPlain || !request) return undefined;
    const { flags, asksCount, asksWitness, asksSmallest, tolerance, updateCost, meetingCosts } = request;
    const memory = this.memory;
    const { offsets, targetOffsets, targets } = this.lent;
    const [count, queries] = [offsets.length - 1, targets.length];
    const hasMasks = asksWitness || asksSmallest;
    const maskOffsets = hasMasks
      ? maskOffsetsOf(offsets, targetOffsets, { first: 0, end: count })
      : new Uint32Array(0);
    const masks = maskOffsets[queries] ?? 0;
    const sizes = {
      reachable: queries,
      sums: 4 * queries,
      witnesses: asksWitness ? 4 * masks : 0,
      counts: asksCount ? 8 * queries : 0,
      sizes: asksSmallest ? 4 * queries : 0,
      smallest: asksSmallest ? 4 * masks : 0,
    };
    const answerBytes = Object.values(sizes).reduce((sum, bytes) => sum + bytes);
    memory.reserve(answerBytes + meetingCosts.byteLength + PLAIN_BYTES, 8);
    const zeros = (bytes: number) => {
      const at = memory.allocate(bytes);
      new Uint8Array(memory.buffer, at, bytes).fill(0);
      return at;
    };
    const at = {
      reachable: zeros(sizes.reachable),
      sums: zeros(sizes.sums),
      witnesses: zeros(sizes.witnesses),
      counts: zeros(sizes.counts),
      sizes: zeros(sizes.sizes),
      smallest: zeros(sizes.smallest),
    };
    const costs = meetingCosts[0] ? memory.copyOf(meetingCosts) : 0;
    const plain = memory.allocate(PLAIN_BYTES);
    const [items, targetsAt, , offsetsAt, targetOffsetsAt] = this.#columns;
    const words = new Uint32Array(memory.buffer, plain);
    words.set([count, items!, offsetsAt!, targetsAt!, targetOffsetsAt!, flags]);
    words.set([at.reachable, at.sums, at.witnesses, costs, memory.end], 6);
    new Float64Array(memory.buffer, plain + 48).set([tolerance, updateCost]);
    words.set([at.counts, at.sizes, at.smallest], 16);
    if (answerPlain(plain) < count) return undefined;
    const { buffer } = memory;
    return {
      firstQuery: 0,
      reachable: new Uint8Array(buffer, at.reachable, queries),
      sums: new Int32Array(buffer, at.sums, queries),
      counts: new Uint32Array(buffer, at.counts, sizes.counts / 4),
      maskOffsets,
      witnesses: new Uint32Array(buffer, at.witnesses, sizes.witnesses / 4),
      sizes: new Int32Array(buffer, at.sizes, sizes.sizes / 4),
      smallest: new Uint32Array(buffer, at.smallest, sizes.smallest / 4),
    };
  }

  #clear(): void {
    this.#columns[COUNT] = 0;
    const words = new Uint32Array(this.memory.buffer);
    for (const offsets of this.#columns.subarray(3, 6)) words[offsets / 4] = 0;
  }

  /** The number of instances, and where their items, targets and names end. */
  #ends(): [number, number, number, number] {
    const count = this.#columns[COUNT]!;
    const words = new Uint32Array(this.memory.buffer);
    const [items, targets, ids] = [...this.#columns.subarray(3, 6)].map(
      (offsets) => words[offsets / 4 + count]!,
    );
    return [count, items!, targets!, ids!];
  }
}
