// The documentation is true: its programs type-check, run and print what they promise, and so do its commands.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCommand } from "./cli/command.ts";
import { blocksOf, complaintsAbout, documentExamples, promisedLines, readExports, root } from "./examples.ts";

const documents = ["README.md", "docs/library.md", "docs/formats.md"];

beforeAll(buildCommand, 300_000);

describe("Programs of the documentation", () => {
  const exported = readExports();

  test("Every export of the package has a docstring, and every value among them an example", () => {
    expect(exported.filter(({ description }) => description === "").map(({ name }) => name)).toEqual([]);
    const values = exported.filter(({ isValue }) => isValue);
    expect(values.filter(({ examples }) => examples.length === 0).map(({ name }) => name)).toEqual([]);
  });

  test("No name is exported as two different things", () => {
    const values = exported.filter(({ isValue }) => isValue).map(({ name }) => name);
    expect(values.filter((name, i) => values.indexOf(name) !== i)).toEqual([]);
  });

  test(
    "Every program of the documents and docstrings type-checks, runs and prints what it promises",
    { timeout: 120_000, tags: ["wide"] },
    async () => {
      const written = (await Promise.all(documents.map(documentExamples))).flat();
      expect(written.length).toBeGreaterThan(5);
      const examples = [...written, ...exported.flatMap((entry) => entry.examples)];
      expect(await complaintsAbout(examples)).toEqual([]);
    },
  );

  test("Programs that are wrong are reported", { tags: ["wide"] }, async () => {
    const wrong = {
      "a name that is not exported": `import { prune } from "exacta/ticket";\nconsole.log(typeof prune);`,
      "a field of the wrong type": `import { computeTheory } from "exacta/theory";\ncomputeTheory({ bits: "4" });`,
      "another output": `import { lambdaOf } from "exacta/theory";\nconsole.log(lambdaOf(1, 1)); // 0`,
      "an output in another order": `console.log(1); // 2\nconsole.log(2); // 1`,
      "an error": `throw new Error("at run time");`,
    };
    const examples = Object.entries(wrong).map(([from, code]) => ({ from, code }));
    const complaints = await complaintsAbout(examples);
    for (const { from } of examples) expect(complaints.join("\n")).toContain(from);
    expect(promisedLines("console.log(a); // 1\n// 2\nb(); // no output")).toBe("1\n2");
  });
});

describe("Commands of the documentation", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "exacta-docs-"));
    await symlink(join(root, "examples"), join(folder, "examples"), "junction");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  // Options that come later win, so that documents show one engine, whatever a machine has.
  const SHELL = `exacta() { case "$1" in
    verify | export | theory | devices | --*) "$NODE" "$COMMAND" "$@" ;;
    *) "$NODE" "$COMMAND" "$@" --engine cpu --threads 2 ;;
  esac; }
  `;
  const env = { ...process.env, NODE: process.execPath, COMMAND: join(root, "dist/node/exacta.js") };

  /** What a command prints on stdout, whatever its exit status. */
  async function run(command: string): Promise<string> {
    return promisify(execFile)("bash", ["-c", SHELL + command], { cwd: folder, env }).then(
      ({ stdout }) => stdout,
      ({ stdout }: { stdout: string }) => stdout,
    );
  }

  /** Replaces seconds, which differ from run to run: they follow a percentage at the end of a line, with blanks between. */
  const withoutTimes = (text: string) => text.replace(/(?<=%) +\d+\.\d\d$/gm, " 0.00");

  /** A session with the outputs that its commands print; where only times differ it stays as it is. */
  async function rerun(session: string): Promise<string> {
    const [, ...parts] = session.split(/^\$ /m);
    let text = "";
    for (const part of parts) {
      const [command = "", ...lines] = part.split("\n");
      const [shown, printed] = [lines.join("\n"), await run(command)];
      text += `$ ${command}\n${withoutTimes(shown) === withoutTimes(printed) ? shown : printed}`;
    }
    return text;
  }

  // `vitest run test/docs.test.ts -u` writes what the commands print into the document.
  const printed = { timeout: 120_000, tags: ["wide"] };
  test.each(documents)("%s shows what its commands print", printed, async (path) => {
    let text = await readFile(join(root, path), "utf8");
    for (const session of blocksOf(text, "console")) {
      const rerunSession = await rerun(session);
      text = text.replace(session, () => rerunSession);
    }
    await expect(text).toMatchFileSnapshot(join(root, path));
  });

  test("A session with wrong outputs is corrected, and one with other times is unchanged", async () => {
    expect(await rerun("$ echo 1 2\n1 3\n$ echo 5\n5\n")).toBe("$ echo 1 2\n1 2\n$ echo 5\n5\n");
    for (const shown of ["97.32 %   0.25", "97.32 %  10.25"])
      expect(await rerun(`$ echo '97.32 %   0.18'\n${shown}\n`)).toBe(`$ echo '97.32 %   0.18'\n${shown}\n`);
  });
});
