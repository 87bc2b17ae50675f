// Input files, and result files: checked before anything runs, and written completely or not at all.

import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { RequestError } from "../../../src/errors.ts";
import { readFile, rm, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { nodeFiles, type FileSystem } from "../platform/fileSystem.ts";

/**
 * The bytes of a file.
 * @param field The operand or option that names it.
 * @throws {RequestError} where it cannot be read.
 */
export async function readBytes(path: string, field = "file"): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RequestError(field, "a readable file", path, code);
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

/** The name of a file that is not complete yet. No other process uses it, be it on another machine or in another container. */
export const unfinishedPath = (file: string): string => `${file}.${randomBytes(8).toString("hex")}.tmp`;

/** How often a folder is made again when a process that failed removes it. */
const MAX_TRIES = 10;

/**
 * Makes the folders of a path that are missing, also while other processes make or remove them, and answers those that it has
 * made, innermost first. Where it fails, it leaves none behind.
 */
export async function makeFolders(folder: string, fileSystem: FileSystem = nodeFiles): Promise<string[]> {
  const made: string[] = [];
  for (let tries = 1; ; tries++) {
    try {
      // Made one by one from the top, since a recursive mkdir never returns in a file system such as /proc.
      for (const missing of missingFolders(folder)) {
        await fileSystem.makeFolder(missing).then(() => made.unshift(missing), unless("EEXIST"));
        await fileSystem.syncFolder(path.dirname(missing));
      }
      return made;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT" && tries < MAX_TRIES) continue;
      await removeFolders(made);
      throw error;
    }
  }
}

/** Removes empty folders. Another process may have put files into one meanwhile, or removed it. */
async function removeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => {});
}

/** Throws an error again unless it has this code. */
const unless = (code: string) => (error: unknown) => {
  if ((error as NodeJS.ErrnoException).code !== code) throw error;
};

/**
 * Makes a folder and its parents, for files of these names.
 * @param field The option that names it.
 * @throws {RequestError} where the files cannot be written there; no folder is then left behind.
 */
export async function prepareFolder(folder: string, names: readonly string[], field = "out"): Promise<void> {
  let made: string[] = [];
  try {
    made = await makeFolders(folder);
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    for (const name of names)
      if (statSync(path.join(folder, name), { throwIfNoEntry: false })?.isDirectory())
        throw Object.assign(new Error(), { code: `${name} is a folder` });
    // Only a file shows whether files can be written: Windows answers questions about rights without looking at them.
    const probe = unfinishedPath(path.join(folder, "probe"));
    await writeFile(probe, "", { flag: "wx" });
    await rm(probe);
  } catch (error) {
    await removeFolders(made);
    const { code } = error as NodeJS.ErrnoException;
    throw new RequestError(
      field,
      "a folder that can be written",
      folder,
      `${code}, choose another with --${field}`,
    );
  }
}

/**
 * Makes the folder of one file.
 * @param field The option that names it.
 * @throws {RequestError} where the file cannot be written, or is one of the `inputs`.
 */
export async function prepareFile(file: string, inputs: readonly string[], field = "out"): Promise<void> {
  if (inputs.some((input) => path.resolve(input) === path.resolve(file)))
    throw new RequestError(field, "another file than what is read", file);
  await prepareFolder(path.dirname(file), [], field);
  if (file === "" || statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new RequestError(field, "a file that can be written", file, `name one with --${field}`);
}

/**
 * Writes the files of one run into a folder by their names. Each is complete and on the disk before its name shows it. Files of
 * an earlier run are removed, the last name first, before the first file is replaced: at any moment, the folder has files of one
 * run only.
 * @throws {RequestError} An earlier file cannot be replaced, as on Windows while another program has it open. The new file is
 * then complete under another name, which the error says, and the other files are written.
 */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array | Iterable<string>>>,
  fileSystem: FileSystem = nodeFiles,
): Promise<void> {
  // The folder may have been removed during the run.
  await makeFolders(folder, fileSystem);
  const unfinished: { readonly file: string; readonly from: string }[] = [];
  try {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(folder, name);
      unfinished.push({ file, from: unfinishedPath(file) });
      await writeDurably(unfinished.at(-1)!.from, content, fileSystem);
    }
  } catch (error) {
    for (const { from } of unfinished) await fileSystem.remove(from);
    throw error;
  }
  const replaced = unfinished.slice(1).toReversed();
  // An earlier file that cannot be removed cannot be replaced either, which is reported below.
  for (const { file } of replaced) await fileSystem.remove(file).catch(() => {});
  if (replaced.length > 0) await fileSystem.syncFolder(folder);
  let refusal: RequestError | undefined;
  for (const { file, from } of unfinished) {
    try {
      await fileSystem.rename(from, file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      refusal ??= new RequestError("out", "a file that no other program has open", file, [
        code ?? String(error),
        `the new one is complete in ${from}`,
      ]);
    }
  }
  await fileSystem.syncFolder(folder);
  if (refusal) throw refusal;
}

/** Creates a file and resolves when its content is on the disk. */
async function writeDurably(
  file: string,
  content: string | Uint8Array | Iterable<string>,
  fileSystem: FileSystem,
): Promise<void> {
  const created = await fileSystem.create(file);
  try {
    await created.append(content);
    await created.sync();
  } finally {
    await created.close();
  }
}
