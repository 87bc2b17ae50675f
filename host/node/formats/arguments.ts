// Typed text as values. Text that is not a number stays text, so that the check of the experiment can refuse it by name.

import { RequestError } from "../../../src/errors.ts";
import { decimalText, NumberFault, readNumber as readDecimal, type Whole } from "../../../src/numbers.ts";

/**
 * A number such as `1e6`, `1_000_000` or `0x1F`; other text, or nothing, as it is. Integers are exact, fractions are the nearest
 * number of 64 bits.
 */
export function readNumber<Text extends string | undefined>(text: Text): Whole | Text {
  if (text === undefined) return text;
  const number = readDecimal(text.trim(), "plain");
  if (number instanceof NumberFault) return text;
  return number.places === 0 ? number.digits : Number(decimalText(number.digits, number.places));
}

const isInteger = (value: unknown): value is number => Number.isInteger(value);

/** The most numbers of one range in a list. */
const MAX_RANGE = 1000;

/**
 * The numbers of a list of numbers and ranges, such as `4,6,8..10`.
 * @throws {RequestError} A range of the field is reversed, vast or broken.
 */
export function readList(text: string, field: string): unknown[] {
  return text.split(",").flatMap((part) => {
    const [from, to, ...rest] = part.split("..").map(readNumber);
    if (to === undefined) return [readNumber(part.trim())];
    if (rest.length > 0 || !isInteger(from) || !isInteger(to) || from > to || to - from > MAX_RANGE)
      throw new RequestError(
        field,
        `ranges A..B of whole numbers from A up to B, at most A + ${MAX_RANGE}`,
        part.trim(),
        isInteger(from) && isInteger(to) && from > to ? `${to}..${from} has these numbers` : undefined,
      );
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/**
 * The request that holds the fields that are given. Typed text may be of any kind, so the type is a claim; the experiment's own
 * check of the request refuses what does not fit.
 */
export function given<Request>(fields: { readonly [Name in keyof Request]?: unknown }): Request {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Request;
}
