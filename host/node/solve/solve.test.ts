// Blocks of lines in columns: what is read equals what the general reader reads, what is written equals the text of each finding,
// and answers are those of instances as objects.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { solveConfig, type SolveRequest } from "../../../src/experiments/solve.ts";
import { kernelModule } from "../../cpu/module.ts";
import { solveEach } from "../../experiments/solve.ts";
import { referenceRunner } from "../../reference.ts";
import type { Runner } from "../../runner.ts";
import { textOf } from "../formats/finding-text.ts";
import { errorOf, readBlock, type ReadInstance } from "../formats/instances/block.ts";
import { readInstances } from "../formats/instances/index.ts";
import { settle, type Settings } from "../formats/instances/settings.ts";
import { asWritten } from "../formats/written.ts";
import { gathered } from "./chunks.ts";
import { lineFeeds } from "./memory.ts";
import { Pages } from "./pages.ts";
import { objectsOf, solveInThreads, type Pipeline, type SolvedPiece } from "./pipeline.ts";
import { readParts, type ReadPart } from "./read.ts";
import { BlockSolver, printTask, readTask } from "./tasks.ts";

let module: WebAssembly.Module;
beforeAll(async () => void (module = await kernelModule()), 120_000);

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textIn = (bytes: string | Uint8Array) =>
  typeof bytes === "string" ? bytes : Buffer.from(bytes).toString();
async function* streamOf(...texts: string[]) {
  for (const text of texts) yield bytesOf(text);
}

/** An instance with its targets as a list, and no negative zeros. */
const listed = ({ items, target, targets, id, line }: ReadInstance) => ({
  items: items.map((item) => item + 0),
  targets: (target === undefined ? targets : [target])?.map((one) =>
    typeof one === "number" ? one + 0 : one,
  ),
  id,
  line,
});
const objectsIn = (parts: readonly ReadPart[]) => parts.flatMap(objectsOf).map(listed);

// Lines of which most are plain, and all of which have what a reader may stumble over.
const oneOf = (common: fc.Arbitrary<string>, ...rare: string[]) =>
  fc.oneof({ weight: 20, arbitrary: common }, { weight: 2, arbitrary: fc.constantFrom(...rare) });
const odd = [
  "0",
  "-0",
  "007",
  "+3",
  "1e3",
  "2.0",
  "-",
  "x",
  "9007199254740993",
  "999999999",
  "1000000000",
  "4294967297",
  "99999999999",
  "",
];
const number = oneOf(fc.integer({ min: -99, max: 99 }).map(String), ...odd);
const gap = oneOf(fc.constant(" "), "  ", "\t", ",", ", ", ";", "\u00a0", "\r");
const list = fc.array(fc.tuple(number, gap), { maxLength: 6 }).map((pairs) => pairs.flat().join(""));
const colon = fc.constantFrom(":", " : ", ": ", " : ", "::", "");
const textLine = oneOf(
  fc.tuple(list, colon, list).map((parts) => parts.join("")),
  "",
  " ",
  "# none",
  "\u00e9",
  "\ufeff1 : 1",
  "\r",
  ":",
  "3 5",
  "3-5 : 8",
);
const blank = fc.constantFrom("", "", " ", "  ");
const jsonList = fc
  .tuple(fc.array(number, { maxLength: 4 }), blank)
  .map(([numbers, b]) => `[${b}${numbers.join(`,${b}`)}]`);
const jsonField = fc.oneof(
  { weight: 6, arbitrary: jsonList.map((items) => `"items":${items}`) },
  { weight: 6, arbitrary: fc.tuple(blank, number).map(([b, target]) => `"target":${b}${target}`) },
  { weight: 2, arbitrary: jsonList.map((targets) => `"targets": ${targets}`) },
  fc.constantFrom(
    '"id":"a b"',
    '"id": 7',
    '"id":"\\u00e9"',
    '"id":"\\""',
    '"id":"é"',
    '"id":null',
    '"note":1',
  ),
);
const jsonLine = oneOf(
  fc
    .tuple(fc.array(jsonField, { minLength: 2, maxLength: 4 }), blank)
    .map(([fields, b]) => `{${b}${fields.join(`,${b}`)}${b}}`),
  "",
  "{}",
  "[1]",
  "{",
  '{"items":[1],"target":1}x',
  '{"items":[1],"target":1}\r',
);

const settings = (format: Settings["format"], partition: boolean): Settings => ({
  format,
  partition,
  notation: "unstated",
  decimals: false,
  start: 1,
  isWhole: false,
});

describe("Reading", () => {
  test.each([
    ["text", textLine],
    ["jsonl", jsonLine],
  ] as const)(
    "Random lines of %s hold the instances and the refusals that the general reader finds",
    (format, line) => {
      let plain = 0;
      const lines = fc.array(line, { maxLength: 12 });
      const property = (text: string, partition: boolean) => {
        const without = <T extends { targets: unknown }>(one: T) =>
          partition ? { ...one, targets: undefined } : one;
        const general = readBlock(settings(format, partition), bytesOf(text), 5);
        const { parts, refusals } = readParts(settings(format, partition), bytesOf(text), 5, true);
        const wanted = general.instances.map(listed).map(without);
        expect(objectsIn(parts).map(without)).toEqual(wanted);
        expect(refusals).toEqual(general.refusals);
        plain += parts.filter((part) => "plain" in part).length;
        const upToFirst = readParts(settings(format, partition), bytesOf(text), 5, false);
        expect(upToFirst.refusals).toEqual(general.refusals.slice(0, 1));
        expect(objectsIn(upToFirst.parts).length).toBe(general.refusals[0]?.before ?? wanted.length);
      };
      fc.assert(
        fc.property(lines, fc.constantFrom("\n", ""), fc.boolean(), (lines, end, partition) =>
          property(lines.join("\n") + end, partition),
        ),
        { numRuns: 800, seed: 1 },
      );
      expect(plain).toBeGreaterThan(200);
    },
  );

  test("A name that takes more bytes as JSON than in its line of CSV is read whole", () => {
    const csv = settle(bytesOf("id,items,target"), 1, { format: "csv" })!;
    const bytes = bytesOf(`${"\\".repeat(30)},1 2,3\n"b, c",,0`);
    const { parts, refusals } = readParts(csv, bytes, 2, true);
    expect(objectsIn(parts)).toEqual(readBlock(csv, bytes, 2).instances.map(listed));
    expect([parts.length, refusals]).toEqual([2, []]);
  });

  test("Pages hold the bytes of a stream, and end with a line where the stream goes on", async () => {
    const chunks = fc.array(fc.stringMatching(/^[ab\n]{0,9}$/), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(chunks, async (chunks) => {
        const pages: string[] = [];
        for await (const page of gathered(streamOf(...chunks), new Pages(16))) pages.push(textIn(page));
        expect(pages.join("")).toBe(chunks.join(""));
        for (const page of pages.slice(0, -1)) if (page.includes("\n")) expect(page).toMatch(/\n$/);
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  test("Whole lines do not wait for a stream that stalls", async () => {
    async function* stream() {
      yield bytesOf("1 : 1\n2");
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield bytesOf(" : 2\n");
    }
    const pages: { readonly text: string; readonly at: number }[] = [];
    const began = performance.now();
    for await (const page of gathered(stream(), new Pages(64)))
      pages.push({ text: textIn(page), at: performance.now() - began });
    expect(pages.map(({ text }) => text)).toEqual(["1 : 1\n", "2 : 2\n"]);
    expect(pages[0]!.at).toBeLessThan(290);
  });
});

const requests: SolveRequest[] = [
  {},
  { ask: ["reachable"], atMost: true },
  { ask: ["reachable"] },
  { ask: ["witness"] },
  { ask: ["witness"], tolerance: 2 },
  { ask: ["witness"], atMost: true, tolerance: 3 },
  { ask: ["count", "witness"], method: "bitset" },
  { tolerance: 3 },
  { tolerance: 2 ** 53, ask: ["count"] },
  { atMost: true },
  { partition: true },
  { partition: true, ask: ["count", "smallest"] },
  { size: 2 },
  { atMostSize: 2 },
  { ask: ["unique", "witness"] },
  { method: "meet-in-the-middle" },
];

const small = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -30, max: 30 }) },
  { weight: 1, arbitrary: fc.integer({ min: -9000, max: 9000 }) },
);
const given = fc.array(
  fc.record({
    items: fc.array(small, { maxLength: 9 }),
    targets: fc.array(small, { minLength: 1, maxLength: 3 }),
    id: fc.constantFrom("", ',"id":"a b"', ',"id":7', ',"id":"\\u00e9"'),
  }),
  { minLength: 1, maxLength: 25 },
);
const linesOf = (instances: readonly { items: number[]; targets: number[]; id: string }[]) =>
  instances
    .map(({ items, targets, id }) => `{"items":[${items.join()}],"targets":[${targets.join()}]${id}}\n`)
    .join("");

/** What the command does with an input, without threads. */
function pipelineOf(runner: Runner, request: SolveRequest, csv: boolean, solver?: BlockSolver): Pipeline {
  return {
    runner,
    threads: {
      read: async (task) => readTask(task),
      print: async (task) => printTask(task),
      solve: async (task) => solver!.solve({ ...task, page: new SharedArrayBuffer(2 ** 16) }),
      release() {},
    },
    config: solveConfig(request),
    reading: { format: "jsonl", partition: request.partition ?? false },
    csv,
    signal: new AbortController().signal,
    onRefused: undefined,
    first: 0,
    checked: undefined,
  };
}

/** Solves a text, and adds its pieces to a list as they come. */
async function solveText(pipeline: Pipeline, text: string, pieces: SolvedPiece[] = []): Promise<string> {
  for await (const piece of solveInThreads(streamOf(text), pipeline)) pieces.push(piece);
  return pieces.map(({ printed }) => textIn(printed)).join("");
}

/** The findings of the library, as lines. */
async function expectedOf(
  runner: Runner,
  request: SolveRequest,
  csv: boolean,
  text: string,
  format: Settings["format"] = "jsonl",
): Promise<string> {
  const partition = request.partition ?? false;
  const instances = readInstances(streamOf(text), { format, partition });
  let lines = "";
  for await (const { instance, finding } of solveEach(runner, instances, request))
    lines += textOf(asWritten(finding, instance.written), csv).printed;
  return lines;
}

describe("Line feeds", () => {
  test.each([0, 1, 100, 2 ** 14, 2 ** 14 + 5, 3 * 255 * 16 + 2 ** 14, 2 ** 18, 2 ** 18 + 1, 2 ** 19 + 77])(
    "The line feeds of %d bytes are counted, also where nearly all bytes are line feeds",
    (length) => {
      for (const period of [1, 2, 7, 300]) {
        // The view begins off the boundary of a vector, and line feeds lie on both of its sides.
        const all = Uint8Array.from({ length: length + 6 }, (_, i) => (i % period === 0 ? 10 : 11));
        const bytes = all.subarray(3, 3 + length);
        expect(lineFeeds(bytes)).toBe(bytes.filter((byte) => byte === 10).length);
      }
    },
  );
});

describe("Solving", () => {
  const reference = referenceRunner();
  // Its runs are those of the reference, but threads solve what they read.
  const local: Runner = { ...reference, engine: "cpu" };

  for (const request of requests)
    test(`Random instances have the findings of the library, ${JSON.stringify(request)}`, async () => {
      const solver = new BlockSolver(module);
      await fc.assert(
        fc.asyncProperty(given, fc.boolean(), async (instances, csv) => {
          const text = linesOf(instances);
          const expected = await expectedOf(reference, request, csv, text);
          const pieces: SolvedPiece[] = [];
          expect(await solveText(pipelineOf(reference, request, csv), text, pieces)).toBe(expected);
          const findings = expected.split("\n").length - 1;
          expect(pieces.reduce((sum, piece) => sum + piece.findings, 0)).toBe(findings);
          expect(pieces.at(-1)).toMatchObject({ next: instances.length, line: instances.length });
          const here = await solveText(pipelineOf(local, request, csv, solver), text);
          expect(here).toBe(await expectedOf(local, request, csv, text));
        }),
        { numRuns: 6, seed: 7 },
      );
    });

  test("A block whose findings make the memory of a thread grow has all of them", async () => {
    const text = "3 5 : 8\n".repeat(20_000);
    for (const request of [{ ask: ["reachable"] }, { ask: ["witness"] }, {}] satisfies SolveRequest[]) {
      const pipeline = pipelineOf(local, request, false, new BlockSolver(module));
      const found = await solveText({ ...pipeline, reading: { format: "text" } }, text);
      expect(found.match(/"instance":\d+,"line":\d+,"items":2,"target":8,"reachable":true/g)).toHaveLength(
        20_000,
      );
    }
  });

  test.each([
    ["jsonl", '{"items":[{"label":"a\\u202eb","value":3},5],"target":8}\n{"items":[8],"target":8}\n'],
    [
      "jsonl",
      '{"items":[3,5],"target":8,"id":"\\u001b[2J\u2028é"}\n{"items":[8],"target":8,"id":"\u007f"}\n',
    ],
    ["json", '{"items":[3,5],"target":8,"id":"a"}\n{"items":[8],"target":8}\n'],
    ["json", '[{"items":[3,5],\n"target":8},\n{"items":[{"label":"x","value":8}],"target":8}]\n'],
    ["csv", "id,a,b,c,target\n\u001b[1m,3,,5,8\n,8,,,8\n"],
    ["tsv", "id\titems\ttarget\nq\t3 5\t8\nr\t8\t8\n"],
  ] as const)(
    "Labels, columns and names come out as instances one by one have them, %s %j",
    async (format, text) => {
      for (const [runner, solver] of [[reference], [local, new BlockSolver(module)]] as const)
        for (const csv of [false, true]) {
          const pipeline = { ...pipelineOf(runner, {}, csv, solver), reading: { format } };
          const expected = await expectedOf(runner, {}, csv, text, format);
          expect(expected.match(/\n/g)).toHaveLength(2);
          expect(await solveText(pipeline, text)).toBe(expected);
        }
    },
  );

  test("Refusals come in the order of the input, malformed ones and others", async () => {
    const text =
      '{"items":[1],"target":1}\n{"items":[1,1e17],"target":1}\n{"items":[1],"target":1,"profits":[1]}\nx\n'.repeat(
        3,
      );
    const refused: string[] = [];
    const onRefused = ({ message }: Error) => void refused.push(message);
    await solveText({ ...pipelineOf(reference, {}, false), onRefused }, text);
    const wanted: string[] = [];
    const onMalformed = ({ message }: Error) => void wanted.push(message);
    const instances = readInstances(streamOf(text), { format: "jsonl", onMalformed });
    for await (const _ of solveEach(
      reference,
      instances,
      {},
      { onRefused: (_, error) => onMalformed(error) },
    ));
    expect(refused).toEqual(wanted);
    expect(refused).toHaveLength(9);
  });

  test("Blocks whose first index was foretold wrongly have the right one", async () => {
    const lines = Array.from({ length: 3000 }, (_, i) =>
      i % 3 === 0 ? "" : `{"items":[${i % 7},2,3],"target":5}`,
    );
    const text = `${lines.join("\n")}\n`.repeat(5);
    const request: SolveRequest = { ask: ["reachable"] };
    const pipeline = pipelineOf(local, request, false, new BlockSolver(module));
    let solved = 0;
    const threads: Pipeline["threads"] = {
      ...pipeline.threads,
      async solve(task) {
        const answer = await pipeline.threads.solve(task);
        solved += Number("printed" in answer);
        return answer;
      },
    };
    expect(await solveText({ ...pipeline, threads }, text)).toBe(
      await expectedOf(local, request, false, text),
    );
    expect(solved).toBeGreaterThan(0);
  });

  test("An error comes after the findings before it, and lines behind it are not solved", async () => {
    const text = ["1", "2", '"x"', "4"].map((item) => `{"items":[${item}],"target":1}\n`).join("");
    const pieces: SolvedPiece[] = [];
    const [refusal] = readBlock(settings("jsonl", false), bytesOf(text), 1).refusals;
    const solving = solveText(pipelineOf(reference, {}, false), text, pieces);
    await expect(solving).rejects.toThrow(errorOf(refusal!).message);
    expect(
      pieces
        .map(({ printed }) => textIn(printed))
        .join("")
        .match(/"line":\d/g),
    ).toEqual(['"line":1', '"line":2']);
  });
});
