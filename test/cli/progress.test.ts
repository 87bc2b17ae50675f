// Progress on a terminal, which `script` of util-linux makes.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { buildCommand } from "./command.ts";

const program = fileURLToPath(new URL("../../dist/node/exacta.js", import.meta.url));

/** What a command writes to a terminal of some columns. */
async function onTerminal(words: string, columns: number, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const line = `stty cols ${columns}; exec '${process.execPath}' '${program}' ${words} > /dev/null`;
  const { TERM: _, NO_COLOR: __, ...others } = process.env;
  const { stdout } = await promisify(execFile)("script", ["-qec", line, "/dev/null"], {
    env: { ...others, TERM: "xterm", ...env },
  });
  return stdout;
}

/** The lines that a terminal shows one after the other: cursor movements to the left begin a new one. */
const shown = (written: string): string[] =>
  written
    .split(/[\r\n]|\x1b\[[01]?G/) // oxlint-disable-line no-control-regex
    .map((line) => line.replace(/\x1b(\[[0-9;?]*[A-Za-z]|[78])/g, "")); // oxlint-disable-line no-control-regex

const sweep = "phase --bits 3,6 --items 1..12 --trials 3e5 --json --engine cpu --threads 1";

describe("Progress on a terminal", () => {
  beforeAll(buildCommand, 120_000);

  for (const columns of [40, 80, 200])
    test(
      `Every line of progress fits a terminal of ${columns} columns`,
      columns === 40 ? {} : { tags: ["wide"] },
      async () => {
        const written = await onTerminal(sweep, columns);
        expect(written).toContain("\x1b[");
        const lines = shown(written).filter((line) => line.includes(" %"));
        expect(lines.length).toBeGreaterThan(1);
        expect(lines.at(-1)).toContain("100 %");
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(columns);
        // The bar and the number of trials are there where they have room.
        expect(lines.some((line) => line.includes("░"))).toBe(true);
        if (columns >= 80) expect(lines.at(-1)).toContain(" of 600,000 trials");
      },
    );

  test.each([{ TERM: "dumb" }, { NO_COLOR: "1" }])(
    "With %o no cursor is moved and nothing is colored",
    { tags: ["wide"] },
    async (env) => {
      const written = await onTerminal(sweep, 80, env);
      expect(written).toContain("cpu: WebAssembly");
      expect(written).not.toContain("\x1b");
    },
  );
});
