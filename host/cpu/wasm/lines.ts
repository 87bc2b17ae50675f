// Reads plain lines of instances into columns, and writes columns of findings as JSON Lines or CSV, byte by byte. It is
// AssemblyScript because every thread would have to warm up JavaScript by itself, which takes longer than a million lines.

const TAB: u32 = 9;
const LINE_FEED: u32 = 10;
const RETURN: u32 = 13;
const BLANK: u32 = 32;
const QUOTE: u32 = 0x22;
const COMMA: u32 = 0x2c;
const MINUS: u32 = 0x2d;
const ZERO: u32 = 0x30;
const COLON: u32 = 0x3a;
const OPEN: u32 = 0x5b;
const BACKSLASH: u32 = 0x5c;
const CLOSE: u32 = 0x5d;
const BEGIN: u32 = 0x7b;
const END: u32 = 0x7d;
const TILDE: u32 = 0x7e;

/** The most digits of a plain item, which then has 32 bits, and of a plain target, which a f64 then holds exactly. */
const ITEM_DIGITS: usize = 9;
const TARGET_DIGITS: usize = 15;
/** Longer lines are not plain, so that a plain instance has at most 10,000 items. */
const MAX_LINE_BYTES: usize = 20000;

export { heapBase } from "./memory";

/** Byte offsets of what the host and the readers share: addresses of columns, and how far they are filled. */
const enum Columns {
  ITEMS = 0,
  TARGETS = 4,
  IDS = 8,
  OFFSETS = 12,
  TARGET_OFFSETS = 16,
  ID_OFFSETS = 20,
  LINES = 24,
  /** Instances. */
  COUNT = 28,
  /** The number of the next line. */
  LINE = 32,
}

/** Where the next item, target and byte of a name go. */
let item: usize = 0;
let target: usize = 0;
let id: usize = 0;
/** The integer that was read last. */
let integer: i64 = 0;

/** A word that is an address or an index. */
// @ts-ignore: decorator
@inline
function word(at: usize): usize {
  return <usize>load<u32>(at);
}

/** Goes on behind the last instance of the columns. */
function enter(columns: usize): void {
  const count = word(columns + Columns.COUNT) << 2;
  item = word(columns + Columns.ITEMS) + (word(word(columns + Columns.OFFSETS) + count) << 2);
  target = word(columns + Columns.TARGETS) + (word(word(columns + Columns.TARGET_OFFSETS) + count) << 3);
  id = word(columns + Columns.IDS) + word(word(columns + Columns.ID_OFFSETS) + count);
}

/** Ends an instance. */
function endInstance(columns: usize, line: u32): void {
  const count = word(columns + Columns.COUNT);
  store<u32>(word(columns + Columns.LINES) + (count << 2), line);
  const next = (count + 1) << 2;
  store<u32>(word(columns + Columns.OFFSETS) + next, <u32>((item - word(columns + Columns.ITEMS)) >> 2));
  store<u32>(word(columns + Columns.TARGET_OFFSETS) + next, <u32>((target - word(columns + Columns.TARGETS)) >> 3));
  store<u32>(word(columns + Columns.ID_OFFSETS) + next, <u32>(id - word(columns + Columns.IDS)));
  store<u32>(columns, <u32>(count + 1), Columns.COUNT);
}

// @ts-ignore: decorator
@inline
function byteAt(at: usize): u32 {
  return load<u8>(at);
}

/** Whether a plain integer may end before a byte. */
// @ts-ignore: decorator
@inline
function endsInteger(byte: u32): bool {
  return byte <= BLANK || byte == COLON;
}

/** Reads an integer of at most `digits` digits, neither -0 nor with leading zeros; answers the address behind it, or 0. */
function readInteger(at: usize, digits: usize): usize {
  const isNegative = byteAt(at) == MINUS;
  if (isNegative) at++;
  let value: u64 = byteAt(at) - ZERO;
  if (<u32>value > 9) return 0;
  const most = at + digits;
  let digit = byteAt(++at) - ZERO;
  if (value == 0 && (isNegative || digit <= 9)) return 0;
  while (digit <= 9) {
    if (at == most) return 0;
    value = 10 * value + digit;
    digit = byteAt(++at) - ZERO;
  }
  integer = isNegative ? -<i64>value : value;
  return at;
}

/**
 * Reads lines such as `3 5 -8 : 10 11`, with blanks and tabs, up to the first one that is not plain.
 *
 * @param columns Where the columns are.
 * @param at The first line.
 * @param end The end of the lines, behind a line feed.
 * @param partition Whether instances need no targets, and have none.
 * @returns The address of the line that is not plain, or `end`.
 */
export function readText(columns: usize, at: usize, end: usize, partition: bool): usize {
  let line = load<u32>(columns, Columns.LINE);
  enter(columns);
  for (; at < end; line++) {
    const firstItem = item;
    const firstTarget = target;
    const next = readTextLine(at, partition);
    if (next == 0 || next - at > MAX_LINE_BYTES) {
      item = firstItem;
      target = firstTarget;
      break;
    }
    at = next;
    // A blank line, without even a colon.
    if (isBlank) continue;
    if (partition) target = firstTarget;
    endInstance(columns, line);
  }
  store<u32>(columns, line, Columns.LINE);
  return at;
}

let isBlank = false;

/** Reads a line, and answers the address of the next one; 0 where it is not plain. */
function readTextLine(at: usize, partition: bool): usize {
  const firstItem = item;
  let next = item;
  let byte: u32;
  for (;;) {
    byte = byteAt(at++);
    if (byte == BLANK || byte == TAB) continue;
    if (byte == COLON || byte == LINE_FEED) break;
    if (byte == RETURN && byteAt(at) == LINE_FEED) continue;
    const isNegative = byte == MINUS;
    if (isNegative) byte = byteAt(at++);
    let value = byte - ZERO;
    if (value > 9) return 0;
    const first = at;
    let digit = byteAt(at) - ZERO;
    if (value == 0 && (isNegative || digit <= 9)) return 0;
    while (digit <= 9) {
      value = 10 * value + digit;
      digit = byteAt(++at) - ZERO;
    }
    if (at - first >= ITEM_DIGITS || !endsInteger(digit + ZERO)) return 0;
    store<i32>(next, isNegative ? -<i32>value : value);
    next += 4;
  }
  item = next;
  const hasColon = byte == COLON;
  isBlank = !hasColon && next == firstItem;
  const firstTarget = target;
  while (byte != LINE_FEED) {
    byte = byteAt(at++);
    if (byte == BLANK || byte == TAB || byte == LINE_FEED) continue;
    if (byte == RETURN && byteAt(at) == LINE_FEED) continue;
    at = readInteger(at - 1, TARGET_DIGITS);
    if (at == 0 || byteAt(at) > BLANK) return 0;
    store<f64>(target, <f64>integer);
    target += 8;
  }
  return target == firstTarget && !isBlank && (hasColon || !partition) ? 0 : at;
}

/** Counts the line feeds of at..end; up to 15 bytes behind the end are read. */
export function countLines(at: usize, end: usize): u32 {
  const feeds = i8x16.splat(<i8>LINE_FEED);
  let count: u32 = 0;
  while (at < end) {
    // A byte of the vector counts to 255.
    const stop = min(end, at + 255 * 16);
    let counts = i64x2.splat(0);
    for (; at + 16 <= stop; at += 16) counts = i8x16.sub(counts, i8x16.eq(v128.load(at), feeds));
    const pairs = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts));
    count += i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
    count += i32x4.extract_lane(pairs, 2) + i32x4.extract_lane(pairs, 3);
    for (; at < stop; at++) count += <u32>(byteAt(at) == LINE_FEED);
  }
  return count;
}

// The names of fields with the colons behind them, as numbers of 8 bytes: `"items":`, `"target"`, `"targets` and `"id":`.
const ITEMS_FIELD: u64 = 0x3a22736d65746922;
const TARGET_FIELD: u64 = 0x2274656772617422;
const TARGETS_FIELD: u64 = 0x7374656772617422;
const ID_FIELD: u64 = 0x3a22646922;
const ID_FIELD_MASK: u64 = 0xffffffffff;

/**
 * Reads lines such as `{"items": [3, 5, -8], "target": 10, "id": "any"}` up to the first one that is not plain, as `readText`
 * does. A plain line has each field at most once, no other field, and at most a blank between tokens.
 */
export function readJson(columns: usize, at: usize, end: usize, partition: bool): usize {
  let line = load<u32>(columns, Columns.LINE);
  enter(columns);
  for (; at < end; line++) {
    const firstItem = item;
    const firstTarget = target;
    const firstId = id;
    const next = readJsonLine(at, partition);
    if (next == 0 || next - at > MAX_LINE_BYTES) {
      item = firstItem;
      target = firstTarget;
      id = firstId;
      break;
    }
    at = next;
    if (partition) target = firstTarget;
    endInstance(columns, line);
  }
  store<u32>(columns, line, Columns.LINE);
  return at;
}

function readJsonLine(at: usize, partition: bool): usize {
  if (byteAt(at) != BEGIN) return 0;
  let hasItems = false;
  let hasTargets = false;
  let hasId = false;
  do {
    at = skipBlank(at + 1);
    const field = load<u64>(at);
    if (field == ITEMS_FIELD && !hasItems) {
      hasItems = true;
      at = readItems(skipBlank(at + 8));
    } else if (field == TARGET_FIELD && byteAt(at + 8) == COLON && !hasTargets) {
      hasTargets = true;
      at = readInteger(skipBlank(at + 9), TARGET_DIGITS);
      store<f64>(target, <f64>integer);
      target += 8;
    } else if (field == TARGETS_FIELD && load<u16>(at + 8) == 0x3a22 && !hasTargets) {
      hasTargets = true;
      const first = target;
      at = readTargets(skipBlank(at + 10));
      if (target == first) return 0;
    } else if ((field & ID_FIELD_MASK) == ID_FIELD && !hasId) {
      hasId = true;
      at = readId(skipBlank(at + 5));
    } else return 0;
    if (at == 0) return 0;
    at = skipBlank(at);
  } while (byteAt(at) == COMMA);
  if (byteAt(at++) != END || !hasItems || (!hasTargets && !partition)) return 0;
  if (byteAt(at) == RETURN) at++;
  return byteAt(at) == LINE_FEED ? at + 1 : 0;
}

// @ts-ignore: decorator
@inline
function skipBlank(at: usize): usize {
  return byteAt(at) == BLANK ? at + 1 : at;
}

/** Reads a list of items, and answers the address behind it, or 0. */
function readItems(at: usize): usize {
  if (byteAt(at) != OPEN) return 0;
  at = skipBlank(at + 1);
  if (byteAt(at) == CLOSE) return at + 1;
  while (true) {
    at = readInteger(at, ITEM_DIGITS);
    if (at == 0) return 0;
    store<i32>(item, <i32>integer);
    item += 4;
    at = skipBlank(at);
    if (byteAt(at) == CLOSE) return at + 1;
    if (byteAt(at) != COMMA) return 0;
    at = skipBlank(at + 1);
  }
}

/** Reads a list of targets. */
function readTargets(at: usize): usize {
  if (byteAt(at) != OPEN) return 0;
  at = skipBlank(at + 1);
  if (byteAt(at) == CLOSE) return at + 1;
  while (true) {
    at = readInteger(at, TARGET_DIGITS);
    if (at == 0) return 0;
    store<f64>(target, <f64>integer);
    target += 8;
    at = skipBlank(at);
    if (byteAt(at) == CLOSE) return at + 1;
    if (byteAt(at) != COMMA) return 0;
    at = skipBlank(at + 1);
  }
}

/** Copies a name that JSON writes as it reads it: printable ASCII in quotes, or an integer. */
function readId(at: usize): usize {
  let end = at;
  if (byteAt(at) == QUOTE) {
    for (let byte: u32; (byte = byteAt(++end)) != QUOTE; )
      if (byte < BLANK || byte > TILDE || byte == BACKSLASH) return 0;
    end++;
  } else {
    end = readInteger(at, TARGET_DIGITS);
    if (end == 0) return 0;
  }
  memory.copy(id, at, end - at);
  id += end - at;
  return end;
}

/** Byte offsets of what the host tells the writer: addresses of columns, and what is written of them. */
const enum Findings {
  COUNT = 0,
  LINES = 4,
  OFFSETS = 8,
  TOTALS = 12,
  QUERY_OFFSETS = 16,
  ID_OFFSETS = 20,
  IDS = 24,
  TARGETS = 28,
  REACHABLE = 32,
  SUMS = 36,
  COUNTS = 40,
  MASK_OFFSETS = 44,
  WITNESSES = 48,
  SIZES = 52,
  SMALLEST = 56,
  /** Whether findings have a target, a sum, a difference, a count, a witness and a smallest set, and are a table: bits 0 to 6. */
  FIELDS = 60,
  /** Where lines go, and where they go without provenance: 0 for nowhere. The writer leaves their ends here. */
  PRINTED = 64,
  STORED = 68,
  /** Addresses and lengths of constant texts. */
  TEXTS = 72,
}

const enum Text {
  INSTANCE,
  ID,
  LINE,
  ITEMS,
  TARGET,
  REACHED,
  MISSED,
  SUM,
  DIFFERENCE,
  COUNT,
  AFTER_COUNT,
  WITNESS,
  SMALLEST,
  SMALLEST_WITNESS,
  NOTHING,
  METHOD,
  PROVENANCE,
  END,
}

const FIELD_TARGET: u32 = 1;
const FIELD_SUM: u32 = 2;
const FIELD_DIFFERENCE: u32 = 4;
const FIELD_COUNT: u32 = 8;
const FIELD_WITNESS: u32 = 16;
const FIELD_SMALLEST: u32 = 32;
/** Findings are rows of a table: every row has a name, and lists have blanks and no brackets. */
const TABLE: u32 = 64;

/** Where the next byte goes. */
let out: usize = 0;

/** Copies bytes. It writes up to 15 further ones, which later bytes replace. */
// @ts-ignore: decorator
@inline
function put(from: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 16) v128.store(out + i, v128.load(from + i));
  out += length;
}

function putText(findings: usize, text: usize): void {
  const entry = word(findings + Findings.TEXTS) + (text << 3);
  put(word(entry), word(entry + 4));
}

function putDigits(value: u32): void {
  let end = out + 1;
  if (value >= 10) {
    end++;
    for (let bound: u64 = 100; value >= bound; bound *= 10) end++;
  }
  out = end;
  do {
    const quotient = value / 10;
    store<u8>(--end, ZERO + value - 10 * quotient);
    value = quotient;
  } while (value != 0);
}

function putInteger(value: u64): void {
  if (value <= u32.MAX_VALUE) return putDigits(<u32>value);
  putInteger(value / 10);
  store<u8>(out++, ZERO + <u32>(value % 10));
}

function putSigned(value: i64): void {
  if (value < 0) {
    store<u8>(out++, MINUS);
    value = -value;
  }
  putInteger(value);
}

/** Writes the indices in a mask. */
function putIndices(mask: usize, end: usize, isTable: bool): void {
  if (!isTable) store<u8>(out++, OPEN);
  const start = out;
  for (let base: u32 = 0; mask < end; mask += 4, base += 32)
    for (let bits = load<u32>(mask); bits != 0; bits &= bits - 1) {
      putDigits(base + <u32>ctz(bits));
      store<u8>(out++, isTable ? BLANK : COMMA);
    }
  // The bracket takes the place of the last comma.
  if (out > start) out--;
  if (!isTable) store<u8>(out++, CLOSE);
}

/** Writes the findings of all instances, the first of which has the index `instance` in the input. */
export function writeFindings(findings: usize, instance: f64): void {
  const count: usize = word(findings + Findings.COUNT);
  const fields = load<u32>(findings, Findings.FIELDS);
  const queries = word(findings + Findings.QUERY_OFFSETS);
  const firstQuery = word(queries);
  const offsets = word(findings + Findings.OFFSETS);
  const idOffsets: usize = word(findings + Findings.ID_OFFSETS);
  const ids: usize = word(findings + Findings.IDS);
  let stored: usize = word(findings + Findings.STORED);
  out = word(findings + Findings.PRINTED);
  const index = <u64>instance;
  for (let k: usize = 0; k < count; k++) {
    const idFrom = word(idOffsets + 4 * k);
    const idLength = word(idOffsets + 4 * k + 4) - idFrom;
    for (let q = word(queries + 4 * k) - firstQuery, end = word(queries + 4 * k + 4) - firstQuery; q < end; q++) {
      const start = out;
      const reachable = load<u8>(word(findings + Findings.REACHABLE) + q) != 0;
      const sum: i64 = load<i32>(word(findings + Findings.SUMS) + 4 * q);
      putText(findings, Text.INSTANCE);
      putInteger(index + k);
      if (idLength > 0 || fields & TABLE) {
        putText(findings, Text.ID);
        put(ids + idFrom, idLength);
      }
      putText(findings, Text.LINE);
      putDigits(load<u32>(word(findings + Findings.LINES) + 4 * k));
      putText(findings, Text.ITEMS);
      putDigits(<u32>(word(offsets + 4 * k + 4) - word(offsets + 4 * k)));
      if (fields & FIELD_TARGET) {
        putText(findings, Text.TARGET);
        putSigned(<i64>load<f64>(word(findings + Findings.TARGETS) + 8 * (firstQuery + q)));
      }
      putText(findings, reachable ? Text.REACHED : Text.MISSED);
      if (fields & FIELD_SUM) {
        putText(findings, Text.SUM);
        if (reachable) putSigned(sum);
        else putText(findings, Text.NOTHING);
      }
      if (fields & FIELD_DIFFERENCE) {
        putText(findings, Text.DIFFERENCE);
        putInteger(abs(<i64>load<i32>(word(findings + Findings.TOTALS) + 4 * k) - 2 * sum));
      }
      if (fields & FIELD_COUNT) {
        putText(findings, Text.COUNT);
        putInteger(load<u64>(word(findings + Findings.COUNTS) + 8 * q));
        putText(findings, Text.AFTER_COUNT);
      }
      if (fields & (FIELD_WITNESS | FIELD_SMALLEST)) putSets(findings, fields, reachable, q);
      putText(findings, Text.METHOD);
      if (stored) {
        memory.copy(stored, start, out - start);
        stored += out - start;
        const printed = out;
        out = stored;
        putText(findings, Text.END);
        stored = out;
        out = printed;
      }
      putText(findings, Text.PROVENANCE);
    }
  }
  store<u32>(findings, <u32>out, Findings.PRINTED);
  store<u32>(findings, <u32>stored, Findings.STORED);
}

/** Writes the index sets of a query. */
function putSets(findings: usize, fields: u32, reachable: bool, q: usize): void {
  const offsets = word(findings + Findings.MASK_OFFSETS) + 4 * q;
  const first = word(offsets);
  const last = word(offsets + 4);
  const isTable = (fields & TABLE) != 0;
  if (fields & FIELD_WITNESS) {
    const masks: usize = word(findings + Findings.WITNESSES);
    putText(findings, Text.WITNESS);
    if (reachable) putIndices(masks + 4 * first, masks + 4 * last, isTable);
    else putText(findings, Text.NOTHING);
  }
  if (!(fields & FIELD_SMALLEST)) return;
  const masks: usize = word(findings + Findings.SMALLEST);
  putText(findings, Text.SMALLEST);
  if (reachable) putDigits(load<u32>(word(findings + Findings.SIZES) + 4 * q));
  else putText(findings, Text.NOTHING);
  putText(findings, Text.SMALLEST_WITNESS);
  if (reachable) putIndices(masks + 4 * first, masks + 4 * last, isTable);
  else putText(findings, Text.NOTHING);
}
