// Instances of a block of lines as columns, so that a thread takes and gives few buffers instead of objects.

import { servesColumns, type PlainAnswers, type PlainInstances } from "../../../src/solve/columns.ts";
import { maskWords } from "../../../src/kernels/instances.ts";
import { listCosts, tableCost, type SolveConfig } from "../../../src/solve/problem.ts";
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

/** Bytes for `answerPlain`: 12 words and two f64. */
const PLAIN_BYTES = 64;
const [BOUNDED, AT_MOST, WITNESS] = [1, 2, 4] as const;
/** The cost of an update of a table where sums and witnesses alone are asked for. */
const UPDATE_COST = tableCost(new Set(), 1);

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
    const { asked, partition, tolerance, atMost } = config;
    const { answerPlain } = this.memory.wasm;
    if (!answerPlain || partition || !servesColumns(config)) return undefined;
    if (asked.has("count") || asked.has("smallest")) return undefined;
    const memory = this.memory;
    const { offsets, targetOffsets, targets } = this.lent;
    const [count, queries] = [offsets.length - 1, targets.length];
    const hasMasks = asked.has("witness");
    const maskOffsets = new Uint32Array(hasMasks ? queries + 1 : 0);
    let masks = 0;
    if (hasMasks)
      for (let k = 0; k < count; k++)
        for (let q = targetOffsets[k]!; q < targetOffsets[k + 1]!; q++)
          maskOffsets[q + 1] = masks += maskWords(offsets[k + 1]! - offsets[k]!);
    const answerBytes = 5 * queries + 4 * masks;
    memory.reserve(answerBytes + 8 * listCosts.length + PLAIN_BYTES, 6);
    const [reachableAt, sumsAt, masksAt] = [queries, 4 * queries, 4 * masks].map((bytes) =>
      memory.allocate(bytes),
    );
    for (const [at, bytes] of [
      [reachableAt, queries],
      [sumsAt, 4 * queries],
      [masksAt, 4 * masks],
    ] as const)
      new Uint8Array(memory.buffer, at, bytes).fill(0);
    const hasMeeting = config.method === undefined;
    const costs = hasMeeting ? memory.copyOf(listCosts) : 0;
    const plain = memory.allocate(PLAIN_BYTES);
    const [items, targetsAt, , offsetsAt, targetOffsetsAt] = this.#columns;
    const flags = (tolerance === undefined ? 0 : BOUNDED) | (atMost ? AT_MOST : 0) | (hasMasks ? WITNESS : 0);
    new Uint32Array(memory.buffer, plain).set([
      count,
      items!,
      offsetsAt!,
      targetsAt!,
      targetOffsetsAt!,
      flags,
      reachableAt!,
      sumsAt!,
      masksAt!,
      costs,
      memory.end,
    ]);
    new Float64Array(memory.buffer, plain + 48).set([tolerance ?? 0, UPDATE_COST]);
    if (answerPlain(plain) < count) return undefined;
    const { buffer } = memory;
    return {
      firstQuery: 0,
      reachable: new Uint8Array(buffer, reachableAt, queries),
      sums: new Int32Array(buffer, sumsAt, queries),
      counts: new Uint32Array(0),
      maskOffsets,
      witnesses: new Uint32Array(buffer, masksAt, masks),
      sizes: new Int32Array(0),
      smallest: new Uint32Array(0),
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
