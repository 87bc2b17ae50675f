// exacta paper as the built command: its page, its digests, and a run that goes on.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exhibits } from "../../host/node/paper/exhibits.ts";
import { paperPage } from "../../host/node/paper/page.ts";
import { buildCommand, callCommand, runCommand, startCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  await buildCommand();
  folder = await mkdtemp(join(tmpdir(), "exacta-paper-"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const digestsOf = (page: string) =>
  [...page.matchAll(/<code>([0-9a-f]{64})<\/code>/g)].map(([, digest]) => digest);

test(
  "A stopped quick paper names the missing figures; run again it has all, and those that were done keep their digests",
  { tags: ["wide"], timeout: 600_000 },
  async () => {
    const words = "paper --quick --out paper --engine cpu --json --quiet";
    const linesOf = (text: string) => text.trim().split("\n");
    const pageOf = () => readFile(join(folder, "paper/index.html"), "utf8");

    const { child, outcome } = startCommand(words.split(" "), folder);
    child.stdin.end();
    let printed = "";
    child.stdout.on("data", (text: string) => {
      printed += text;
      if (linesOf(printed).length >= 2) child.kill("SIGTERM");
    });
    const stopped = await outcome;
    expect(stopped.status).toBe(75);
    expect(stopped.stderr).toContain("stopped early; the same command goes on in paper");
    const done = linesOf(stopped.stdout).length;
    expect(done).toBeLessThan(exhibits.length);
    const early = await pageOf();
    expect(early.split("<section ")).toHaveLength(1 + done);
    const [, missing] = /This run was stopped early\.([^]*?)<\/p>/.exec(early)!;
    for (const [i, { title }] of exhibits.entries())
      expect(missing!.includes(`&ldquo;${title}&rdquo;`), title).toBe(i >= done);

    const { status, stdout, stderr } = await runCommand(words, folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const figures = linesOf(stdout).map((line) => JSON.parse(line) as { name: string });
    expect(figures.map(({ name }) => name)).toEqual(exhibits.map(({ name }) => `${name}-quick`));
    const page = await pageOf();
    const sections = page.split("<section ").slice(1);
    expect(sections).toHaveLength(exhibits.length);
    for (const [i, { figures }] of exhibits.entries())
      for (const { title } of figures) expect(sections[i]).toContain(`>${title}</strong>`);
    expect(page).not.toMatch(/undefined|NaN/);
    const digests = digestsOf(page);
    expect(new Set(digests).size).toBe(exhibits.length);
    expect(digests.slice(0, done)).toEqual(digestsOf(early));
    // Every digest is that of the figure's command alone.
    const { name, quick } = exhibits.find(({ name }) => name === "size")!;
    await callCommand(`${quick} --out alone --engine cpu --quiet`, folder);
    const alone = await readFile(join(folder, "alone/results.jsonl"), "utf8");
    expect(alone).toBe(await readFile(join(folder, `paper/${name}-quick/results.jsonl`), "utf8"));
  },
);

test("A report without a figure of an exhibit is an error that names the figure", () => {
  const [exhibit] = exhibits;
  const shown = {
    exhibit: exhibit!,
    folder: "a",
    command: "",
    report: "<main></main>",
    results: "{}",
    seconds: 0,
  };
  expect(() => paperPage([shown], true)).toThrow(
    'the report of coverage has no figure "Every target from −M to M"',
  );
});
