import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, win32 } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import { faultyFiles, killAt, systemError } from "../../../test/faultyFiles.ts";
import { nodeFiles } from "../platform/fileSystem.ts";
import { makeFolders, missingFolders, prepareFolder, writeFiles } from "./files.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exacta-files-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  [String.raw`Z:\results\today`, [], ["Z:\\", String.raw`Z:\results`, String.raw`Z:\results\today`]],
  [String.raw`C:\a\b`, ["C:\\", String.raw`C:\a`], [String.raw`C:\a\b`]],
  [String.raw`\\server\share\x`, [], ["\\\\server\\share\\", String.raw`\\server\share\x`]],
  ["C:\\", ["C:\\"], []],
])(
  "On Windows the folders of %s that are missing, where %j exist, end at the root",
  (path, existing, missing) => {
    expect(missingFolders(path, win32, (folder) => existing.includes(folder))).toEqual(missing);
  },
);

test("A folder is made with its parents, and nothing else is left in it", async () => {
  await prepareFolder(join(folder, "a/b"), ["results.csv"]);
  expect(new Set(readdirSync(folder, { recursive: true, encoding: "utf8" }))).toEqual(
    new Set(["a", join("a", "b")]),
  );
});

test("A file that cannot be replaced is kept under the name that the error says, and the others are written", async () => {
  // A folder with a file in it stands for a file that another program has open: neither can be replaced.
  mkdirSync(join(folder, "b.csv"));
  writeFileSync(join(folder, "b.csv/open"), "");
  const written = writeFiles(folder, { "a.csv": "a", "b.csv": "b", "c.csv": "c" });
  await expect(written).rejects.toThrow(RequestError);
  const message = await written.catch((error: Error) => error.message);
  expect(message).toMatch(
    /^out: expected a file that no other program has open, got ".*b\.csv"; E\w+; the new one is/,
  );
  expect(readFileSync(/complete in (.*)$/.exec(message as string)![1]!, "utf8")).toBe("b");
  expect(readFileSync(join(folder, "a.csv"), "utf8")).toBe("a");
  expect(readFileSync(join(folder, "c.csv"), "utf8")).toBe("c");
});

test("A folder that eight calls prepare at once is prepared by all, 20 times", async () => {
  for (let round = 0; round < 20; round++) {
    const shared = join(folder, String(round), "a/b");
    await Promise.all(Array.from({ length: 8 }, () => prepareFolder(shared, ["results.csv"])));
    expect(readdirSync(shared)).toEqual([]);
  }
});

test("Folders are made again where another process removes them meanwhile", async () => {
  let removed = 0;
  const made = join(folder, "a/b/c");
  await makeFolders(made, {
    ...nodeFiles,
    async makeFolder(path) {
      if (path === made && removed++ < 3) rmSync(join(folder, "a"), { recursive: true });
      await nodeFiles.makeFolder(path);
    },
  });
  expect(removed).toBe(4);
  expect(existsSync(made)).toBe(true);
});

test("A folder that cannot be made leaves none of its parents behind, and none of the folders of others is removed", async () => {
  const made = join(folder, "a/b/c");
  const failing = makeFolders(made, {
    ...nodeFiles,
    makeFolder: (path) => (path === made ? Promise.reject(systemError("EIO")) : nodeFiles.makeFolder(path)),
  });
  await expect(failing).rejects.toThrow(/EIO/);
  expect(readdirSync(folder)).toEqual([]);
  mkdirSync(join(folder, "a/b"), { recursive: true });
  await expect(prepareFolder(join(folder, "a/b/c\0"), [])).rejects.toThrow(RequestError);
  expect(existsSync(join(folder, "a/b"))).toBe(true);
});

const set = (run: string) => ({ "results.jsonl": run, "results.csv": run, "report.html": [run] });

test("Files reach the disk before their names, and those of an earlier run are removed before, the last name first", async () => {
  await writeFiles(folder, set("first"));
  const { fileSystem, calls, end } = faultyFiles(() => undefined);
  await writeFiles(folder, set("second"), fileSystem);
  await end();
  expect(
    calls.map(({ name, file }) => `${name} ${file.slice(folder.length + 1).replace(/\.[0-9a-f]{16}/, "")}`),
  ).toEqual([
    ...["results.jsonl", "results.csv", "report.html"].flatMap((name) => [
      `create ${name}.tmp`,
      `append ${name}.tmp`,
      `sync ${name}.tmp`,
    ]),
    "remove report.html",
    "remove results.csv",
    "syncFolder ",
    "rename results.jsonl",
    "rename results.csv",
    "rename report.html",
    "syncFolder ",
  ]);
  for (const [name, content] of Object.entries(set("second")))
    expect(readFileSync(join(folder, name), "utf8")).toBe([content].flat().join(""));
});

test("After a kill at any call, the files of a set are whole and of one run", async () => {
  let calls = Infinity;
  const runs = new Set<string>();
  for (let kill = 0; kill < calls; kill++) {
    await writeFiles(folder, set("first"));
    const files = faultyFiles(killAt(kill), 1);
    await writeFiles(folder, set("second"), files.fileSystem).catch(() => {});
    await files.end();
    const found = Object.keys(set("")).filter((name) => existsSync(join(folder, name)));
    const contents = new Set(found.map((name) => readFileSync(join(folder, name), "utf8")));
    expect(contents.size, `a kill at call ${kill}`).toBe(1);
    runs.add([...contents].join());
    if (files.calls.length <= kill) calls = kill;
  }
  expect(runs).toEqual(new Set(["first", "second"]));
});

test("A full disk leaves the files of the earlier run and nothing else", async () => {
  await writeFiles(folder, set("first"));
  let appends = 0;
  const { fileSystem, end } = faultyFiles((_, { name }) =>
    name === "append" && ++appends === 2 ? systemError("ENOSPC") : undefined,
  );
  await expect(writeFiles(folder, set("second"), fileSystem)).rejects.toThrow(/ENOSPC/);
  await end();
  expect(readdirSync(folder).toSorted()).toEqual(Object.keys(set("")).toSorted());
  for (const name of Object.keys(set(""))) expect(readFileSync(join(folder, name), "utf8")).toBe("first");
});
