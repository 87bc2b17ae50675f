#!/usr/bin/env node
// The program `exacta`: runs the command line of its process.

import { expected } from "../../src/errors.ts";
import { runCommandLine } from "./commandLine.ts";
import { calmPolling } from "./platform/dawn.ts";

calmPolling();
// A reader such as head may leave before the end; files that were asked for are still written. Windows may call it EOF.
let unwritable = false;
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  if (code === "EPIPE" || code === "EOF" || unwritable) return;
  unwritable = true;
  process.stderr.write(`${expected("stdout", "room for what is printed", code)}\n`);
});
const status = await runCommandLine(process.argv.slice(2));
process.exitCode = unwritable ? 1 : status;
