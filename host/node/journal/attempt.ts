// One attempt to count a sweep, which writes a journal of its own. A journal survives a kill at any moment.

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import path from "node:path";
import { RequestError } from "../../../src/errors.ts";
import { isDyadic } from "../../../src/ranges.ts";
import { addTally } from "../../../src/tally.ts";
import { makeFolders, unfinishedPath } from "../formats/files.ts";
import { nodeFiles, type FileSystem, type NewFile } from "../platform/fileSystem.ts";
import { configurationDigest } from "./configuration.ts";
import {
  FIRST_CHECKSUM,
  JOURNAL_FOLDER,
  lineOf,
  rangeLineOf,
  readAttempt,
  SCHEMA,
  type AttemptDescription,
  type JournalEvent,
  type JournalHeader,
  type Line,
  type Parts,
  type PartRange,
} from "./format.ts";
import { sumsOf, type RangeSums } from "./sums.ts";

/** A journal could not be written. What was on the disk before is kept, and the next flush tries again. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly file: string;

  constructor(file: string, cause: unknown) {
    super(`${file}: the journal cannot be written: ${(cause as Error).message}`, { cause });
    this.file = file;
  }
}

/** The bytes that a journal has at most before it is replaced by a snapshot. */
const MAX_FILE_BYTES = 64 * 2 ** 20;

/** For tests: where files are, and how many bytes a journal has at most before it is replaced by a snapshot. */
export interface AttemptInternals {
  readonly fileSystem?: FileSystem;
  readonly maxBytes?: number;
}

/** A file with the number of its bytes and the checksum of its last line. */
interface Written {
  readonly file: NewFile;
  readonly bytes: number;
  readonly checksum: string;
}

/** What waits for the next flush. */
interface Pending {
  readonly events: readonly JournalEvent[];
  readonly ranges: Iterable<PartRange>;
}

export class Attempt {
  /** The path of the journal. */
  readonly file: string;
  readonly header: JournalHeader;
  readonly #parts: Parts;
  readonly #fileSystem: FileSystem;
  #maxBytes: number;
  #events: JournalEvent[] = [];
  #sums: ReadonlyMap<string, RangeSums>;
  /** All that is written. */
  #written: Written;
  /** What is known to be on the disk. */
  #durable: Written;
  /** Whether a flush failed, so that there may be more in the file than is known. */
  #isTorn = false;
  #flushing: Promise<void> = Promise.resolve();

  private constructor(
    file: string,
    header: JournalHeader,
    parts: Parts,
    written: Written,
    { fileSystem, maxBytes }: Required<AttemptInternals>,
  ) {
    this.file = file;
    this.header = header;
    this.#parts = parts;
    this.#fileSystem = fileSystem;
    this.#maxBytes = maxBytes;
    this.#sums = sumsOf(parts, false);
    this.#written = written;
    this.#durable = written;
  }

  /**
   * Begins a journal in the folder `journal` of a results folder, which is made where it is missing.
   * @param parts The parts of the configuration.
   * @throws {RequestError} The folder or the file cannot be made.
   */
  static async open(
    folder: string,
    description: AttemptDescription,
    parts: Parts,
    { fileSystem = nodeFiles, maxBytes = MAX_FILE_BYTES }: AttemptInternals = {},
  ): Promise<Attempt> {
    const journals = path.join(folder, JOURNAL_FOLDER);
    const token = randomBytes(8).toString("hex");
    const file = path.join(journals, `${description.shard.replace("/", "of")}-${token}.jsonl`);
    const header: JournalHeader = {
      kind: "journal",
      schema: SCHEMA,
      digest: configurationDigest(description.configuration),
      host: hostname(),
      started: new Date().toISOString(),
      ...description,
    };
    try {
      await makeFolders(journals, fileSystem);
      const written = await create(fileSystem, file, [(checksum) => lineOf(checksum, header)]);
      await fileSystem.syncFolder(journals);
      return new Attempt(file, header, parts, written, { fileSystem, maxBytes });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new RequestError(
        "out",
        "a folder that can be written",
        folder,
        [`${file}: ${code ?? String(error)}`, "choose another with --out"],
        { cause: error },
      );
    }
  }

  /**
   * Takes the tally of a range of trials. It is in the journal after the next flush.
   * @throws {RangeError} unit * 2^j trials at a multiple of them are expected, or the beginning of a unit.
   * @throws {ContradictionError} The range waits already, with other words.
   */
  add({ part, first, count, words }: Omit<PartRange, "words"> & { readonly words: ArrayLike<number> }): void {
    const { unit, layout } = this.#parts[part]!;
    if (!isDyadic(unit, { first, count }))
      throw new RangeError(`trials ${first}..${first + count - 1} are no dyadic range of units of ${unit}`);
    const copy = new Float64Array(layout.length);
    addTally(layout, copy, words);
    this.#sums.get(part)!.insert({ first, count }, copy, [this.file]);
  }

  /** Takes a sentence about a retry, a fallback or another thing that happened. It is in the journal after the next flush. */
  event(event: string): void {
    this.#events.push({ event, at: new Date().toISOString() });
  }

  /**
   * Writes what was added, and resolves when it is on the disk.
   * @throws {JournalError} It cannot be written. It then waits for the next flush.
   */
  flush(): Promise<void> {
    const flush = () => this.#flush();
    this.#flushing = this.#flushing.then(flush, flush);
    return this.#flushing;
  }

  /**
   * Writes what was added and closes the journal, even where writing fails.
   * @throws {JournalError} It cannot be written.
   */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#written.file.close();
    }
  }

  async #flush(): Promise<void> {
    const events = this.#events;
    const sums = this.#sums;
    const ranges = [...sums.values()].flatMap((one) => [...one.ranges()]);
    if (events.length === 0 && ranges.length === 0) return;
    this.#events = [];
    this.#sums = sumsOf(this.#parts, false);
    try {
      await this.#write({ events, ranges });
    } catch (error) {
      this.#events.unshift(...events);
      for (const range of ranges) this.#sums.get(range.part)!.insert(range, range.words, [this.file]);
      throw error instanceof RequestError ? error : new JournalError(this.file, error);
    }
  }

  async #write(pending: Pending): Promise<void> {
    if (this.#isTorn) await this.#durable.file.truncate(this.#durable.bytes);
    this.#isTorn = true;
    this.#written = this.#durable;
    for (const seal of sealers(pending)) {
      let line = seal(this.#written.checksum);
      if (this.#written.bytes + line.bytes.length > this.#maxBytes) {
        await this.#replace();
        // Where sums save less than half, the file grows, so that snapshots stay rare.
        this.#maxBytes = Math.max(this.#maxBytes, 2 * (this.#written.bytes + line.bytes.length));
        line = seal(this.#written.checksum);
      }
      this.#written = await append(this.#written, line);
    }
    await this.#written.file.sync();
    this.#durable = this.#written;
    this.#isTorn = false;
  }

  /** Replaces the file by a snapshot of it: the same header, events and trials, in the fewest ranges. */
  async #replace(): Promise<void> {
    const sums = sumsOf(this.#parts, true);
    const add = (range: PartRange) => sums.get(range.part)!.insert(range, range.words, [this.file]);
    const { events } = (await readAttempt(this.file, () => ({ parts: this.#parts, add })))!;
    const ranges = [...sums.values()].flatMap((one) => [...one.ranges()]);
    const { file } = this.#written;
    this.#written = await this.#snapshot({ events, ranges });
    this.#durable = this.#written;
    await file.close();
    await this.#fileSystem.syncFolder(path.dirname(this.file));
  }

  /** Writes a file with this content in place of the journal. A name must not show a file whose content is not on the disk. */
  async #snapshot(content: Pending): Promise<Written> {
    const unfinished = unfinishedPath(this.file);
    const header = (checksum: string) => lineOf(checksum, this.header);
    const written = await create(this.#fileSystem, unfinished, [header, ...sealers(content)]);
    try {
      await this.#fileSystem.rename(unfinished, this.file);
      return written;
    } catch (error) {
      await written.file.close();
      await this.#fileSystem.remove(unfinished).catch(() => {});
      throw error;
    }
  }
}

/** Makes a line that follows a line with this checksum. */
type Sealer = (checksum: string) => Line;

/** The lines of a content one by one, since all of them together may be large. */
function* sealers({ events, ranges }: Pending): Generator<Sealer> {
  for (const event of events) yield (checksum) => lineOf(checksum, event);
  for (const range of ranges) yield (checksum) => rangeLineOf(checksum, range);
}

/** Creates a file with these lines, which are then on the disk. Where that fails, it leaves none. */
async function create(fileSystem: FileSystem, path: string, lines: Iterable<Sealer>): Promise<Written> {
  const file = await fileSystem.create(path);
  try {
    let written: Written = { file, bytes: 0, checksum: FIRST_CHECKSUM };
    for (const seal of lines) written = await append(written, seal(written.checksum));
    await file.sync();
    return written;
  } catch (error) {
    await file.close();
    await fileSystem.remove(path).catch(() => {});
    throw error;
  }
}

async function append({ file, bytes }: Written, line: Line): Promise<Written> {
  await file.append(line.bytes);
  return { file, bytes: bytes + line.bytes.length, checksum: line.checksum };
}
