// The few functions that change files which must survive a crash. Tests put others in their place, which fail at a given call.

import { mkdir, open, rename, rm, writeFile, type FileHandle } from "node:fs/promises";

/** A file that this process has created and is writing. */
export interface NewFile {
  /** Writes at the end of the file. Where it fails, the file may have a part of the content. */
  readonly append: (content: string | Uint8Array | Iterable<string>) => Promise<void>;
  readonly truncate: (length: number) => Promise<void>;
  /** Resolves when the content is on the disk. */
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface FileSystem {
  /** Makes one folder, which must not exist. */
  readonly makeFolder: (folder: string) => Promise<void>;
  /** Creates a file, which must not exist. */
  readonly create: (file: string) => Promise<NewFile>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Removes a file, which may be missing. */
  readonly remove: (file: string) => Promise<void>;
  /** Resolves when the names in a folder are on the disk. */
  readonly syncFolder: (folder: string) => Promise<void>;
}

export const nodeFiles: FileSystem = {
  async makeFolder(folder) {
    await mkdir(folder);
  },
  async create(file) {
    // What is appended after a truncation follows the end of the file, and not the place of the write that failed.
    const handle = await open(file, "ax");
    return {
      append: (content) => writeFile(handle, content),
      truncate: (length) => handle.truncate(length),
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  rename,
  remove: (file) => rm(file, { force: true }),
  async syncFolder(folder) {
    let handle: FileHandle | undefined;
    try {
      handle = await open(folder, "r");
      await handle.sync();
    } catch (error) {
      // Windows opens no folder, and some file systems of networks sync none.
      if (!UNSYNCED.has((error as NodeJS.ErrnoException).code)) throw error;
    } finally {
      await handle?.close();
    }
  },
};

/** The codes of systems that cannot sync a folder. */
const UNSYNCED: ReadonlySet<string | undefined> = new Set(["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP"]);
