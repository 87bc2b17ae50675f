// The command line: a parser made from the declarations of the commands, and errors in one form. Results go to stdout,
// everything else to stderr.

import { Command as Parser, CommanderError } from "commander";
import { expected, RequestError, type Spelling } from "../../src/errors.ts";
import { version } from "../../package.json";
import { kebab, optionText, spelling, type Command } from "./commands/command.ts";
import { commands, environmentText, statusTexts } from "./commands/index.ts";

/** Runs a command line, prints its error if it has one, and resolves to its exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    return await run(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      process.stderr.write(`${explain(error, argv)}\n`);
      return 2;
    }
    if (error instanceof RequestError) {
      process.stderr.write(`${error.spelled(commandLineSpelling)}\n`);
      return 2;
    }
    // A system error such as a full disk is not a fault of the program, so its stack trace would not help.
    const isSystem = error instanceof Error && "syscall" in error;
    process.stderr.write(
      `${isSystem ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    return 1;
  }
}

async function run(argv: readonly string[]): Promise<number> {
  let status = 0;
  const commandLine = ["exacta", ...argv].join(" ");
  const parser = new Parser("exacta")
    .description(
      "The laboratory for exact lottery tickets: quantized random subset sums, with the same bits on every engine.",
    )
    .version(version)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(false)
    .addHelpText("after", `\nEnvironment: ${environmentText}\nExit status: ${statusLine()}.`);
  for (const command of commands)
    addCommand(parser, command, async (args) => {
      status = await command.run(args, commandLine);
    });
  if (argv.length === 0) {
    parser.outputHelp();
    return 0;
  }
  await parser.parseAsync(argv, { from: "user" });
  return status;
}

function statusLine(): string {
  return statusTexts.map(([status, text]) => `${status} ${text}`).join(", ");
}

/** Adds a command to the parser, which calls `run` with the operands and options of a command line by their names. */
function addCommand(
  parser: Parser,
  { name, summary, operands, options, formats }: Command,
  run: (args: Record<string, string | boolean | undefined>) => Promise<void>,
): void {
  const command = parser.command(name).description(summary);
  for (const [operand, { summary }] of Object.entries(operands)) command.argument(`<${operand}>`, summary);
  for (const [option, declared] of Object.entries(options)) {
    const isRequired = declared.kind === "value" && declared.isRequired;
    if (isRequired) command.requiredOption(spelling(option, declared), optionText(declared));
    else command.option(spelling(option, declared), optionText(declared));
  }
  if (formats) command.addHelpText("after", `\nFormats:${formats}`);
  command.action(() => {
    const words = Object.keys(operands).map((operand, i) => [operand, command.args[i]] as const);
    return run({ ...command.opts<Record<string, string | boolean>>(), ...Object.fromEntries(words) });
  });
}

/** Commander's refusals in the project's own form. */
function explain(error: CommanderError, argv: readonly string[]): string {
  const named = /'([^']+)'/.exec(error.message)?.[1] ?? argv.join(" ");
  const command = commands.find(({ name }) => name === argv[0]);
  const help = `run exacta ${command ? `${command.name} ` : ""}--help`;
  const operands = Object.values(command?.operands ?? {});
  const rest = argv.slice(1).join(" ");
  switch (error.code) {
    case "commander.unknownOption":
      return expected("option", "one that --help lists", named, help);
    case "commander.unknownCommand":
      return expected("command", commandNames(), named, help);
    case "commander.help":
      return expected("command", commandNames(), rest, help);
    case "commander.excessArguments":
      return expected("arguments", operands.length > 0 ? "one file" : "options only", rest, help);
    case "commander.missingArgument":
      return expected(named, operands[0]?.expected ?? "a value", undefined, help);
    case "commander.missingMandatoryOptionValue":
    case "commander.optionMissingArgument":
      return expected(named.replace(/ .*/, ""), "a value", undefined, help);
    default:
      return `${error.message.replace(/^error: /, "")}; ${help}`;
  }
}

/** `solve, phase, ... or bench`. */
function commandNames(): string {
  const names = commands.map(({ name }) => name);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** The command line's names of fields and options: --kebab-case where the library has camelCase. */
const commandLineSpelling: Spelling = {
  field: (name) =>
    name.replace(/^failures\.\d+$/, "failure").replace(/^[a-z]+[A-Z][a-zA-Z]*(?=(\.\d+)*$)/, kebab),
  option: (name, value) => [`--${kebab(name)}`, ...(value === undefined ? [] : [value])].join(" "),
};
