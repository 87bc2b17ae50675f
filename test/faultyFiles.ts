// A file system that fails: a process is killed at one of its calls, the machine loses its power, or the disk is full.

import { linkSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { nodeFiles, type FileSystem, type NewFile } from "../host/node/platform/fileSystem.ts";

/** What a call does. `file` is the file or folder that it changes. */
export interface Call {
  readonly name:
    | "makeFolder"
    | "create"
    | "append"
    | "truncate"
    | "sync"
    | "rename"
    | "remove"
    | "syncFolder";
  readonly file: string;
}

/** An error of the system with its code. */
export const systemError = (code: string): Error => Object.assign(new Error(`${code}: planted`), { code });

export class Killed extends Error {}

export interface FaultyFiles {
  readonly fileSystem: FileSystem;
  /** The calls so far, in order. */
  readonly calls: readonly Call[];
  /** Loses what is not synced: content, and names where `names` says so. */
  readonly losePower: (names: boolean) => Promise<void>;
  /** Closes all files. */
  readonly end: () => Promise<void>;
}

/**
 * @param fault Answers, for each call by its index, an error that it ends with, or undefined. The first call that fails has done
 * its work where `done` is 1, and an append has written the share `done` of its content. Later ones that fail have done nothing.
 */
export function faultyFiles(fault: (index: number, call: Call) => Error | undefined, done = 0): FaultyFiles {
  const calls: Call[] = [];
  let hasFailed = false;
  const files: { readonly file: NewFile; synced: number }[] = [];
  /** For each folder, what takes back the changes of names that are not synced. */
  const undo = new Map<string, (() => void)[]>();
  const undoing = (file: string, action: () => void) =>
    undo.set(dirname(file), [action, ...(undo.get(dirname(file)) ?? [])]);

  async function run<T>(
    name: Call["name"],
    file: string,
    work: () => Promise<T>,
    begin?: () => Promise<void>,
  ) {
    const call: Call = { name, file };
    const error = fault(calls.push(call) - 1, call);
    if (!error) return work();
    if (!hasFailed) {
      hasFailed = true;
      if (begin) await begin();
      else if (done === 1) await work();
    }
    throw error;
  }

  function wrap(path: string, file: NewFile): NewFile {
    const state = { file, synced: 0 };
    files.push(state);
    let length = 0;
    const append = async (content: string | Uint8Array | Iterable<string>) => {
      const bytes =
        content instanceof Uint8Array
          ? content
          : Buffer.from(typeof content === "string" ? content : [...content].join(""));
      await file.append(bytes);
      length += bytes.length;
    };
    return {
      append: (content) =>
        run(
          "append",
          path,
          () => append(content),
          async () => {
            const bytes = Buffer.from(content as Uint8Array);
            await append(bytes.subarray(0, Math.floor(bytes.length * done)));
          },
        ),
      truncate: (to) =>
        run("truncate", path, async () => {
          await file.truncate(to);
          length = to;
          state.synced = Math.min(state.synced, to);
        }),
      sync: () =>
        run("sync", path, async () => {
          await file.sync();
          state.synced = length;
        }),
      close: () => Promise.resolve(),
    };
  }

  const fileSystem: FileSystem = {
    makeFolder: (folder) => run("makeFolder", folder, () => nodeFiles.makeFolder(folder)),
    create: (path) =>
      run("create", path, async () => {
        const file = wrap(path, await nodeFiles.create(path));
        undoing(path, () => rmSync(path));
        return file;
      }),
    rename: (from, to) =>
      run("rename", to, async () => {
        const before = `${to}.before`;
        rmSync(before, { force: true });
        try {
          linkSync(to, before);
          undoing(to, () => (linkSync(to, from), renameSync(before, to)));
        } catch {
          undoing(to, () => renameSync(to, from));
        }
        await nodeFiles.rename(from, to);
      }),
    remove: (path) => run("remove", path, () => nodeFiles.remove(path)),
    syncFolder: (folder) =>
      run("syncFolder", folder, async () => {
        await nodeFiles.syncFolder(folder);
        undo.delete(folder);
      }),
  };
  return {
    fileSystem,
    calls,
    async losePower(names) {
      for (const { file, synced } of files) await file.truncate(synced);
      if (names) for (const action of [...undo.values()].flat()) action();
    },
    async end() {
      for (const { file } of files) await file.close();
    },
  };
}

/** Ends the process at call `index`: this call and all later ones fail. */
export const killAt = (index: number) => (at: number) =>
  at >= index ? new Killed(`killed at call ${index}`) : undefined;
