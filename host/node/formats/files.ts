// Input files, and result files: checked before anything runs, and written completely or not at all.

import { existsSync, statSync } from "node:fs";
import { RequestError } from "../../../src/errors.ts";
import { access, constants, mkdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

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

/**
 * Makes a folder and its parents, for files of these names.
 * @throws {RequestError} where the files cannot be written there; no folder is then left behind.
 */
export async function prepareFolder(folder: string, names: readonly string[]): Promise<void> {
  const made: string[] = [];
  try {
    // Made one by one from the top, since a recursive mkdir never returns in a file system such as /proc.
    const missing: string[] = [];
    for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.unshift(path);
    for (const path of missing) {
      await mkdir(path);
      made.unshift(path);
    }
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    for (const name of names)
      if (statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory())
        throw Object.assign(new Error(), { code: `${name} is a folder` });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    for (const path of made) await rmdir(path);
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
export async function prepareFile(path: string, inputs: readonly string[]): Promise<void> {
  if (inputs.some((input) => resolve(input) === resolve(path)))
    throw new RequestError("out", "another file than what is read", path);
  await prepareFolder(dirname(path), []);
  if (path === "" || statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new RequestError("out", "a file that can be written", path, "name one with --out");
}

/** Writes files into a folder by their names. An earlier file is replaced once the new one is complete. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array | Iterable<string>>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    const unfinished = `${path}.${process.pid}.tmp`;
    try {
      await writeFile(unfinished, content);
      await rename(unfinished, path);
    } finally {
      await rm(unfinished, { force: true });
    }
  }
}
