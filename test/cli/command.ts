// The command line: as a function of this process, and built as a process of its own.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { runCommandLine } from "../../host/node/commandLine.ts";
import { watchSignals } from "../../host/node/platform/signals.ts";
import { buildWhereOld } from "../build.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const command = join(root, "dist/node/exacta.js");

/** Builds the command where a source is newer than it. */
export const buildCommand = () => buildWhereOld("command");

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const children = new Set<ChildProcessWithoutNullStreams>();

/**
 * Starts the command in a folder; its standard input is open.
 * @param redirection What a shell does with its streams, such as `> /dev/full`.
 */
export function startCommand(
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
  redirection?: string,
): { child: ChildProcessWithoutNullStreams; outcome: Promise<Outcome> } {
  const words = [process.execPath, command, ...args];
  const [program, ...rest] =
    redirection === undefined ? words : ["sh", "-c", `exec "$0" "$@" ${redirection}`, ...words];
  const child = spawn(program!, rest, { cwd: folder, env });
  children.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // A command that is done with its input need not read the rest.
  child.stdin.on("error", () => {});
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      children.delete(child);
      resolve({ status, stdout, stderr });
    });
  });
  return { child, outcome };
}

/** Runs the built command with these words in a folder to its end; its standard input is empty. */
export function runCommand(words: string, folder: string): Promise<Outcome> {
  const { child, outcome } = startCommand(words.split(" "), folder);
  child.stdin.end();
  return outcome;
}

/** The last command that was called, after which the next one runs: they share the streams and the folder of this process. */
let lastCall: Promise<unknown> = Promise.resolve();

/**
 * Calls the command line with these words in a folder, in this process, which starts and compiles nothing.
 * `test/docs.test.ts` runs every command of the documents as a process.
 */
export function callCommand(words: string, folder: string): Promise<Outcome> {
  return callWords(words.split(" "), folder);
}

/** Calls the command line with words that may have blanks and a standard input, stopped from the start where that is asked. */
export function callWords(
  argv: readonly string[],
  folder: string,
  { input = "", stopped = false } = {},
): Promise<Outcome> {
  const call = lastCall.then(() => callNow(argv, folder, input, stopped));
  lastCall = call.catch(() => {});
  return call;
}

async function callNow(
  argv: readonly string[],
  folder: string,
  input: string,
  stopped: boolean,
): Promise<Outcome> {
  const written = { stdout: "", stderr: "" };
  const capture = (stream: "stdout" | "stderr") =>
    vi.spyOn(process[stream], "write").mockImplementation((text, ...rest) => {
      written[stream] += typeof text === "string" ? text : Buffer.from(text).toString();
      for (const taken of rest) if (typeof taken === "function") taken();
      return true;
    });
  const signals = watchSignals();
  const spies = [
    capture("stdout"),
    capture("stderr"),
    vi
      .spyOn(process, "stdin", "get")
      .mockReturnValue(Readable.from(input === "" ? [] : [Buffer.from(input)]) as typeof process.stdin),
  ];
  const home = process.cwd();
  process.chdir(folder);
  try {
    const watch = stopped ? { ...signals, stop: AbortSignal.abort() } : signals;
    const status = await runCommandLine(argv, watch);
    return { status, ...written };
  } finally {
    signals.release();
    process.chdir(home);
    for (const spy of spies) spy.mockRestore();
  }
}

/** Ends the commands that a test has left behind. */
export function killCommands(): void {
  for (const child of children) child.kill("SIGKILL");
}
