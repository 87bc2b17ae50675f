// Checks values from outside against schemas.

import * as z from "zod/mini";
import { RequestError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** A schema for the integers low..high. */
export function integer(low: number, high: number, text = `an integer in ${low}..${high}`) {
  return z
    .number(text)
    .check(z.refine((value) => Number.isInteger(value) && value >= low && value <= high, text));
}

/** Values that a schema takes, without a message of its own. */
const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "an integer",
  number: "a number",
  object: "an object with fields",
  record: "an object with fields",
  string: "a text",
};

/** The kind or range that a schema without a message of its own expects. */
function expectation(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "invalid_type") return TYPES[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "too_small") return `at least ${issue.minimum}`;
  if (issue.code === "too_big") return `at most ${issue.maximum}`;
  return "a value of another form";
}

/**
 * The value as its schema reads it. A message of the schema is a kind or range, which the error's sentence goes on to use.
 * @throws {RequestError} Names the first field that is wrong.
 */
export function parse<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
  name = "request",
): z.output<Schema> {
  const result = z.safeParse(schema, value, { reportInput: true, error: expectation });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.map(String).join(".") || name;
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    throw new RequestError(field, "known fields only", key, suggestion(key, fieldsOf(schema, issue.path)));
  }
  const values = issue.code === "invalid_value" ? issue.values.map(String) : [];
  throw new RequestError(field, issue.message, issue.input, suggestion(issue.input, values));
}

function suggestion(given: unknown, words: readonly string[]): string | undefined {
  const word = typeof given === "string" ? nearest(given, words) : undefined;
  return word && `perhaps ${word} is meant`;
}

/** The fields that an object takes at a path of a schema; none where the schema has another form there. */
function fieldsOf(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  return path.length === 0 && schema instanceof z.ZodMiniObject ? Object.keys(schema.shape) : [];
}

/** A field in which two values differ, by its path from `what`. */
interface Difference {
  readonly path: string;
  readonly wanted: unknown;
  readonly got: unknown;
}

/** The first field in which two values of JSON differ, in the order of the fields of `wanted`. Lists of numbers are one field. */
export function firstDifference(path: string, wanted: unknown, got: unknown): Difference | undefined {
  if (hasFields(wanted) && hasFields(got) && Array.isArray(wanted) === Array.isArray(got)) {
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(got)])) {
      const difference = firstDifference(`${path}.${name}`, wanted[name], got[name]);
      if (difference) return difference;
    }
    return undefined;
  }
  return JSON.stringify(wanted) === JSON.stringify(got) ? undefined : { path, wanted, got };
}

/** Whether a value is an object, or a list of objects. */
function hasFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !(Array.isArray(value) && typeof value[0] !== "object")
  );
}
