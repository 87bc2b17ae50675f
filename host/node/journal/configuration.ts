// The configuration of a sweep as a value that two journals can be compared by.

import { createHash } from "node:crypto";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The JSON of a value with the keys of every object in order, so that equal values have equal texts. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, part: Json) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

/** The SHA-256 of a configuration in canonical form: 64 hexadecimal digits. */
export function configurationDigest(configuration: Json): string {
  return createHash("sha256").update(canonical(configuration)).digest("hex");
}

/** A field in which two values differ, as a path such as `sweeps.0.items.to`, and the values there. */
export interface Difference {
  readonly field: string;
  readonly values: readonly [Json | undefined, Json | undefined];
}

/** The first field, in canonical order, in which two values differ. */
export function firstDifference(
  a: Json | undefined,
  b: Json | undefined,
  path: readonly string[] = [],
): Difference | undefined {
  if (isBranch(a) && isBranch(b) && Array.isArray(a) === Array.isArray(b)) {
    const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    for (const key of new Set([...left.keys(), ...right.keys()].toSorted())) {
      const difference = firstDifference(left.get(key), right.get(key), [...path, key]);
      if (difference) return difference;
    }
    return undefined;
  }
  return a === b ? undefined : { field: path.join(".") || "configuration", values: [a, b] };
}

const isBranch = (value: Json | undefined) => typeof value === "object" && value !== null;
const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  isBranch(value) && !Array.isArray(value);
