// The parser of command lines: commander, given the declarations of commands, and its refusals in the project's own form.

import { Command as Parser, CommanderError } from "commander";
import { Described, RequestError } from "../../src/errors.ts";
import { nearest } from "../../src/nearest.ts";
import { kebab, optionText, spelling, usage, type Arguments, type Command } from "./commands/command.ts";

/** A parser without commands, which throws a CommanderError where it refuses a command line or has printed help. */
export function newParser(): Parser {
  return (
    new Parser("exacta")
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .showSuggestionAfterError(false)
      // Otherwise it would look for options of a command behind its `--`.
      .enablePositionalOptions()
  );
}

/** Adds a command to the parser, which calls `run` with the operands and options of a command line by their names. */
export function addCommand(
  parser: Parser,
  command: Command,
  run: (args: Arguments) => void | Promise<void>,
): void {
  const { name, summary, operands, options, formats } = command;
  const parsed = parser.command(name).description(summary).usage(usage(command));
  for (const [operand, { summary, takes }] of Object.entries(operands))
    parsed.argument(`<${operand}${takes ? "..." : ""}>`, summary);
  for (const [option, declared] of Object.entries(options)) {
    const isRequired = declared.kind === "value" && declared.isRequired;
    if (isRequired) parsed.requiredOption(spelling(option, declared), optionText(declared), onlyOnce(option));
    else if (declared.kind === "value")
      parsed.option(spelling(option, declared), optionText(declared), onlyOnce(option));
    else parsed.option(spelling(option, declared), optionText(declared));
  }
  if (formats) parsed.addHelpText("after", `\nFormats:${formats}`);
  parsed.action(() => {
    const words = Object.entries(operands).map(
      ([operand, { takes }], i) => [operand, takes ? parsed.args.slice(i) : parsed.args[i]] as const,
    );
    return run({ ...parsed.opts<Record<string, string | boolean>>(), ...Object.fromEntries(words) });
  });
}

/** A reader of an option's value that refuses a second one: of two values, the first would have no effect. */
function onlyOnce(option: string) {
  return (value: string, earlier: string | undefined): string => {
    if (earlier !== undefined)
      throw new RequestError(option, "one value", new Described(`${earlier} and ${value}`));
    return value;
  };
}

/**
 * The arguments that a command line gives one of the commands, which is not run.
 * @param argv The name of a command and what follows it.
 * @throws {RequestError} The words are not as the command declares them.
 */
export function parseLine(
  argv: readonly string[],
  commands: readonly Command[],
): { readonly command: Command; readonly args: Arguments } {
  const parser = newParser();
  let line: { readonly command: Command; readonly args: Arguments } | undefined;
  for (const command of commands) addCommand(parser, command, (args) => void (line = { command, args }));
  try {
    parser.parse(argv, { from: "user" });
  } catch (error) {
    throw error instanceof CommanderError && error.exitCode !== 0 ? refusalOf(error, argv, commands) : error;
  }
  return line!;
}

/** A suggestion for a word, where one of some words is near to it. */
function meant(word: string, words: readonly string[], dashes = ""): string[] {
  const suggested = nearest(word, words);
  return suggested === undefined ? [] : [`perhaps ${dashes}${suggested} is meant`];
}

function meantOption(word: string, command: Command | undefined): string[] {
  const names = Object.keys(command?.options ?? {}).map(kebab);
  return meant(word.replace(/^-+/, ""), ["help", ...names], "--");
}

/** A refusal of commander as an error of the project. */
export function refusalOf(
  error: CommanderError,
  argv: readonly string[],
  commands: readonly Command[],
): RequestError {
  const named = /'([^']+)'/.exec(error.message)?.[1] ?? argv.join(" ");
  const command = commands.find(({ name }) => name === argv[0]);
  const help = `run exacta ${command ? `${command.name} ` : ""}--help`;
  const operands = Object.values(command?.operands ?? {});
  const rest = argv.slice(1).join(" ");
  switch (error.code) {
    case "commander.unknownOption":
      return new RequestError("option", "one that --help lists", named, [
        ...meantOption(named, command),
        help,
      ]);
    case "commander.unknownCommand":
    case "commander.help": {
      const word = error.code === "commander.help" ? rest : named;
      return new RequestError("command", namesOf(commands), word, [
        ...meant(
          word,
          commands.map(({ name }) => name),
        ),
        help,
      ]);
    }
    case "commander.excessArguments":
      return new RequestError("arguments", operands.length > 0 ? "one file" : "options only", rest, help);
    case "commander.missingArgument":
      return new RequestError(named, operands[0]?.expected ?? "a value", undefined, help);
    case "commander.missingMandatoryOptionValue": {
      const option = named.replace(/ .*/, "");
      const example = command?.examples.find((line) => line.includes(option));
      return new RequestError(option, "a value, since this option is required", undefined, [
        ...(example ? [`for example ${example}`] : []),
        help,
      ]);
    }
    case "commander.optionMissingArgument":
      return new RequestError(named.replace(/ .*/, ""), "a value", undefined, help);
    default:
      return new RequestError("command line", "words that --help lists", argv.join(" "), help);
  }
}

/** `solve, phase, ... or bench`. */
function namesOf(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
