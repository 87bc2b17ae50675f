// A command as data: its operands and options are declared beside the code that reads them. The parser, `--help`, the
// errors of the command line and docs/cli.md are all made from these declarations.

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

/** A word that is no option, such as a file. */
interface Operand {
  readonly summary: string;
  /** What an error expects where the operand is missing. */
  readonly expected: string;
}

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
}

/** A command whose argument types are no longer known: what the parser and the manual need. */
export interface Command extends Description {
  readonly operands: Readonly<Record<string, Operand>>;
  readonly options: Options;
  /**
   * Runs the command and resolves to its exit status.
   * @param commandLine The whole command line, for reports.
   * @throws {RequestError} for a request that cannot be met.
   */
  readonly run: (
    args: Readonly<Record<string, string | boolean | undefined>>,
    commandLine: string,
  ) => Promise<number>;
}

/** Declares a command. The types of `run`'s arguments follow from the names of the operands and from the options. */
export function command<const Named extends Options, Words extends string = never>({
  run,
  operands,
  ...rest
}: Description & {
  readonly operands?: Readonly<Record<Words, Operand>>;
  readonly options: Named;
  readonly run: (
    args: ArgumentsOf<Named> & Readonly<Record<Words, string>>,
    commandLine: string,
  ) => Promise<number>;
}): Command {
  return {
    ...rest,
    operands: operands ?? {},
    // The record has this type because the parser fills in exactly the declared options.
    run: (args, commandLine) =>
      run(args as ArgumentsOf<Named> & Readonly<Record<Words, string>>, commandLine),
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
