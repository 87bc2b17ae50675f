// exacta digits: tickets of the network that reads handwriting, found and certified on every engine, and the same outputs for
// all test images by every pass.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DigitsFinding } from "../../src/finding.ts";
import { callCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-digits-"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const exacta = (words: string) => callCommand(words, folder);

/** SHA-256 of the outputs of the 4-bit network for all test images, by another program's arithmetic. */
const DIGEST = "2a1f38b0e3be7f5a9fb98f75caeb4d7d4f0ce90cddd6240d027da7e9a1e5951b";

/** Runs `exacta digits` and compares its finding with the record. */
async function compareDigits(theorem: 1 | 2, engine: string): Promise<void> {
  const { status, stdout } = await exacta(`digits --theorem ${theorem} --json --quiet --engine ${engine}`);
  expect({ status, ...(JSON.parse(stdout) as DigitsFinding) }).toMatchObject({
    status: 0,
    engine,
    theorem,
    images: 10_000,
    correct: 9732,
    certified: true,
    equal: true,
    digests: [DIGEST, DIGEST, DIGEST],
  });
}

test("A ticket of theorem 1 has the outputs of its network on cpu", () => compareDigits(1, "cpu"));

test.each([
  [1, "reference"],
  [1, "gpu"],
  [2, "cpu"],
] as const)(
  "A ticket of theorem %i has the outputs of its network on %s",
  { tags: ["wide"], timeout: 600_000 },
  compareDigits,
);

test("The command prints a table, writes the ticket and a report, and refuses theorem 3", async () => {
  const { status, stdout, stderr } = await exacta("digits --quiet --engine cpu --seed 5 --out story");
  expect(status).toBe(0);
  expect(stdout).toMatch(/certified: .*\nall 100,000 outputs are the same integers \(cpu: /);
  expect(stderr).toMatch(/^story\/digits.html is the report; story\/digits.safetensors is the ticket/);
  expect((await readdir(join(folder, "story"))).toSorted()).toEqual(["digits.html", "digits.safetensors"]);
  const report = await readFile(join(folder, "story/digits.html"), "utf8");
  expect(report.match(/<img src="data:image\/bmp;base64,/g)).toHaveLength(2 * 32 + 12);
  expect(report).toContain("9,732 of 10,000 are read right, by both");
  expect(report).not.toMatch(/undefined|NaN|<script/);
  expect((await exacta("verify story/digits.safetensors")).status).toBe(0);
  expect(await exacta("digits --theorem 3")).toEqual({
    status: 2,
    stdout: "",
    stderr: "theorem: expected 1 or 2, got 3\n",
  });
}, 120_000);
