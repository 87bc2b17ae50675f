#!/usr/bin/env node
// The program `exacta`: watches signals, then loads all else.

import { watchSignals } from "./platform/signals.ts";

const signals = watchSignals();
// Loading takes longer than the start of Node, and a signal that comes meanwhile must not be lost.
const { runProgram } = await import("./program.ts");
await runProgram(process.argv.slice(2), signals);
