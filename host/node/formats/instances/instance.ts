// Makes an instance of the numbers that a line gives: scaled to integers, in range, with its targets.

import { RequestError } from "../../../../src/errors.ts";
import { decimalText, scaled } from "../../../../src/numbers.ts";
import {
  MAX_ITEM,
  MAX_SOLVE_ITEMS,
  MAX_TARGET,
  MAX_TARGETS,
  type Instance,
} from "../../../../src/solve/problem.ts";
import { subtract, type Whole } from "../../../../src/solve/exact.ts";
import { PlacedError } from "./refusal.ts";
import type { Num, Value } from "./values.ts";

/** An instance with its line. */
export interface ReadInstance extends Instance {
  readonly line: number;
  readonly written?: Written | undefined;
}

/** How the input has an instance, where that differs from the instance itself. */
export interface Written {
  /** Where decimals are read, the numbers of the instance are those of the input times 10^places. */
  readonly places?: number | undefined;
  /** Where cells are blank, the columns of the items among all columns of items, from 0. */
  readonly columns?: readonly number[] | undefined;
  /** The labels of the items; null for an item without one. */
  readonly labels?: readonly (string | null)[] | undefined;
  /** The last line of the text that the instance is read from, where that is not its own line. */
  readonly lastLine?: number | undefined;
}

/** What a line gives for an instance. */
export interface Parsed {
  readonly items: readonly Num[];
  readonly target?: Num | undefined;
  readonly targets?: readonly Num[] | undefined;
  /** Integers, also where items are decimals. */
  readonly profits?: readonly Num[] | undefined;
  readonly id?: string | number | undefined;
  readonly columns?: readonly number[] | undefined;
  readonly labels?: readonly (string | null)[] | undefined;
  /** How errors name a number, and where a target belongs in this format. */
  readonly nameOf: (list: "items" | "target" | "targets" | "profits", index: number) => string;
  readonly targetPlace: string;
}

/** What options say of all instances. */
export interface Common {
  /** Instances need no target. */
  readonly partition: boolean;
  /** Decimals and amounts of money are read, and scaled to integers. */
  readonly decimals: boolean;
  /** The targets of every instance; undefined where the input has them. */
  readonly targets?: readonly Value[] | undefined;
  /** With decimals, the tolerance. */
  readonly tolerance?: Value | undefined;
}

/**
 * The instance of a line: scaled to integers, with the targets of the line or of the options.
 * @param lastLine The last line of its text, where that is not `line`.
 * @throws {RequestError} where a number is out of range, or where there is no target or one too many.
 */
export function instanceOf(parsed: Parsed, common: Common, line: number, lastLine?: number): ReadInstance {
  const { id, columns, labels, nameOf } = parsed;
  checkCounts(parsed, common);
  const places = common.decimals ? placesOf(parsed, common) : undefined;
  const item = (num: Num, index: number) =>
    Number(inRange(num, places, MAX_ITEM, () => nameOf("items", index)));
  const target = (num: Num, index: number) =>
    inRange(num, places, MAX_TARGET, () => nameOf(parsed.target === undefined ? "targets" : "target", index));
  return {
    items: parsed.items.map(item),
    target: parsed.target === undefined ? undefined : target(parsed.target, 0),
    targets: (common.targets ?? parsed.targets)?.map(target),
    profits: parsed.profits?.map((num, index) =>
      Number(inRange(num, 0, MAX_ITEM, () => nameOf("profits", index))),
    ),
    tolerance: common.tolerance && Number(inRange(common.tolerance, places, MAX_ITEM, () => "tolerance")),
    id,
    line,
    written:
      places !== undefined || columns || labels || lastLine !== undefined
        ? { places, columns, labels, lastLine }
        : undefined,
  };
}

function checkCounts({ items, target, targets, nameOf, targetPlace }: Parsed, common: Common): void {
  if (items.length > MAX_SOLVE_ITEMS)
    throw new RequestError("items", `at most ${MAX_SOLVE_ITEMS} of them`, items.length);
  if (target !== undefined && targets) throw new RequestError("target, targets", "one of the two", "both");
  if (targets && (targets.length === 0 || targets.length > MAX_TARGETS))
    throw new RequestError("targets", `1 to ${MAX_TARGETS} of them`, targets.length);
  const given = target ?? targets?.[0];
  if (given !== undefined && common.targets)
    throw errorOf(
      given,
      nameOf(target === undefined ? "targets" : "target", 0),
      "none beside that of the options",
    );
  if (given === undefined && !common.targets && !common.partition)
    throw new RequestError("target", "the sum that is asked for", undefined, [
      targetPlace,
      { option: "target", value: "T", because: "for all instances" },
    ]);
}

/** The least places with which all numbers of an instance and of the options are integers. */
function placesOf({ items, target, targets = [] }: Parsed, common: Common): number {
  let places = 0;
  let currency: string | undefined;
  const single = [target, common.tolerance].filter((num) => num !== undefined);
  for (const num of [...items, ...targets, ...(common.targets ?? []), ...single]) {
    if (typeof num === "number") continue;
    places = Math.max(places, num.places);
    currency ??= num.currency;
    if (num.currency !== undefined && num.currency !== currency)
      throw errorOf(num, "currency", `${currency} throughout the instance`);
  }
  return places;
}

/** A number times 10^places, in -most..most. */
function inRange(num: Num, places = 0, most: Whole, name: () => string): Whole {
  // Integers of at most 15 digits are in range.
  if (typeof num === "number" && places === 0) return num;
  const whole = scaled(typeof num === "number" ? { digits: num, places: 0 } : num, places);
  if (whole <= most && whole >= subtract(0, most)) return whole;
  const limit = decimalText(most, places);
  throw errorOf(num, name(), `${places === 0 ? "an integer" : "a number"} in -${limit}..${limit}`);
}

function errorOf(num: Num, field: string, expected: string): RequestError {
  if (typeof num === "number") return new RequestError(field, expected, num);
  const { at, text } = num;
  return at === undefined
    ? new RequestError(field, expected, text)
    : new PlacedError(at, field, expected, text);
}
