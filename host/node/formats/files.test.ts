import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, win32 } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import { missingFolders, prepareFolder, writeFiles } from "./files.ts";

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
