// The documentation is true: its programs type-check, run and print what they promise, and so do its commands.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runNetwork } from "../host/experiments/network.ts";
import { readDigits } from "../host/node/formats/mnist.ts";
import { outputsDigest } from "../host/node/formats/outputs.ts";
import { openEngine } from "../host/node/index.ts";
import { decodeTicket } from "../src/ticket/file.ts";
import { buildCommand } from "./cli/command.ts";
import { blocksOf, complaintsAbout, documentExamples, promisedLines, readExports, root } from "./examples.ts";
import { clearPart, picturesOf } from "./pictures.ts";

/** SHA-256 of the outputs of LeNet-5 for all test images, by NumPy. */
const LENET_DIGEST = "3aec89c760773081163499f088b6b65c20100779eeadccbd1ec6f68e0706524b";

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
      const [shown, printed] = [lines.join("\n"), await (command === LENET ? prunedToLenet() : run(command))];
      text += `$ ${command}\n${withoutTimes(shown) === withoutTimes(printed) ? shown : printed}`;
    }
    return text;
  }

  /** What the command that prunes a network to LeNet-5 prints; it runs once. */
  let ofLenet: Promise<string> | undefined;
  const LENET = "exacta digits --network lenet";
  const prunedToLenet = () => (ofLenet ??= run(LENET));

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

  test(
    "The random network of README.md is LeNet-5 in its ticket, and the report shows its six kernels",
    printed,
    async () => {
      expect(await prunedToLenet()).toContain("\nall 100,000 outputs are the same integers (cpu: ");
      const report = await readFile(join(folder, "results/digits.html"), "utf8");
      const pictures = picturesOf(report);
      expect(pictures).toHaveLength(3 * 6 + 12);
      const clear = pictures.slice(0, 3).map(clearPart);
      expect(clear[0]).toBeLessThan(0.1);
      expect(clear[1]).toBeGreaterThan(0.7);
      expect(clear[2]).toBeLessThan(0.3);
      expect(report).toContain("a LeNet-5, 61,706 weights; reads 9,935 of 10,000 images right");
      expect(report.replace(/base64,[^"]+/g, "")).not.toMatch(/undefined|NaN|<script\s/);
      const { ticket } = decodeTicket(await readFile(join(folder, "results/digits.safetensors")));
      const engine = await openEngine({ engine: "cpu" });
      const { images } = await readDigits("test");
      expect(outputsDigest(await runNetwork(engine, ticket, images))).toBe(LENET_DIGEST);
      engine.close();
    },
  );

  test("A session with wrong outputs is corrected, and one with other times is unchanged", async () => {
    expect(await rerun("$ echo 1 2\n1 3\n$ echo 5\n5\n")).toBe("$ echo 1 2\n1 2\n$ echo 5\n5\n");
    for (const shown of ["97.32 %   0.25", "97.32 %  10.25"])
      expect(await rerun(`$ echo '97.32 %   0.18'\n${shown}\n`)).toBe(`$ echo '97.32 %   0.18'\n${shown}\n`);
  });
});
