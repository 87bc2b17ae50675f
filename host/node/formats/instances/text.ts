// Text: `items : targets` on every line, or one item on every line.

import { ITEM, TARGET } from "../../../../src/solve/problem.ts";
import type { Parsed } from "./instance.ts";
import { PlacedError } from "./refusal.ts";
import { partsOf, numberOf, type Num, type Piece, type Reading, type Role } from "./values.ts";

const ITEM_ROLE: Role = { field: "item", range: ITEM };
const TARGET_ROLE: Role = { field: "target", range: TARGET };

const names = {
  nameOf: (list: string) => (list === "items" ? "item" : "target"),
  targetPlace: "write it behind the items and a colon",
};

/** What `3 5 -8 : 10 11` gives; undefined for a comment. */
export function readText(line: string, reading: Reading): Parsed | undefined {
  if (isComment(line)) return undefined;
  const colon = line.indexOf(":");
  const left = colon < 0 ? line : line.slice(0, colon);
  const right = colon < 0 ? "" : line.slice(colon + 1);
  // Most lines have plain integers alone, which need no places.
  const items = plainIntegers(left);
  const targets = plainIntegers(right);
  if (items && targets) return { items, targets: targets.length === 0 ? undefined : targets, ...names };
  return carefully({ text: left, at: 0 }, { text: right, at: colon + 1 }, line, reading);
}

/** Reads the two sides of a line with the places of all numbers. */
function carefully(left: Piece, right: Piece, line: string, reading: Reading): Parsed {
  const second = right.text.indexOf(":");
  if (second >= 0)
    throw new PlacedError(right.at + second, "line", "one colon, between items and targets", line.trim());
  const items = partsOf(left, reading, ITEM_ROLE);
  const targets = partsOf(right, reading, TARGET_ROLE);
  // In 1234; 5678 : 6 912, the blank groups thousands.
  if (items.separator && targets.separator && items.separator !== targets.separator)
    throw new PlacedError(
      targets.pieces[1]!.at,
      "separator",
      "the same on both sides of the colon",
      line.trim(),
      "separate all numbers of a line by blanks, commas or semicolons",
    );
  const values = targets.pieces.map((piece) => numberOf(piece, reading, TARGET_ROLE));
  return {
    items: items.pieces.map((piece) => numberOf(piece, reading, ITEM_ROLE)),
    targets: values.length === 0 ? undefined : values,
    ...names,
  };
}

export function isComment(line: string): boolean {
  return /^[\s\ufeff]*#/.test(line);
}

/** The instance whose items are lines of one number each; blank lines and comments do not count. */
export function readItems(lines: readonly Piece[], reading: Reading): Parsed {
  const items = lines.filter(({ text }) => !isComment(text));
  return {
    items: items.map(({ text, at }) => {
      const number = text.trim();
      return numberOf({ text: number, at: at + text.indexOf(number) }, reading, ITEM_ROLE);
    }),
    nameOf: names.nameOf,
    targetPlace: "all lines of this input are one instance",
  };
}

/** Whether a line has one number or none that is beyond doubt, so that the lines of the input are the items of one instance. */
export function isItem(line: string, reading: Reading): boolean {
  if (line.includes(":")) return false;
  try {
    return partsOf({ text: line, at: 0 }, reading, ITEM_ROLE).pieces.length === 1;
  } catch (error) {
    if (error instanceof PlacedError) return true;
    throw error;
  }
}

const [BLANK, TAB, MINUS, ZERO, NINE] = [32, 9, 45, 48, 57];

/** Integers of at most 15 decimal digits, separated by blanks; undefined where the text has anything else. */
function plainIntegers(text: string): Num[] | undefined {
  const list: number[] = [];
  let i = 0;
  for (;;) {
    let code = text.charCodeAt(i);
    while (code === BLANK || code === TAB) code = text.charCodeAt(++i);
    if (i >= text.length) return list;
    const isNegative = code === MINUS;
    if (isNegative) code = text.charCodeAt(++i);
    const first = i;
    let value = 0;
    for (; code >= ZERO && code <= NINE; code = text.charCodeAt(++i)) value = 10 * value + code - ZERO;
    const digits = i - first;
    if (digits === 0 || digits > 15 || !(i >= text.length || code === BLANK || code === TAB))
      return undefined;
    // 0 - 0 is 0, where -0 is not.
    list.push(isNegative ? 0 - value : value);
  }
}
