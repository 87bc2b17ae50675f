// Input files, and result files: checked before anything runs, and written completely or not at all.

import { existsSync, statSync } from "node:fs";
import { RequestError } from "../../../src/errors.ts";
import { mkdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * The bytes of a file.
 * @throws {RequestError} where it cannot be read.
 */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RequestError("file", "a readable file", path, code);
  }
}

/** The folders of a path that do not exist, outermost first. On Windows the root may be missing: a drive, or a server. */
export function missingFolders(
  folder: string,
  rules: Pick<typeof path, "resolve" | "dirname"> = path,
  exists: (folder: string) => boolean = existsSync,
): string[] {
  const missing: string[] = [];
  for (let at = rules.resolve(folder); !exists(at); at = rules.dirname(at)) {
    missing.unshift(at);
    if (rules.dirname(at) === at) break;
  }
  return missing;
}

/** The name of a file that is not complete yet. No other process uses it. */
const unfinishedPath = (file: string) => `${file}.${process.pid}.tmp`;

/**
 * Makes a folder and its parents, for files of these names.
 * @throws {RequestError} where the files cannot be written there; no folder is then left behind.
 */
export async function prepareFolder(folder: string, names: readonly string[]): Promise<void> {
  const made: string[] = [];
  try {
    // Made one by one from the top, since a recursive mkdir never returns in a file system such as /proc.
    for (const missing of missingFolders(folder)) {
      await mkdir(missing);
      made.unshift(missing);
    }
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    for (const name of names)
      if (statSync(path.join(folder, name), { throwIfNoEntry: false })?.isDirectory())
        throw Object.assign(new Error(), { code: `${name} is a folder` });
    // Only a file shows whether files can be written: Windows answers questions about rights without looking at them.
    const probe = unfinishedPath(path.join(folder, "probe"));
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    for (const folder of made) await rmdir(folder);
    const { code } = error as NodeJS.ErrnoException;
    throw new RequestError(
      "out",
      "a folder that can be written",
      folder,
      `${code}, choose another with --out`,
    );
  }
}

/**
 * Makes the folder of one file.
 * @throws {RequestError} where the file cannot be written, or is one of the `inputs`.
 */
export async function prepareFile(file: string, inputs: readonly string[]): Promise<void> {
  if (inputs.some((input) => path.resolve(input) === path.resolve(file)))
    throw new RequestError("out", "another file than what is read", file);
  await prepareFolder(path.dirname(file), []);
  if (file === "" || statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new RequestError("out", "a file that can be written", file, "name one with --out");
}

/**
 * Writes files into a folder by their names. An earlier file is replaced once the new one is complete.
 * @throws {RequestError} An earlier file cannot be replaced, as on Windows while another program has it open. The new file is
 * then complete under another name, which the error says, and the other files are written.
 */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array | Iterable<string>>>,
): Promise<void> {
  let refusal: RequestError | undefined;
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    const unfinished = unfinishedPath(file);
    try {
      await writeFile(unfinished, content);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    try {
      await rename(unfinished, file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      refusal ??= new RequestError("out", "a file that no other program has open", file, [
        code ?? String(error),
        `the new one is complete in ${unfinished}`,
      ]);
    }
  }
  if (refusal) throw refusal;
}
