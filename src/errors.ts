// Errors that callers can act on. Each carries its parts as fields, so that nothing has to recognise an error by its text.

import type { KernelName } from "./kernels/index.ts";

/** An option to change, by its name in the library. A host may spell it its own way, `--engine cpu` on a command line. */
export interface OptionRemedy {
  readonly option: string;
  /** The value to give it, true for an option to set; undefined where it should be raised. */
  readonly value?: string | true | readonly string[];
  /** What the sentence says after the option. */
  readonly because?: string;
}

/** Sentences without their full stops, and options to change: what the caller can do. */
export type Remedy = string | OptionRemedy | readonly (string | OptionRemedy)[];

/** How a host spells a field of a request and an option with its value. */
export interface Spelling {
  readonly field: (name: string) => string;
  readonly option: (name: string, value: OptionRemedy["value"]) => string;
}

const librarySpelling: Spelling = {
  field: (name) => name,
  option: (name, value) => (value === undefined ? name : `${name}: ${JSON.stringify(value)}`),
};

/**
 * A request or an input that cannot be met as it is. The message reads `field: expected ..., got ...; remedy`.
 * @example
 * ```ts
 * import { RequestError, openEngine } from "exacta";
 *
 * try {
 *   await openEngine({ engine: "cpu", threads: 0 });
 * } catch (error) {
 *   if (!(error instanceof RequestError)) throw error;
 *   console.log(error.field, error.received); // threads 0
 *   console.log(error.message); // threads: expected an integer in 1..256, got 0
 * }
 * ```
 */
export class RequestError extends Error {
  override readonly name: string = "RequestError";
  /** Where the request or input was read, outermost first: a file, a line. Empty for a field of the call itself. */
  readonly path: readonly string[];
  /** The field, option or part of a file that is wrong. */
  readonly field: string;
  /** The kind or range of values that it takes. */
  readonly expected: string;
  /** The value that came. */
  readonly received: unknown;
  readonly remedy: Remedy | undefined;

  constructor(
    field: string,
    expected: string,
    received: unknown,
    remedy?: Remedy,
    { path = [], cause }: { readonly path?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(sentence({ path, field, expected, received, remedy }), cause === undefined ? undefined : { cause });
    this.path = path;
    this.field = field;
    this.expected = expected;
    this.received = received;
    this.remedy = remedy;
  }

  /** The same error, found at `place`: the message then begins with the place. `cause` is this error. */
  at(place: string): RequestError {
    const { path, field, expected, received, remedy } = this;
    return new RequestError(field, expected, received, remedy, { path: [place, ...path], cause: this });
  }

  /** The message with fields and options spelled as a host spells them. */
  spelled(spelling: Spelling): string {
    return sentence(this, spelling);
  }
}

/**
 * A RequestError for work that needs more memory than an engine has, or that keeps a GPU busy for longer than a screen can wait.
 * @example
 * ```ts
 * import { CapacityError, openEngine } from "exacta";
 * import { solve } from "exacta/solve";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * try {
 *   for await (const finding of solve(engine, [{ items: [1, 2], target: 3 }])) console.log(finding.count); // 1
 * } catch (error) {
 *   if (!(error instanceof CapacityError)) throw error;
 *   console.log(`kernel ${error.kernel} needs more than the engine has`);
 * }
 * engine.close();
 * ```
 */
export class CapacityError extends RequestError {
  override readonly name: string = "CapacityError";
  readonly kernel: KernelName;

  /** @param expected What the engine would have been able to do. */
  constructor(kernel: KernelName, expected: string, params: unknown, remedy: Remedy) {
    super(`kernel ${kernel}`, expected, params, remedy);
    this.kernel = kernel;
  }
}

/** Runs `read`, and adds `place` to the path of a RequestError that it throws. */
export function locating<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RequestError ? error.at(place) : error;
  }
}

/** `<what>: expected <kind or range>, got <value>; <remedy>`: the one form of a sentence about a refused value. */
export function expected(what: string, range: string, received: unknown, remedy?: string): string {
  return `${what}: expected ${range}, got ${show(received)}${remedy ? `; ${remedy}` : ""}`;
}

function sentence(
  {
    path,
    field,
    expected: range,
    received,
    remedy,
  }: Pick<RequestError, "path" | "field" | "expected" | "received" | "remedy">,
  spelling = librarySpelling,
): string {
  const advice = [remedy ?? []].flat().map((part) => {
    if (typeof part === "string") return part;
    const { option, value, because } = part;
    const verb = value === undefined ? "raise" : "use";
    return `${verb} ${spelling.option(option, value)}${because ? `, ${because}` : ""}`;
  });
  return [...path, expected(spelling.field(field), range, received, advice.join("; "))].join(": ");
}

/** A received value that a message shows as this text, whole and without quotes. */
export class Described {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const MAX_SHOWN_CHARACTERS = 80;

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Described) return value.text;
  // JSON has no Infinity, no NaN and no integers of any length.
  if (typeof value === "bigint" || typeof value === "number") return shortened(String(value));
  if (typeof value === "object" && value !== null && "from" in value && "to" in value)
    return `${String(value.from)}..${String(value.to)}`;
  return shortened(jsonOf(value) ?? typeof value);
}

function shortened(text: string): string {
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS - 3)}...` : text;
}

/** JSON of a value, with bigints as digits; undefined where JSON cannot express it. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part));
  } catch {
    return undefined;
  }
}
