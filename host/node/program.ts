// The command line as the whole of this process: its exit status, and streams that cannot be written.

import { expected } from "../../src/errors.ts";
import { runCommandLine } from "./commandLine.ts";
import { printError } from "./output.ts";
import { calmPolling } from "./platform/dawn.ts";
import type { SignalWatch } from "./platform/signals.ts";

/** Runs the command line of this process, and sets the exit status. Signals stay watched until the process ends. */
export async function runProgram(argv: readonly string[], signals: SignalWatch): Promise<void> {
  calmPolling();
  let unwritable = false;
  // A reader such as head may leave before the end; files that were asked for are still written. Windows may call it EOF.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE" || code === "EOF" || unwritable) return;
    unwritable = true;
    // The error may come after the command has ended.
    process.exitCode = 1;
    printError([expected("stdout", "room for what is printed", code)], argv);
  });
  // Results do not depend on whether progress and notes find a reader.
  process.stderr.on("error", () => {});
  const status = await runCommandLine(argv, signals);
  process.exitCode = unwritable ? 1 : status;
}
