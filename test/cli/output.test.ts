// One module writes to stdout and stderr, so that --json and --quiet hold for every command.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("../../host/node", import.meta.url));
/** The output module itself, the program, which hears of streams that cannot be written, and a program for a child process. */
const WRITERS = ["output.ts", "platform/silence.ts", "program.ts"];

/** Whether a source writes to stdout or stderr; the examples in its docstrings may. */
const writes = (text: string) =>
  /\bprocess\.std(out|err)\b|\bconsole\./.test(text.replace(/\/\*[^]*?\*\//g, ""));

test("Output is recognized by its stream or by console", () => {
  expect(writes("process.stdout.write(text)")).toBe(true);
  expect(writes("stream: process.stderr,")).toBe(true);
  expect(writes("console.log(text)")).toBe(true);
  expect(writes("/** console.log(text) */ const a = 1; console.log(a);")).toBe(true);
  expect(writes("/** console.log(text) */ const a = 1;")).toBe(false);
  expect(writes("output.text(text); process.stdin.read();")).toBe(false);
});

test("Only the output module and the programs use stdout and stderr", () => {
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.startsWith("bench"),
  );
  expect(sources).toEqual(expect.arrayContaining(WRITERS));
  expect(sources.filter((file) => writes(readFileSync(`${folder}/${file}`, "utf8"))).toSorted()).toEqual(
    WRITERS.toSorted(),
  );
});
