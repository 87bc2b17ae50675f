// The command line: a parser made from the declarations of the commands, and errors in one form. Results go to stdout,
// everything else to stderr.

import { CommanderError } from "commander";
import { DifferenceError } from "../shadow.ts";
import { RequestError } from "../../src/errors.ts";
import { version } from "../../package.json";
import { spellingOf, type Command } from "./commands/command.ts";
import { environmentText, loadCommands, statusTexts } from "./commands/index.ts";
import { printError } from "./output.ts";
import { JournalError } from "./journal/attempt.ts";
import { ContradictionError } from "./journal/sums.ts";
import { addCommand, newParser, refusalOf } from "./parser.ts";
import { silenceDrivers } from "./platform/dawn.ts";
import type { SignalWatch } from "./platform/signals.ts";

/** Runs a command line, prints its error if it has one, and resolves to its exit status. */
export async function runCommandLine(argv: readonly string[], signals: SignalWatch): Promise<number> {
  let commands: readonly Command[] = [];
  try {
    commands = await loadCommands(argv[0]);
    return await run(argv, commands, signals);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      printError([refusalOf(error, argv, commands).message], argv);
      return 2;
    }
    if (error instanceof RequestError) {
      // A remedy may have several lines, such as a program to run.
      printError(error.spelled(spellingOf(error)).split("\n"), argv);
      return 2;
    }
    // A full disk, a damaged memory or the like is not a fault of the program, so its stack trace would not help.
    const isOutside =
      error instanceof Error && ("syscall" in error || faultsOutside.some((kind) => error instanceof kind));
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    printError(isOutside ? [error.message] : stack.split("\n"), argv);
    return 1;
  }
}

/** The errors that tell of a fault outside of the program. */
const faultsOutside = [DifferenceError, ContradictionError, JournalError];

async function run(
  argv: readonly string[],
  commands: readonly Command[],
  signals: SignalWatch,
): Promise<number> {
  let status = 0;
  const commandLine = ["exacta", ...argv].join(" ");
  const parser = newParser()
    .description(
      "The laboratory for exact lottery tickets: quantized random subset sums, with the same bits on every engine.",
    )
    .version(version)
    .addHelpText("after", `\nEnvironment: ${environmentText}\nExit status: ${statusLine()}.`);
  for (const command of commands)
    addCommand(parser, command, async (args) => {
      if (command.statusStopped === undefined) signals.release();
      // With --progress json every line of stderr is JSON.
      if (args["quiet"] || args["progress"] === "json") silenceDrivers();
      status = await command.run(args, { commandLine, stop: signals.stop });
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
