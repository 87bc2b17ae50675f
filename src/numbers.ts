// Reads numbers from text, exactly at any length, in the forms that people and programs write. A text that two conventions read
// as two numbers is refused until the convention is stated.

import { add, type Whole } from "./solve/exact.ts";

export type { Whole };

export const decimalMarks = ["point", "comma"] as const;
/** The decimal mark of a convention. The other mark groups thousands, and so do apostrophes and spaces that do not break. */
type DecimalMark = (typeof decimalMarks)[number];

/**
 * How numbers are written.
 * - `plain`: as programs do, with a decimal point and without groups of thousands.
 * - `point`, `comma`: as people do, with this decimal mark, which is stated.
 * - `unstated`: as `plain`, but 1.234 and 12.000 are refused, in which the point may group thousands.
 */
export type Notation = "plain" | "unstated" | DecimalMark;

/** An exact number: digits / 10^places. */
export interface Decimal {
  readonly digits: Whole;
  /** The number of digits behind the decimal mark, the least that is exact. */
  readonly places: number;
}

/** Why a text is not read as a number. */
export type FaultKind =
  /** It is no number in this notation. */
  | "form"
  /** A comma between digits: it may separate two numbers, group thousands or be the decimal mark. */
  | "comma"
  /** A point that may group thousands or be the decimal mark. */
  | "point"
  /** A space that does not break between digits: it may group thousands or separate two numbers. */
  | "space"
  /** A dash in the place of a minus sign. */
  | "dash"
  /** It is a number, but not an integer. */
  | "fraction"
  /** It has more than MAX_DIGITS digits. */
  | "size";

/** A text that is not read as a number. */
export class NumberFault {
  readonly kind: FaultKind;
  /** The index of the first character at fault. */
  readonly at: number;

  constructor(kind: FaultKind, at = 0) {
    this.kind = kind;
    this.at = at;
  }
}

/** The most digits of a number when it is written out, since reading takes more than linear time in them. */
export const MAX_DIGITS = 10_000;

/** Spaces that do not break, as a class of regular expressions: no-break, figure, thin and narrow no-break. */
export const UNBROKEN_SPACES = "\u00a0\u2007\u2009\u202f";

const MARKS = { point: "\\.", comma: "," };

/** Numbers in decimal digits, with one kind of mark between groups of three digits. */
function numbersWith(decimal: DecimalMark, groupMarks: string): RegExp {
  const grouped = `[1-9]\\d{0,2}(?<mark>[${groupMarks}])\\d{3}(?:\\k<mark>\\d{3})*`;
  const units = groupMarks === "" ? "\\d+(?:_\\d+)*" : `\\d+(?:_\\d+)*|${grouped}`;
  return new RegExp(
    `^(?<sign>[+\\-\u2212]?)(?<units>${units})?(?:${MARKS[decimal]}(?<fraction>\\d*))?(?:e(?<exponent>[+-]?\\d+))?$`,
    "i",
  );
}

const plain = numbersWith("point", "");
const stated = {
  point: numbersWith("point", `,'\u2019${UNBROKEN_SPACES}`),
  comma: numbersWith("comma", `.'\u2019${UNBROKEN_SPACES}`),
};
const commaWithPoints = numbersWith("comma", ".");
const hexadecimal = /^([+\-\u2212]?)0x([\da-f]+(?:_[\da-f]+)*)$/i;
const spaceInDigits = new RegExp(`\\d[${UNBROKEN_SPACES}]\\d`);
/** Hyphens and dashes of Unicode but for the minus sign, U+2212, which means nothing else. */
const dash = /^[\u2010-\u2015\ufe58\ufe63\uff0d]/;

/**
 * Reads a number: 12, -8, +5, 12.0, .5, 1e3, 1_000 or 0x1F, with - or the minus sign of Unicode, and in a stated notation
 * 1,234.50 or 1.234,50. The text has no blanks around it.
 */
export function readNumber(text: string, notation: Notation): Decimal | NumberFault {
  // The most frequent form; adding 0 makes 0 of -0.
  if (/^-?\d{1,15}$/.test(text)) return { digits: Number(text) + 0, places: 0 };
  const hex = hexadecimal.exec(text);
  if (hex) return hexNumber(hex[1]!, hex[2]!.replaceAll("_", ""));
  const doubt = notation === "point" || notation === "comma" ? undefined : doubtIn(text, notation);
  if (doubt) return doubt;
  const pattern = notation === "point" || notation === "comma" ? stated[notation] : plain;
  const { sign, units = "", fraction = "", exponent = "0" } = pattern.exec(text)?.groups ?? {};
  if (units === "" && fraction === "") return new NumberFault(dash.test(text) ? "dash" : "form");
  return decimalOf(sign !== "" && sign !== "+", units.replace(/\D/g, ""), fraction, Number(exponent));
}

/** Reads an integer: a number in any form, whose value has no fraction. */
export function readInteger(text: string, notation: Notation): Whole | NumberFault {
  const number = readNumber(text, notation);
  if (number instanceof NumberFault) return number;
  return number.places === 0 ? number.digits : new NumberFault("fraction");
}

/** What makes a text doubtful where no convention is stated. */
function doubtIn(text: string, notation: "plain" | "unstated"): NumberFault | undefined {
  const comma = /\d,\d/.exec(text);
  if (comma) return new NumberFault("comma", comma.index + 1);
  const space = spaceInDigits.exec(text);
  if (space) return new NumberFault("space", space.index + 1);
  // Of 1.234, the reader for decimal commas makes 1234, and the one for decimal points 1.234.
  if (notation === "unstated" && /\d\.\d{3}/.test(text) && commaWithPoints.test(text))
    return new NumberFault("point", text.indexOf("."));
  return undefined;
}

function hexNumber(sign: string, digits: string): Decimal | NumberFault {
  if (digits.length > MAX_DIGITS) return new NumberFault("size");
  const magnitude = BigInt(`0x${digits}`);
  return { digits: add(sign === "" || sign === "+" ? magnitude : -magnitude, 0), places: 0 };
}

/** The number ±units.fraction * 10^exponent. */
function decimalOf(
  isNegative: boolean,
  units: string,
  fraction: string,
  exponent: number,
): Decimal | NumberFault {
  let digits = `${units}${fraction}`.replace(/^0+/, "");
  if (digits === "") return { digits: 0, places: 0 };
  let places = fraction.length - exponent;
  if (digits.length > MAX_DIGITS || Math.abs(places) > MAX_DIGITS) return new NumberFault("size");
  if (places < 0) digits += "0".repeat(-places);
  places = Math.max(places, 0);
  let zeros = 0;
  while (zeros < places && digits.at(-1 - zeros) === "0") zeros++;
  digits = digits.slice(0, digits.length - zeros);
  const magnitude = digits.length <= 15 ? Number(digits) : BigInt(digits);
  return { digits: add(isNegative ? -magnitude : magnitude, 0), places: places - zeros };
}

/** An amount of money as the text of its number and its currency symbol, which stands before or behind it. */
export interface Amount {
  readonly number: string;
  readonly currency: string;
  /** Where the number begins in the text, less the sign that stands before the symbol. */
  readonly at: number;
}

/** The parts of an amount of money such as $5, -$5, $-5 or 5 €; undefined for a text without a currency symbol at its ends. */
export function amountOf(text: string): Amount | undefined {
  const before = /^([+\-\u2212]?)(\p{Sc})\s*/u.exec(text);
  if (before) {
    const [all, sign = "", currency = ""] = before;
    return { number: sign + text.slice(all.length), currency, at: all.length - sign.length };
  }
  const behind = /\p{Sc}$/u.exec(text);
  return behind ? { number: text.slice(0, behind.index).trimEnd(), currency: behind[0], at: 0 } : undefined;
}

/** A number times 10^places, for at least as many places as the number has. */
export function scaled({ digits, places: own }: Decimal, places: number): Whole {
  return places === own ? digits : add(BigInt(digits) * 10n ** BigInt(places - own), 0);
}

/** The decimal digits of whole / 10^places, without a point where that is an integer. */
export function decimalText(whole: Whole, places: number): string {
  if (places === 0) return String(whole);
  const digits = String(whole)
    .replace("-", "")
    .padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return `${whole < 0 ? "-" : ""}${digits.slice(0, -places)}${fraction && `.${fraction}`}`;
}
