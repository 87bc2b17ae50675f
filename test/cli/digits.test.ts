// exacta digits: tickets of the network that reads handwriting, found and certified on every engine, and the same outputs for
// all test images by every pass.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DigitsFinding } from "../../src/finding.ts";
import { buildCommand, runCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  await buildCommand();
  folder = await mkdtemp(join(tmpdir(), "exacta-digits-"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const exacta = (words: string) => runCommand(words, folder);

/** SHA-256 of the outputs of the 4-bit network for all test images, by another program's arithmetic. */
const DIGEST = "2a1f38b0e3be7f5a9fb98f75caeb4d7d4f0ce90cddd6240d027da7e9a1e5951b";

test.each(["cpu", "reference", "gpu"])(
  "a ticket of theorem 1 reads as its network does on %s",
  async (engine) => {
    const { status, stdout } = await exacta(`digits --json --quiet --engine ${engine}`);
    const finding = JSON.parse(stdout) as DigitsFinding;
    expect({ status, ...finding }).toMatchObject({
      status: 0,
      engine,
      theorem: 1,
      images: 10_000,
      correct: 9732,
      certified: true,
      equal: true,
      digests: [DIGEST, DIGEST, DIGEST],
    });
  },
  240_000,
);

test("a ticket of theorem 2 reads as its network does", async () => {
  const { status, stdout } = await exacta("digits --theorem 2 --json --quiet --engine cpu");
  expect({ status, ...(JSON.parse(stdout) as DigitsFinding) }).toMatchObject({
    status: 0,
    theorem: 2,
    correct: 9732,
    certified: true,
    equal: true,
    digests: [DIGEST, DIGEST, DIGEST],
  });
}, 240_000);

test("the story is told in words, and the ticket written; whatever else is asked is refused", async () => {
  const { status, stdout, stderr } = await exacta("digits --quiet --engine cpu --seed 5 --out told");
  expect(status).toBe(0);
  expect(stdout).toMatch(/certified: .*\nall 100,000 outputs are the same integers \(cpu: /);
  expect(stderr).toMatch(/^told\/digits.html is the report; told\/digits.safetensors is the ticket/);
  expect((await readdir(join(folder, "told"))).toSorted()).toEqual(["digits.html", "digits.safetensors"]);
  const report = await readFile(join(folder, "told/digits.html"), "utf8");
  expect(report.match(/<img src="data:image\/bmp;base64,/g)).toHaveLength(2 * 32 + 12);
  expect(report).toContain("9,732 of 10,000 are read right, by both");
  expect(report).not.toMatch(/undefined|NaN|<script/);
  expect((await exacta("verify told/digits.safetensors")).status).toBe(0);
  expect(await exacta("digits --theorem 3")).toEqual({
    status: 2,
    stdout: "",
    stderr: "theorem: expected 1 or 2, got 3\n",
  });
}, 120_000);
