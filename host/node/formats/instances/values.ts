// Numbers and lists of numbers in text, each with its place.

import { RequestError, type Remedy } from "../../../../src/errors.ts";
import {
  amountOf,
  MAX_DIGITS,
  NumberFault,
  readNumber,
  UNBROKEN_SPACES,
  type Decimal,
  type FaultKind,
  type Notation,
} from "../../../../src/numbers.ts";
import { PlacedError } from "./refusal.ts";

/** How the numbers of an input are read. */
export interface Reading {
  readonly notation: Notation;
  /** Whether decimals and amounts of money are read; otherwise numbers are integers. */
  readonly decimals: boolean;
}

/** A number in a text. */
export interface Value extends Decimal {
  /** The number as it is written, and its index in the text; no index for the value of an option. */
  readonly text: string;
  readonly at?: number | undefined;
  readonly currency?: string | undefined;
}

/** A number of a line with its place, or an integer of at most 15 digits alone, which is in the range of items and targets. */
export type Num = number | Value;

/** A part of a text, with its index. */
export interface Piece {
  readonly text: string;
  readonly at: number;
}

/** What a number is: the name that errors give it, and its range. */
export interface Role {
  readonly field: string;
  readonly range: string;
}

/**
 * The number that fills a piece of text.
 * @throws {PlacedError} where it is none, or may be two different ones.
 */
export function numberOf(piece: Piece, reading: Reading, role: Role): Num {
  const { text } = piece;
  // Most numbers are plain, and adding 0 makes 0 of -0. Decimals are scaled later, and may then be out of range.
  return !reading.decimals && /^-?\d{1,15}$/.test(text) ? Number(text) + 0 : valueOf(piece, reading, role);
}

function valueOf({ text, at }: Piece, { notation, decimals }: Reading, role: Role): Value {
  const amount = decimals ? amountOf(text) : undefined;
  const number = readNumber(amount?.number ?? text, notation);
  if (!(number instanceof NumberFault)) {
    const value = { ...number, text, at, currency: amount?.currency };
    if (decimals || number.places === 0) return value;
    throw refused("fraction", { text, at }, notation, role);
  }
  throw refused(number.kind, { text, at }, notation, role, at + (amount?.at ?? 0) + number.at);
}

/** The refusal of a number. */
function refused(
  kind: FaultKind,
  { text, at }: Piece,
  notation: Notation,
  { field, range }: Role,
  place = at,
): PlacedError {
  const explanation = kind === "form" ? explanationOfForm(text, notation) : explanations[kind];
  const { expected = range, remedy } = explanation;
  return new PlacedError(place, field, expected, text, remedy);
}

interface Explanation {
  readonly expected?: string | undefined;
  readonly remedy?: Remedy | undefined;
}

const AS_POINT = { option: "decimal", value: "point" };
const AS_COMMA = { option: "decimal", value: "comma" };
const WITH_DECIMALS = { option: "scale", value: "auto" };

/** What was expected in the place of a number, where it is not the range alone, and what to do. */
const explanations: Readonly<Record<Exclude<FaultKind, "form">, Explanation>> = {
  comma: {
    expected: "no comma between digits, which can be read in several ways",
    remedy: [
      { ...AS_POINT, because: "where it groups thousands" },
      { ...AS_COMMA, because: "where it is a decimal comma" },
      "write a blank behind it, where it separates two numbers",
    ],
  },
  point: {
    expected: "no point that may group thousands",
    remedy: [
      { ...AS_POINT, because: "where it is a decimal point" },
      { ...AS_COMMA, because: "where it groups thousands" },
    ],
  },
  space: {
    expected: "no space that does not break between digits",
    remedy: [
      { ...AS_POINT, because: "where it groups thousands" },
      "write a plain blank, where it separates two numbers",
    ],
  },
  dash: { remedy: "write - as the minus sign" },
  fraction: { remedy: { ...WITH_DECIMALS, because: "which reads decimals exactly" } },
  size: { expected: `at most ${MAX_DIGITS} digits` },
};

function explanationOfForm(text: string, notation: Notation): Explanation {
  if (text.endsWith("%")) return { remedy: "a percent sign is not read" };
  if (amountOf(text)) return { remedy: { ...WITH_DECIMALS, because: "which reads amounts of money" } };
  if (!/^[+\-\u2212]?[\d.,]+$/.test(text) || notation === "plain" || notation === "unstated") return {};
  return {
    expected: `a number with a decimal ${notation}`,
    remedy: text.includes(",") ? "write a blank behind a comma that separates two numbers" : undefined,
  };
}

/** What separates the numbers of a list: a blank, a comma or a semicolon. */
type Separator = " " | "," | ";";

/** The parts of a list, and what separates them; undefined where there are fewer than two. */
export interface Parts {
  readonly pieces: readonly Piece[];
  readonly separator: Separator | undefined;
}

const spaceInDigits = new RegExp(`(?<=\\d)[${UNBROKEN_SPACES}](?=\\d)`, "g");

/**
 * Splits a list at blanks, commas or semicolons, the same throughout. A comma between two digits separates where nothing else
 * does, where there is another comma, and where none stands before exactly three digits. In a stated notation it never does.
 * @throws {PlacedError} where it is in doubt what a comma or a space means, or where separators are mixed.
 */
export function partsOf({ text, at }: Piece, { notation }: Reading, role: Role): Parts {
  const isStated = notation === "point" || notation === "comma";
  const list = text.trim();
  if (list === "") return { pieces: [], separator: undefined };
  const start = at + text.indexOf(list[0]!);
  const space = spaceInDigits.exec(list);
  spaceInDigits.lastIndex = 0;
  if (space && !isStated)
    throw refused("space", { text: list, at: start }, notation, role, start + space.index);
  // A space that groups thousands must not split; an apostrophe groups them as well, and is as long.
  const solid = space ? list.replace(spaceInDigits, "'") : list;
  const commas = [...solid.matchAll(/(?<=\S),(?=\S)/g)].map(({ index }) => index);
  const between = commas.filter((index) => /\d,\d/.test(solid.slice(index - 1, index + 2)));
  const isOnlySeparator = !/[\s;]/.test(solid) && commas.length >= 2;
  if (!isStated && between.length > 0) {
    const doubtful = between.find((index) => /^,\d{3}(?!\d)/.test(solid.slice(index, index + 5)));
    const place = doubtful ?? (isOnlySeparator ? undefined : between[0]!);
    if (place !== undefined) {
      const word = wordAt(solid, place);
      throw refused("comma", { text: word, at: start }, notation, role, start + place);
    }
  }
  const ends = isStated ? /\s*;\s*|\s*,(?!\d)\s*|(?<!\d)\s*,\s*|\s+,\s*|\s+/g : /\s*[,;]\s*|\s+/g;
  const pieces: Piece[] = [];
  let separator: Separator | undefined;
  let begin = 0;
  for (const { 0: end, index } of solid.matchAll(ends)) {
    const mark = end.includes(";") ? ";" : end.includes(",") ? "," : " ";
    separator ??= mark;
    if (mark !== separator)
      throw new PlacedError(
        start + index,
        role.field,
        `${NAMES[separator]} alone between numbers`,
        list,
        ALIKE,
      );
    pieces.push({ text: list.slice(begin, index), at: start + begin });
    begin = index + end.length;
  }
  pieces.push({ text: list.slice(begin), at: start + begin });
  return { pieces, separator };
}

const NAMES = { " ": "blanks", ",": "commas", ";": "semicolons" };
const ALIKE = "separate all numbers of a line in the same way";

/** The word of a text in which a character is. */
function wordAt(text: string, index: number): string {
  let from = index;
  while (from > 0 && /\S/.test(text[from - 1]!)) from--;
  let to = index;
  while (to < text.length && /\S/.test(text[to]!)) to++;
  return text.slice(from, to);
}

/**
 * The numbers of an option: at least one. They have no places, which are those of the input.
 * @throws {RequestError} where it has none, or something else.
 */
export function valuesOfOption(text: string, reading: Reading, role: Role): [Value, ...Value[]] {
  const { pieces } = partsOf({ text, at: 0 }, reading, role);
  const [first, ...rest] = pieces.map((piece) => ({ ...valueOf(piece, reading, role), at: undefined }));
  if (!first) throw new RequestError(role.field, role.range, text);
  return [first, ...rest];
}
