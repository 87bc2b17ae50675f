// Reads blocks of lines into columns. WebAssembly reads the plain forms of text and JSON Lines. Whatever is not plain goes
// through the general reader, so that a block holds what the general reader would find.

import { readBlock, type ReadInstance } from "../formats/instances/block.ts";
import type { Refusal } from "../formats/instances/refusal.ts";
import type { Settings } from "../formats/instances/settings.ts";
import { printable } from "../formats/printable.ts";
import { BlockReader, type PlainBlock } from "./block.ts";

/** Consecutive instances of a block: in columns, or as they are where columns do not hold them. */
export type ReadPart = { readonly plain: PlainBlock } | { readonly instances: readonly ReadInstance[] };

/** What a block of lines holds. Both lists are in the order of their lines. */
export interface ReadParts {
  readonly parts: readonly ReadPart[];
  readonly refusals: readonly Refusal[];
}

const LINE_FEED = 10;
/** Larger blocks, of which some line is long, do not become columns. */
const MAX_BYTES = 2 ** 22;

/** The most pairs of an item and a target of an instance in columns, by which its findings take memory. */
const MAX_PAIRS = 2 ** 22;

const encoder = new TextEncoder();
let ownReader: BlockReader | undefined;

/**
 * Reads whole lines as `readBlock` does.
 * @param firstLine The number of the first of them, from 1.
 * @param goesOn Whether lines behind one that is refused are wanted.
 * @param lender A reader that keeps a block that is all in columns, which lasts until its next use.
 */
export function readParts(
  settings: Settings,
  lines: Uint8Array,
  firstLine: number,
  goesOn: boolean,
  lender?: BlockReader,
): ReadParts {
  const { partition, start } = settings;
  const scanner = scannerOf(settings);
  const plain = lender ?? (ownReader ??= new BlockReader());
  const bytes = endedByLineFeed(lines);
  const hasColumns = bytes.length <= MAX_BYTES;
  plain.begin(hasColumns ? bytes : new Uint8Array(0));
  const parts: ReadPart[] = [];
  const refusals: Refusal[] = [];
  let others: ReadInstance[] = [];
  /** The instances in `parts`. */
  let ended = 0;
  const endOthers = () => {
    if (others.length > 0) parts.push({ instances: others });
    ended += others.length;
    others = [];
  };
  const endPlain = (block: () => PlainBlock) => {
    ended += plain.count;
    parts.push({ plain: block() });
  };
  const readOthers = (from: number, to: number, line: number) => {
    const read = readBlock(settings, bytes.subarray(from, to), line);
    const wanted = goesOn ? read.refusals : read.refusals.slice(0, 1);
    const before = ended + others.length + plain.count;
    for (const refusal of wanted) refusals.push({ ...refusal, before: before + refusal.before });
    const instances = goesOn ? read.instances : read.instances.slice(0, wanted[0]?.before);
    for (const instance of instances) {
      if (hasColumns && addInstance(plain, instance, partition)) endOthers();
      else {
        if (plain.count > 0) endPlain(() => plain.take());
        others.push(instance);
      }
    }
  };
  if (!scanner || !hasColumns) readOthers(0, bytes.length, firstLine);
  else
    for (let [at, line] = [0, firstLine]; at < bytes.length && (goesOn || refusals.length === 0); line++) {
      if (line >= start) {
        const wasEmpty = plain.count === 0;
        ({ at, line } = plain.read(scanner, at, line, partition));
        if (wasEmpty && plain.count > 0) endOthers();
        if (at === bytes.length) break;
      }
      const end = bytes.indexOf(LINE_FEED, at) + 1;
      readOthers(at, end - 1, line);
      at = end;
    }
  if (plain.count > 0) endPlain(() => (lender && parts.length === 0 ? plain.lent : plain.take()));
  endOthers();
  return { parts, refusals };
}

/** The form of the lines that WebAssembly reads; undefined where the general reader reads them all. */
function scannerOf({ format, isWhole, decimals, targets }: Settings): "text" | "jsonl" | undefined {
  if (isWhole || decimals || targets) return undefined;
  if (format === "text") return format;
  return format === "json" || format === "jsonl" ? "jsonl" : undefined;
}

/** Lines of which each ends with a line feed, so that a reader need not look for their end. */
function endedByLineFeed(lines: Uint8Array): Uint8Array {
  if (lines.at(-1) === LINE_FEED) return lines;
  const ended = new Uint8Array(lines.length + 1);
  ended.set(lines);
  ended[lines.length] = LINE_FEED;
  return ended;
}

/** Adds an instance to the columns, if they hold it. */
function addInstance(
  plain: BlockReader,
  { items, target, targets, tolerance, profits, id, line, written }: ReadInstance,
  partition: boolean,
): boolean {
  if (tolerance !== undefined || profits || written) return false;
  if (items.some((item) => item !== (item | 0))) return false;
  const asked = partition ? [] : (targets ?? [target!]);
  if (items.length * asked.length > MAX_PAIRS) return false;
  if (!asked.every((target) => Number.isSafeInteger(target))) return false;
  const name = id === undefined ? new Uint8Array(0) : encoder.encode(printable(JSON.stringify(id)));
  return plain.add(items, asked as number[], name, line);
}
