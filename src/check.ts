// Checks values from outside against schemas.

import * as z from "zod/mini";
import { RequestError } from "./errors.ts";

/** A schema for the integers low..high. */
export function integer(low: number, high: number, text = `an integer in ${low}..${high}`) {
  return z
    .number(text)
    .check(z.refine((value) => Number.isInteger(value) && value >= low && value <= high, text));
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
  const result = z.safeParse(schema, value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.map(String).join(".") || name;
  if (issue.code === "unrecognized_keys") throw new RequestError(field, "known fields only", issue.keys[0]);
  throw new RequestError(field, issue.message, issue.input);
}
