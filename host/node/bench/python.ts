// CPython as a yardstick: a process that answers one pass at a time.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { expected } from "../../../src/check.ts";

export interface Yardstick {
  /** The seconds of one pass. Throws where its total is not the one expected. */
  pass(): Promise<number>;
  close(): void;
}

/**
 * Starts `script` with lines of JSON for its input; each further line asks for a pass, which answers with its seconds and
 * its total. Throws RangeError where `command` is no CPython.
 */
export function startPython(
  command: string,
  script: string,
  input: readonly unknown[],
  expectedTotal: number,
): Yardstick {
  const child: ChildProcess = spawn(command, ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise<never>((_, reject) => {
    const refuse = () =>
      reject(
        new RangeError(expected("python", "a CPython of 3.10 or newer", command, "name one with --python")),
      );
    child.once("error", refuse);
    child.once("exit", refuse);
  });
  failed.catch(() => {});
  // A process that ends early is reported by its exit.
  child.stdin!.on("error", () => {});
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  child.stdin!.write(input.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return {
    async pass(): Promise<number> {
      child.stdin!.write("\n");
      const line = await Promise.race([lines.next(), failed]);
      if (line.done) return failed;
      const [seconds, total] = JSON.parse(line.value) as [number, number];
      if (total !== expectedTotal) throw new Error(`CPython says ${total}, exacta ${expectedTotal}`);
      return seconds;
    },
    close: () => void child.kill(),
  };
}
