import { createHash } from "node:crypto";
import {
  appendFile,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
  type FileHandle,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import { openPart, placesOf, type Answered, type Part } from "./part.ts";

const BLOCKS = ["one\n", "two\ntwo again\n", "three\n", "four\n"];
const WHOLE = BLOCKS.join("");
const request = { ask: ["count"], size: 2, keepGoing: false };
const signal = new AbortController().signal;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-part-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const openHere = (asked: object = request) => openPart(folder, "solutions.jsonl", { ...asked }, signal);
const names = async () => (await readdir(folder)).toSorted();
const result = () => readFile(join(folder, "solutions.jsonl"), "utf8");

/** What the first blocks answer. */
const answeredBy = (blocks: number): Answered => ({
  instances: blocks,
  findings: blocks,
  reachable: blocks,
  next: blocks,
  input: { line: blocks, bytes: 10 * blocks, digest: `digest ${blocks}` },
});

/** Appends blocks, by default those that are not in the part of an earlier run. */
async function write(part: Part, until = BLOCKS.length, from = part.earlier?.next ?? 0): Promise<void> {
  for (let k = from; k < until; k++) {
    await part.append(BLOCKS[k]!);
    await part.mark(answeredBy(k + 1));
  }
}

async function finished(part: Part): Promise<string> {
  await write(part);
  await part.finish();
  return result();
}

/** The two files of a part with all blocks, whose process was killed or stopped. */
async function leave(end: "killed" | "stopped"): Promise<string> {
  const part = await openHere();
  await write(part);
  const files = await filesOf(part.path);
  if (end === "stopped") await part.keep();
  else {
    await part.discard();
    await restore(files);
  }
  return part.path;
}

type Files = readonly (readonly [string, Buffer])[];

const filesOf = (path: string): Promise<Files> =>
  Promise.all([path, `${path}.journal`].map(async (file) => [file, await readFile(file)] as const));

/** Makes these files all that the folder has. */
async function restore(files: Files): Promise<void> {
  for (const name of await names()) await rm(join(folder, name));
  for (const [file, bytes] of files) await writeFile(file, bytes);
}

describe("Parts that are continued", () => {
  test("A part is continued behind its last block, and nothing but the complete file is left", async () => {
    const part = await openHere();
    await write(part, 2);
    await part.append("thr");
    const files = await filesOf(part.path);
    await part.discard();
    await restore(files);
    const next = await openHere();
    expect(next.earlier).toMatchObject(answeredBy(2));
    const places = [];
    for await (const place of placesOf(next)) places.push(place);
    expect(places).toEqual([answeredBy(1).input, answeredBy(2).input]);
    expect(await finished(next)).toBe(WHOLE);
    expect(await names()).toEqual(["solutions.jsonl"]);
  });

  test("The earlier complete file stays until the new one is complete", async () => {
    await writeFile(join(folder, "solutions.jsonl"), "earlier\n");
    const part = await openHere();
    await write(part);
    expect(await result()).toBe("earlier\n");
    await part.finish();
    expect(await result()).toBe(WHOLE);
  });

  test("The longest part is continued, and all others are deleted at the end", async () => {
    const files: (readonly [string, Buffer])[] = [];
    for (const blocks of [1, 3, 2]) {
      const part = await openHere();
      await write(part, blocks);
      files.push(...(await filesOf(part.path)));
      await part.discard();
    }
    await restore(files);
    const next = await openHere();
    expect(next.earlier?.next).toBe(3);
    expect(await finished(next)).toBe(WHOLE);
    expect(await names()).toEqual(["solutions.jsonl"]);
  });

  test("A part without a block is not kept", async () => {
    const part = await openHere();
    await part.append("on");
    await part.keep();
    expect(await names()).toEqual([]);
  });

  test("Two processes on one folder both end with the whole file", async () => {
    const first = await openHere();
    await write(first, 2);
    // The second one copies the part of the first and deletes its name.
    const second = await openHere();
    expect(second.earlier?.next).toBe(2);
    await write(first, BLOCKS.length, 2);
    expect(await finished(second)).toBe(WHOLE);
    await rm(join(folder, "solutions.jsonl"));
    await first.finish();
    expect(await result()).toBe(WHOLE);
    expect(await names()).toEqual(["solutions.jsonl"]);
  });

  test("A part that is being copied is left as it is when the run is stopped", async () => {
    await leave("stopped");
    const before = await names();
    const stopped = AbortSignal.abort(new Error("stopped"));
    await expect(openPart(folder, "solutions.jsonl", request, stopped)).rejects.toThrow("stopped");
    expect(await names()).toEqual(before);
  });
});

describe("Parts that are refused", () => {
  test.each<[object, string]>([
    [{ ...request, size: 3 }, "size: expected 2, with which FILE was begun, got 3; "],
    [{ ...request, ask: undefined }, 'ask: expected ["count"], with which FILE was begun, got nothing; '],
    [{ ...request, tolerance: 1 }, "tolerance: expected nothing, with which FILE was begun, got 1; "],
  ])("The request %j is not that of the part", async (other, message) => {
    const path = await leave("stopped");
    await expect(openHere(other)).rejects.toThrow(
      `${message.replace("FILE", path)}choose another folder with --out, or delete this file`,
    );
  });

  test("Malformed lines may be left out from now on, but not no longer", async () => {
    await leave("stopped");
    const part = await openHere({ ...request, keepGoing: true });
    expect(part.earlier?.next).toBe(4);
    await part.keep();
    await expect(openHere()).rejects.toThrow("keepGoing: expected true, with which ");
  });

  test("A journal of another version is refused by its schema", async () => {
    const path = await leave("stopped");
    const body = '{"kind":"solve","schema":2,"request":{}';
    const check = createHash("sha256").update(body).digest("hex").slice(0, 16);
    await writeFile(`${path}.journal`, `${body},"check":"${check}"}\n`);
    await expect(openHere()).rejects.toThrow(
      `${path}.journal: schema: expected 1, got 2; another version of exacta has begun it`,
    );
  });

  test("Damage of a block is refused with its lines", async () => {
    const path = await leave("stopped");
    await writeFile(path, WHOLE.replace("again", "agaim"));
    await expect(openHere()).rejects.toThrow(`${path}: lines 2 to 3: digest: expected `);
    expect(await names()).toHaveLength(2);
  });
});

/** Opens a part that was damaged: it is refused by the name of its file, or continued with blocks that are whole. */
async function compareHealed(what: string): Promise<"healed" | "refused"> {
  let part: Part;
  try {
    part = await openHere();
  } catch (error) {
    expect(error, what).toBeInstanceOf(RequestError);
    expect((error as RequestError).path[0], what).toContain(folder);
    return "refused";
  }
  const blocks = part.earlier?.next ?? 0;
  if (blocks > 0) expect(part.earlier, what).toMatchObject(answeredBy(blocks));
  expect(await readFile(part.path, "utf8"), what).toBe(BLOCKS.slice(0, blocks).join(""));
  expect(await finished(part), what).toBe(WHOLE);
  return "healed";
}

/** Damages each of the two files of a part at every `step`th byte, and returns what comes of it. */
async function damageEach(
  step: number,
  end: "killed" | "stopped",
  damage: (file: string, bytes: Buffer, at: number) => Promise<void>,
): Promise<{ readonly part: string[]; readonly journal: string[] }> {
  await restore([]);
  const path = await leave(end);
  const files = await filesOf(path);
  const outcomes = { part: [] as string[], journal: [] as string[] };
  for (const [file, bytes] of files)
    for (let at = 0; at < bytes.length; at += step) {
      await restore(files);
      await damage(file, bytes, at);
      outcomes[file === path ? "part" : "journal"].push(await compareHealed(`${file}, byte ${at}`));
    }
  return outcomes;
}

const flip = (file: string, bytes: Buffer, at: number) =>
  writeFile(
    file,
    bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
  );
const cut = (file: string, _: Buffer, at: number) => truncate(file, at);

type Write = (
  this: FileHandle,
  bytes: Uint8Array,
  from: number,
  length: number,
  position: number,
) => Promise<unknown>;

/** Lets a call of FileHandle.write fail after half of its bytes, and later ones if `andAfter`; returns their number. */
async function failAt(call: number, andAfter: boolean, work: () => Promise<void>): Promise<number> {
  const probe = await open(join(folder, "probe"), "w");
  const handles = Object.getPrototypeOf(probe) as { write: Write };
  await probe.close();
  await rm(join(folder, "probe"));
  const { write } = handles;
  let calls = 0;
  handles.write = async function failing(this: FileHandle, bytes, from, length, position) {
    const fails = calls === call || (andAfter && calls > call);
    calls++;
    if (!fails) return write.call(this, bytes, from, length, position);
    await write.call(this, bytes, from, length >> 1, position);
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { syscall: "write" });
  };
  try {
    await work();
  } finally {
    handles.write = write;
  }
  return calls;
}

test.each([true, false])(
  "A disk that is full at any write loses no whole block and mixes none, also if it stays full: %s",
  async (andAfter) => {
    const writeAll = async () => {
      const part = await openHere();
      try {
        await write(part);
      } catch (error) {
        await part.keep();
        throw error;
      }
      await part.finish();
    };
    const total = await failAt(Infinity, false, writeAll);
    expect(total).toBe(1 + 2 * BLOCKS.length);
    for (let call = 0; call < total; call++) {
      await restore([]);
      await expect(failAt(call, andAfter, writeAll).then(String)).rejects.toThrow(
        /solutions\.\w+\.part\.jsonl(\.journal)?: ENOSPC/,
      );
      const part = await openHere();
      expect(part.earlier?.next ?? 0, `write ${call}`).toBe(Math.max(0, (call - 1) >> 1));
      expect(await finished(part), `write ${call}`).toBe(WHOLE);
      expect(await names()).toEqual(["solutions.jsonl"]);
    }
  },
);

describe("Damage of a part", () => {
  test("A flipped bit of a part that was stopped is always refused", async () => {
    const { part, journal } = await damageEach(29, "stopped", flip);
    expect([...new Set([...part, ...journal])]).toEqual(["refused"]);
  });

  test("A flipped bit of a part whose process was killed costs no more than its last block", async () => {
    const { part, journal } = await damageEach(7, "killed", flip);
    const last = Math.ceil((WHOLE.length - BLOCKS.at(-1)!.length) / 7);
    expect(part.map((outcome, k) => (outcome === "healed") === k >= last)).not.toContain(false);
    expect([...new Set(journal)]).toEqual(["refused"]);
  });

  test("A file that was cut off is healed", async () => {
    const { part, journal } = await damageEach(29, "stopped", cut);
    expect([...new Set([...part, ...journal])]).toEqual(["healed"]);
  });

  test(
    "A flipped bit of every fifth byte of a killed run, of every 13th one of a stopped run, and every 13th cut is healed or refused",
    { tags: ["wide"], timeout: 600_000 },
    async () => {
      for (const end of ["killed", "stopped"] as const)
        for (const damage of [flip, cut]) {
          // A killed run and a stopped one differ in how their files end.
          const step = damage === flip && end === "killed" ? 5 : 13;
          const { part, journal } = await damageEach(step, end, damage);
          expect(part).toHaveLength(Math.ceil(WHOLE.length / step));
          expect(journal.length).toBeGreaterThan(1000 / step);
        }
    },
  );

  test("Bytes behind the last block are dropped", async () => {
    const path = await leave("stopped");
    await appendFile(path, "more");
    await appendFile(`${path}.journal`, '{"bytes":');
    expect(await compareHealed("more")).toBe("healed");
  });
});
