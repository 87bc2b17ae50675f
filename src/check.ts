// One way of saying that a request is wrong: `<what>: expected <range or kind>, got <value>`, plus the remedy.

import * as z from "zod/mini";

/** Sentence for a rejected value. */
export function expected(what: string, range: string, got: unknown, remedy?: string): string {
  return `${what}: expected ${range}, got ${show(got)}${remedy ? `; ${remedy}` : ""}`;
}

/** Whether an error says that a request was wrong, and not that the program is. */
export function isRefusal(error: unknown): error is TypeError | RangeError {
  return (error instanceof TypeError || error instanceof RangeError) && error.message.includes(": expected ");
}

/** A refusal that says where as well. */
export function refusalAt(where: string, error: TypeError | RangeError): TypeError | RangeError {
  const Kind = error instanceof RangeError ? RangeError : TypeError;
  return new Kind(`${where}: ${error.message}`);
}

/** What `read` returns; its refusal says where as well. */
export function refusedAt<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw isRefusal(error) ? refusalAt(where, error) : error;
  }
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  // JSON has no Infinity and no NaN.
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (typeof value === "object" && value !== null && "from" in value && "to" in value)
    return `${String(value.from)}..${String(value.to)}`;
  const text = jsonOf(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** What JSON makes of a value, of a bigint its digits; undefined where it can make nothing of it. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part));
  } catch {
    return undefined;
  }
}

/** A schema for the integers low..high. */
export function integer(low: number, high: number, text = `an integer in ${low}..${high}`) {
  return z
    .number(text)
    .check(z.refine((value) => Number.isInteger(value) && value >= low && value <= high, text));
}

/**
 * What a schema makes of a value. The schema's own messages say what was expected.
 * Throws TypeError for the wrong kind and RangeError for the wrong value, naming the first field that is off.
 */
export function parse<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
  name = "request",
): z.output<Schema> {
  const result = z.safeParse(schema, value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const what = issue.path.map(String).join(".") || name;
  if (issue.code === "unrecognized_keys")
    throw new TypeError(expected(what, "known fields only", issue.keys[0]));
  const Kind = issue.code === "invalid_type" ? TypeError : RangeError;
  throw new Kind(expected(what, issue.message, issue.input));
}
