// Every refusal says what is wrong, where, and what is expected instead: every option of every command with values that it cannot
// have.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { kebab, type Command } from "../../host/node/commands/command.ts";
import { loadCommands } from "../../host/node/commands/index.ts";
import { parse } from "../../src/check.ts";
import { RequestError } from "../../src/errors.ts";
import { nearest } from "../../src/nearest.ts";
import { callWords } from "./command.ts";

/** A command line of each command that is right without the option that is tried. */
const lines: Readonly<Record<string, string>> = {
  solve: "solve instances.txt --engine reference",
  phase: "phase --items 3 --trials 10 --json --engine reference",
  "phase --lambda": "phase --ensemble rnpp --items 3 --trials 10 --engine reference",
  theory: "theory --items 3",
  required: "required --engine reference",
  tail: "tail --bits 1 --items 3 --engine reference",
  width: "width --bits 1 --width 1 --trials 1 --engine reference",
  merge: "merge folder",
  slurm: "slurm --shards 2 -- phase --bits 3 --out out",
  ticket: "ticket network.json --out ticket --engine reference",
  verify: "verify ticket.safetensors",
  export: "export ticket.safetensors --to onnx --out exported",
  approximate: "approximate real.json --engine reference",
  paper: "paper --quick --engine reference",
  forward: "forward network.json --inputs inputs.csv --engine reference",
  digits: "digits --network reader.json --engine reference --json",
  devices: "devices",
  bench: "bench --only start --engine reference",
};

const bad = ["", "x", "-1.5", "1e400", "7\u001b[31m8"];
/** No file and no folder can have these names. */
const badPaths = ["", "/proc/none\u001b[31m/x"];
/** Options that take any text: names and options of a cluster, and programs, which a bench does without. */
const anything = new Set(["slurm --partition", "slurm --sbatch", "bench --python", "bench --cc"]);

/** Options that take negative fractions. */
const fractions = new Set(["phase --lambda"]);

/** What is wrong with a refusal of a value of an option; empty where nothing is. */
function faultsOf(stderr: string, option: string, path: boolean): string[] {
  const [, field = "", expected = ""] = /^(.*?): expected (.+), got [^\n]+\n$/.exec(stderr) ?? [];
  const names = new RegExp(`(^|[ ,:-])(${option}${path ? "|file|folders" : ""})$`);
  return [
    ...(field === "" || stderr.trimEnd().includes("\n") ? ["has another form"] : []),
    ...(/Invalid input|undefined|\[object|NaN/.test(stderr) ? ["has a word of the code"] : []),
    ...(/[a-z]\.[a-z\d]|[a-z][A-Z]/.test(field.replace(/^\S+\.(json|safetensors|csv): /, ""))
      ? ["names a field of the code"]
      : []),
    ...(field.split(", ").some((name) => names.test(name)) ? [] : [`does not name ${option}`]),
    ...(expected.length < 4 ? ["does not say what is expected"] : []),
    // oxlint-disable-next-line no-control-regex
    ...(/[\0-\x09\x0b-\x1f\x7f-\x9f]/.test(stderr) ? ["has a control character"] : []),
  ];
}

const commands = await loadCommands();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-refusals-"));
  const network = { bits: 1, activationBits: 1, layers: [{ weights: [[1, -1]] }] };
  await writeFile(join(folder, "network.json"), JSON.stringify(network));
  const weights = Array.from({ length: 10 }, () => Array<number>(784).fill(0));
  const reader = { bits: 0, activationBits: 8, layers: [{ weights }] };
  await writeFile(join(folder, "reader.json"), JSON.stringify(reader));
  await writeFile(join(folder, "real.json"), '{"layers":[{"weights":[[0.5]]}]}');
  await writeFile(join(folder, "inputs.csv"), "1,0\n");
  await writeFile(join(folder, "instances.txt"), "1 2 : 3\n");
  const words = "ticket network.json --out ticket.safetensors --engine reference --quiet".split(" ");
  await callWords(words, folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The refusals of an option's bad values, by value. */
async function refusals({ name, options }: Command, option: string): Promise<(readonly [string, string])[]> {
  const declared = options[option]!;
  const isPath = declared.kind === "value" && /^(file|folder)$/.test(declared.placeholder);
  const spelled = `--${kebab(option)}`;
  const [command, ...rest] = (lines[`${name} ${spelled}`] ?? lines[name]!).split(" ");
  const at = rest.indexOf(spelled);
  const isOfSweep = name === "slurm" && at > rest.indexOf("--");
  const others = at < 0 || isOfSweep ? rest : rest.toSpliced(at, 2);
  const found: (readonly [string, string])[] = [];
  const values = fractions.has(`${name} ${spelled}`) ? bad.filter((value) => value !== "-1.5") : bad;
  for (const value of isPath ? badPaths : values) {
    const { status, stderr } = await callWords([command!, `${spelled}=${value}`, ...others], folder, {
      stopped: true,
    });
    const last = `${stderr.trimEnd().split("\n").at(-1)}\n`;
    const faults =
      status === 2
        ? faultsOf(name === "digits" ? last : stderr, kebab(option), isPath)
        : [`status ${status}`];
    if (faults.length > 0)
      found.push([`${name} ${spelled}=${JSON.stringify(value)}`, `${faults.join(", ")}: ${stderr}`]);
  }
  return found;
}

describe("Refusals", () => {
  test("The check of a refusal finds every fault that it looks for", () => {
    expect(faultsOf('bits: expected an integer in 0..20, got "x"\n', "bits", false)).toEqual([]);
    expect(faultsOf('bits: expected an integer in 0..20, got "x"\n', "half-range", false)).toHaveLength(1);
    expect(faultsOf('bits: expected Invalid input, got "x"\n', "bits", false)).toHaveLength(1);
    expect(faultsOf("sweeps.0.bits: expected an integer, got 3\n", "bits", false)).toContain(
      "names a field of the code",
    );
    expect(faultsOf("halfRange: expected an integer, got 3\n", "half-range", false)).toHaveLength(2);
    expect(faultsOf("bits: expected an integer, got \u001b[31m\n", "bits", false)).toHaveLength(1);
    expect(faultsOf("Error: no\n    at main\n", "bits", false)).toContain("has another form");
  });

  for (const command of commands)
    test(
      `exacta ${command.name}: a value that an option cannot have is refused with its name and what is expected`,
      ["bench", "digits"].includes(command.name) ? { tags: ["wide"] } : {},
      async () => {
        const options = Object.entries(command.options).filter(
          ([option, { kind }]) => kind === "value" && !anything.has(`${command.name} --${kebab(option)}`),
        );
        const found: (readonly [string, string])[] = [];
        for (const [option] of options) found.push(...(await refusals(command, option)));
        expect(Object.fromEntries(found)).toEqual({});
      },
    );
});

describe("Suggestions", () => {
  test.each([
    ["phas --bits 4", /^command: .*, got "phas"; perhaps phase is meant; run exacta --help/],
    ["phase --bit 4", /^option: .*, got "--bit"; perhaps --bits is meant; run exacta phase --help/],
    ["phase --sede 4", /; perhaps --seed is meant; /],
    ["phase --bits 4 --ensemble rsspo", /^ensemble: .*, got "rsspo"; perhaps rssp is meant/],
    ["phase --bits 4 --engine gup", /; perhaps gpu is meant/],
    ["solve x --methd bitset", /; perhaps --method is meant/],
    ["solve x --ask count,witnes", /^ask: .*, got "witnes"; perhaps witness is meant/],
    ["help phas", /; perhaps phase is meant/],
  ])("%s: the nearest word is suggested", async (words, line) => {
    const { status, stderr } = await callWords(words.split(" "), folder);
    expect(stderr).toMatch(line);
    expect(status).toBe(2);
  });

  test("Nothing is suggested for a word that is near to none", async () => {
    for (const words of ["frobnicate", "phase --frobnicate", "phase --bits 4 --engine quantum"])
      expect((await callWords(words.split(" "), folder)).stderr).not.toContain("perhaps");
  });

  test("The nearest word is the one of the fewest edits, where a swap of neighbours is one", () => {
    expect(nearest("gup", ["cpu", "gpu"])).toBe("gpu");
    expect(nearest("SEED", ["speed", "seed"])).toBe("seed");
    expect(nearest("abcdefgh", ["abcdxyzw"])).toBeUndefined();
    expect(nearest("", ["a"])).toBeUndefined();
  });
});

describe("Schemas without a message of their own", () => {
  const schema = z.strictObject({
    text: z.optional(z.string()),
    list: z.optional(z.array(z.number())),
    name: z.optional(z.enum(["one", "two"])),
    pair: z.optional(z.union([z.number(), z.boolean()])),
  });

  test.each([
    [5, "request: expected an object with fields, got 5"],
    [{ text: 5 }, "text: expected a text, got 5"],
    [{ list: ["x"] }, 'list.0: expected a number, got "x"'],
    [{ name: "tow" }, 'name: expected one of one, two, got "tow"; perhaps two is meant'],
    [{ pair: "x" }, 'pair: expected a value of another form, got "x"'],
    [{ txt: "x" }, 'request: expected known fields only, got "txt"; perhaps text is meant'],
  ])("%j is refused in words", (value, message) => {
    expect(() => parse(schema, value)).toThrow(RequestError);
    expect(() => parse(schema, value)).toThrow(message);
  });
});
