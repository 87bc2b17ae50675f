// Yardsticks as processes, which run one pass at a time.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { RequestError } from "../../../../src/errors.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Yardstick {
  /** Runs `times` repetitions and returns their seconds. Throws where the total is not the expected one. */
  readonly pass: (times: number) => Promise<number>;
  readonly close: () => void;
}

/**
 * Starts a command that reads `input`, and then lines with a number of repetitions, to each of which it replies with their
 * seconds and the total of one repetition.
 *
 * @param refusal Makes the error that `pass` throws where the process has ended.
 */
function start(
  command: string,
  args: readonly string[],
  input: string | Uint8Array,
  expectedTotal: number,
  refusal: () => Error,
): Yardstick {
  // It has a process group of its own, so that a signal from the terminal reaches the bench alone, which then ends it.
  const child: ChildProcess = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], detached: true });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", () => reject(refusal()));
    child.once("exit", () => reject(refusal()));
  });
  failed.catch(() => {});
  // That a process has ended early is reported by its exit.
  child.stdin!.on("error", () => {});
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  child.stdin!.write(input);
  return {
    async pass(times) {
      child.stdin!.write(`${times}\n`);
      const line = await Promise.race([lines.next(), failed]);
      if (line.done) return failed;
      const [seconds, total] = JSON.parse(line.value) as [number, number];
      if (total !== expectedTotal)
        throw new Error(`${command} has a total of ${total}, exacta of ${expectedTotal}`);
      return seconds;
    },
    close: () => void child.kill(),
  };
}

/** Starts a script in CPython with lines of JSON as its input. Its passes throw RequestError where `command` is no CPython. */
export function startPython(
  command: string,
  script: string,
  input: readonly unknown[],
  expectedTotal: number,
): Yardstick {
  const lines = input.map((line) => `${JSON.stringify(line)}\n`).join("");
  return start(command, ["-c", script], lines, expectedTotal, () => {
    return new RequestError("python", "a CPython of 3.10 or newer", command, "name one with --python");
  });
}

/**
 * Compiles a C program for this machine and starts it.
 *
 * @throws {RequestError} `command` cannot compile it.
 */
export function startNative(
  command: string,
  program: string,
  input: Uint8Array,
  expectedTotal: number,
): Yardstick {
  const refusal = () =>
    new RequestError("cc", "a C compiler for a CPU with AVX2", command, "name one with --cc");
  const folder = mkdtempSync(join(tmpdir(), "exacta-"));
  const binary = join(folder, "yardstick");
  writeFileSync(`${binary}.c`, program);
  const { status } = spawnSync(command, ["-O3", "-march=native", "-o", binary, `${binary}.c`], {
    stdio: "inherit",
  });
  if (status !== 0) {
    rmSync(folder, { recursive: true });
    throw refusal();
  }
  const yardstick = start(binary, [], input, expectedTotal, refusal);
  return {
    ...yardstick,
    close() {
      yardstick.close();
      rmSync(folder, { recursive: true });
    },
  };
}
