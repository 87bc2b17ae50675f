// The inputs of a view: how each is read from its text, in the address or in a form, and written back.

import { RequestError } from "../src/errors.ts";
import { parse } from "../src/check.ts";
import { seedSchema } from "../src/random.ts";

/** One input of a view. `read(write(value))` equals the value. */
export interface Field<T> {
  /** The value where the address names none. */
  readonly initial: T;
  /** @throws {RequestError} The text is no value of the field; the error names `name`. */
  readonly read: (text: string, name: string) => T;
  readonly write: (value: T) => string;
}

/** A field for each input of a view, in the order in which the address names them. */
export type Fields<I> = { readonly [Name in keyof I]: Field<I[Name]> };

/** Reads an integer of from..to, which may have an exponent (1e6) or separators (1_000). */
export function readInteger(text: string, name: string, from: number, to: number): number {
  const plain = text.trim().replaceAll("_", "");
  const value = plain === "" ? NaN : Number(plain);
  if (!Number.isInteger(value) || value < from || value > to)
    throw new RequestError(name, `an integer in ${from}..${to}`, text);
  return value;
}

/** An integer of from..to. */
export function integerField(initial: number, from: number, to: number): Field<number> {
  return { initial, read: (text, name) => readInteger(text, name, from, to), write: String };
}

/** One of a list of words. */
export function choiceField<const T extends string>(initial: T, values: readonly T[]): Field<T> {
  return {
    initial,
    read(text, name) {
      const value = values.find((word) => word === text.trim());
      if (value === undefined) throw new RequestError(name, `one of ${values.join(", ")}`, text);
      return value;
    },
    write: (value) => value,
  };
}

/** A switch: `yes` or `no`. */
export function switchField(initial: boolean): Field<boolean> {
  const { read, write } = choiceField("no", ["yes", "no"]);
  return {
    initial,
    read: (text, name) => read(text, name) === "yes",
    write: (value) => write(value ? "yes" : "no"),
  };
}

/** At most `most` integers of from..to, separated by commas or spaces. */
export function integersField(
  initial: readonly number[],
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): Field<readonly number[]> {
  return {
    initial,
    read(text, name) {
      const parts = text.split(/[\s,]+/).filter((part) => part !== "");
      if (parts.length > most) throw new RequestError(name, `at most ${most} integers`, parts.length);
      return parts.map((part) => readInteger(part, name, from, to));
    },
    write: (values) => values.join(","),
  };
}

/** A seed, 0..2^64 - 1, as its decimal digits. */
export function seedField(initial = "1"): Field<string> {
  return {
    initial,
    read: (text, name) => String(parse(seedSchema, text.trim(), name)),
    write: (seed) => seed,
  };
}

/** A field that may be empty, as it is where the address names no value. */
export function optionalField<T>(field: Pick<Field<T>, "read" | "write">): Field<T | undefined> {
  return {
    initial: undefined,
    read: (text, name) => (text.trim() === "" ? undefined : field.read(text, name)),
    write: (value) => (value === undefined ? "" : field.write(value)),
  };
}

/** Free text, whose meaning the view checks itself. */
export function textField(initial: string): Field<string> {
  return { initial, read: (text) => text.trim(), write: (text) => text };
}
