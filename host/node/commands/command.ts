// A command as data: its operands and options are declared beside the code that reads them. The parser, `--help`, the
// errors of the command line and docs/cli.md are all made from these declarations.

import type { RequestError, Spelling } from "../../../src/errors.ts";

/** An option without a value. */
export interface Flag {
  readonly kind: "flag";
  readonly summary: string;
}

/** An option with a value, which the command receives as typed. */
export interface Value<Required extends boolean = boolean> {
  readonly kind: "value";
  /** The name of the value in `--help`: `number`, `list`, `file`. */
  readonly placeholder: string;
  readonly summary: string;
  /** What holds without the option, in words. */
  readonly defaultsTo: string | undefined;
  readonly isRequired: Required;
}

/** A word that is no option, such as a file. The last operand of a command may take several words. */
interface Operand {
  readonly summary: string;
  /** What an error expects where the operand is missing. */
  readonly expected: string;
  /** `words`: all that are left, at least one. `line`: all behind `--`, options as well. Without it, one word. */
  readonly takes?: "words" | "line";
}

/** Operands by their names. */
type Operands = Readonly<Record<string, Operand>>;

/** Options by their names in camelCase; the command line spells them in kebab-case. */
type Options = Readonly<Record<string, Flag | Value>>;

/** The arguments that options give a command: text as typed, `true` for a flag that is given. */
export type ArgumentsOf<Named extends Options> = {
  readonly [Name in keyof Named as Named[Name] extends Value<true> ? Name : never]: string;
} & {
  readonly [Name in keyof Named as Named[Name] extends Value<true> ? never : Name]?: Named[Name] extends Flag
    ? boolean
    : string;
};

type NoOperands = { readonly [Name in never]: Operand };

/** The arguments that operands give a command. */
type WordsOf<Named extends Operands> = {
  readonly [Name in keyof Named]: Named[Name] extends { readonly takes: string } ? readonly string[] : string;
};

/** The arguments of a command whose options and operands are not known. */
export type Arguments = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

interface Description {
  readonly name: string;
  /** A sentence without a subject, for the list of commands. */
  readonly summary: string;
  /** The manual in docs/cli.md, as Markdown. */
  readonly manual: string;
  /** Formats of files, as lines that `--help` and the manual show as they are. */
  readonly formats?: string;
  /** Command lines that the manual shows. */
  readonly examples: readonly string[];
  /** What exit status 1 says of this command; `undefined` where only a failed computation gives it. */
  readonly statusOne?: string;
  /** What exit status 75 says of this command; `undefined` where a signal ends the process at once. */
  readonly statusStopped?: string;
}

/** The exit status of a command that a signal stopped: EX_TEMPFAIL of sysexits.h, by which a caller knows to try again. */
export const STOPPED_STATUS = 75;

/** What a command knows of its call beside its arguments. */
export interface Call {
  /** The whole command line, for reports. */
  readonly commandLine: string;
  /** Aborted by the first signal that asks the process to end, for a command with `statusStopped`. */
  readonly stop: AbortSignal;
}

/** A command whose argument types are no longer known: what the parser and the manual need. */
export interface Command extends Description {
  readonly operands: Operands;
  readonly options: Options;
  /**
   * Checks the request as `run` does before it computes anything; `undefined` for a command that others do not start.
   * @throws {RequestError} for a request that cannot be met.
   */
  readonly check: ((args: Arguments) => unknown) | undefined;
  /**
   * Runs the command and resolves to its exit status.
   * @throws {RequestError} for a request that cannot be met.
   */
  readonly run: (args: Arguments, call: Call) => Promise<number>;
}

/** Declares a command. The types of the arguments of `run` and `check` follow from the operands and the options. */
export function command<const Named extends Options, const Words extends Operands = NoOperands>({
  check,
  run,
  operands,
  ...rest
}: Description & {
  readonly operands?: Words;
  readonly options: Named;
  readonly check?: (args: ArgumentsOf<Named> & WordsOf<Words>) => unknown;
  readonly run: (args: ArgumentsOf<Named> & WordsOf<Words>, call: Call) => Promise<number>;
}): Command {
  return {
    ...rest,
    operands: operands ?? {},
    // The records have this type because the parser fills in exactly the declared operands and options.
    check: check && ((args) => check(args as ArgumentsOf<Named> & WordsOf<Words>)),
    run: (args, call) => run(args as ArgumentsOf<Named> & WordsOf<Words>, call),
  };
}

export function flag(summary: string): Flag {
  return { kind: "flag", summary };
}

export function value(placeholder: string, summary: string, defaultsTo?: string): Value<false> {
  return { kind: "value", placeholder, summary, defaultsTo, isRequired: false };
}

export function requiredValue(placeholder: string, summary: string): Value<true> {
  return { kind: "value", placeholder, summary, defaultsTo: undefined, isRequired: true };
}

/** The spelling of a camelCase name on the command line: `halfRange` is `half-range`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The command line's names of fields and options: --kebab-case where the library has camelCase. */
export const spellingOf = ({ path }: RequestError): Spelling => ({
  // What a file holds keeps its names and places.
  field: (name) => kebabField(path.length > 0 ? configured(name) : optionOf(name)),
  option: (name, value) =>
    [`--${kebab(name)}`, ...(value === undefined || value === true ? [] : [String(value)])].join(" "),
});

/** The option from which a field of a request comes, where the field is a part of what the option gives. */
const optionOf = (field: string): string =>
  field.replace(/^failures\b/, "failure").replace(/^([a-zA-Z]+)(?:\.(?:\d+|from|to))+$/, "$1");

/** A field of the configurations that a journal lists. M is the half range of each of --bits and --half-range. */
function configured(field: string): string {
  const [, index, name] = /^(?:sweeps|curves|requests)\.(\d+)(?:\.(.+))?$/.exec(field) ?? [];
  if (index === undefined) return field;
  if (name === undefined) return `configuration ${Number(index) + 1}`;
  return name === "halfRange" ? "M" : optionOf(name);
}

const kebabField = (name: string): string => name.replace(/^[a-z]+[A-Z][a-zA-Z]*(?=(\.\d+)*$)/, kebab);

/** An option as `--help` and the manual spell it: `--seed <number>`. */
export function spelling(name: string, option: Flag | Value): string {
  return `--${kebab(name)}${option.kind === "value" ? ` <${option.placeholder}>` : ""}`;
}

/** What `--help` and the manual say of an option. */
export function optionText(option: Flag | Value): string {
  const { summary } = option;
  if (option.kind === "flag") return summary;
  if (option.isRequired) return `${summary} (required)`;
  return option.defaultsTo === undefined ? summary : `${summary} (default: ${option.defaultsTo})`;
}

/** How a command is called, behind its name: `<file> [options]`. */
export function usage({ operands }: Pick<Command, "operands">): string {
  const words = Object.entries(operands).map(([name, { takes }]) => `<${name}${takes ? "..." : ""}>`);
  const takesLine = Object.values(operands).some(({ takes }) => takes === "line");
  return (takesLine ? ["[options]", "--", ...words] : [...words, "[options]"]).join(" ");
}
