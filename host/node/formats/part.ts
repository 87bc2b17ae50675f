// The part of a file of findings that is written so far. It has a random name until it is complete, and a journal beside it with
// a digest of every block, so that a later run continues behind the last whole one. Processes share no part: one that continues
// the part of another copies it first, since the other may still be writing.

import { createHash, randomBytes, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { Described, RequestError } from "../../../src/errors.ts";
import { nodeFiles } from "../platform/fileSystem.ts";
import type { InputPlace } from "./checked-input.ts";

/** What a part answers: a value for each field of the request. Undefined ones are left out. */
export type PartRequest = Readonly<Record<string, unknown>>;

/** How far the instances of an input are answered: counts from the first instance on. */
export interface Answered {
  /** Instances with findings, their findings, and those of them that are reachable. */
  readonly instances: number;
  readonly findings: number;
  readonly reachable: number;
  /** The index of the first instance that is not answered; those before it without findings were left out. */
  readonly next: number;
  /** The end of the last answered instance in the input. */
  readonly input: InputPlace;
}

/** A line of a journal: a block of the part ends here, and every finding before it is whole. */
interface Mark extends Answered {
  /** The bytes of the part through this block. */
  readonly bytes: number;
  /** SHA-256 of the block, in hexadecimal digits. */
  readonly digest: string;
  /** The bytes of the part that were on the disk for certain when this line was written. */
  readonly synced: number;
}

/** The first line of a journal. */
interface Header {
  readonly kind: "solve";
  readonly schema: number;
  readonly request: PartRequest;
}

/** Changes when a journal of an older version can no longer be read. */
const SCHEMA = 1;
const TOKEN_BYTES = 8;
const CHECK_DIGITS = 16;
const PIECE_BYTES = 2 ** 20;
/** A crash of the machine loses about as much work. */
const SYNC_INTERVAL_MS = 5000;

const REMEDY = "choose another folder with --out, or delete";

/** A part that this process writes. */
export class Part {
  /** How far an earlier run has answered; undefined where there is nothing to continue. */
  earlier: Answered | undefined;
  readonly path: string;
  readonly #final: string;
  readonly #needless: readonly string[];
  readonly #file: FileHandle;
  readonly #journal: FileHandle;
  #block: Hash = createHash("sha256");
  #bytes = 0;
  #marked = 0;
  #answered: Answered | undefined;
  #synced = 0;
  #check = "";
  #journalBytes = 0;
  #syncedAt = performance.now();
  #syncing: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    final: string,
    needless: readonly string[],
    file: FileHandle,
    journal: FileHandle,
  ) {
    this.path = path;
    this.#final = final;
    this.#needless = needless;
    this.#file = file;
    this.#journal = journal;
  }

  /**
   * Makes an empty part for the file `name` of a folder.
   * @param needless Other parts, which are deleted when this one is complete.
   */
  static async create(
    folder: string,
    name: string,
    request: PartRequest,
    needless: readonly string[],
  ): Promise<Part> {
    const file = newPath(folder, name);
    const part = new Part(
      file,
      path.join(folder, name),
      needless,
      // No other process opens these names: the files must not exist.
      await open(file, "wx+"),
      await open(journalOf(file), "wx"),
    );
    try {
      await part.#log({ kind: "solve", schema: SCHEMA, request });
      await nodeFiles.syncFolder(folder);
    } catch (error) {
      await part.discard();
      throw error;
    }
    return part;
  }

  /** Whether nothing is written. */
  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  async append(text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    this.#block.update(bytes);
    await writeAt(this.#file, this.path, bytes, this.#bytes);
    this.#bytes += bytes.length;
  }

  /** Ends a block: what is appended so far answers whole instances. */
  async mark({ instances, findings, reachable, next, input }: Answered): Promise<void> {
    const answered: Answered = { instances, findings, reachable, next, input };
    const block = { bytes: this.#bytes, digest: this.#block.digest("hex"), synced: this.#synced };
    this.#block = createHash("sha256");
    await this.#log({ ...block, ...answered });
    this.#marked = block.bytes;
    this.#answered = answered;
  }

  /** Drops the bytes since the last mark. */
  async rewind(): Promise<void> {
    await this.#file.truncate(this.#marked);
    this.#bytes = this.#marked;
    this.#block = createHash("sha256");
  }

  /** Whether something has been written for some seconds and may not be on the disk. */
  get isSyncDue(): boolean {
    return this.#synced < this.#bytes && performance.now() - this.#syncedAt >= SYNC_INTERVAL_MS;
  }

  /** Brings what is written to the disk every few seconds, while more is being written. */
  async syncWhenDue(): Promise<void> {
    if (!this.isSyncDue) return;
    await this.#syncing;
    this.#syncing = this.sync();
    // Its error is thrown by the next one.
    this.#syncing.catch(() => {});
  }

  async sync(): Promise<void> {
    this.#syncedAt = performance.now();
    const bytes = this.#bytes;
    await naming(this.path, this.#file.datasync());
    await naming(journalOf(this.path), this.#journal.datasync());
    this.#synced = bytes;
  }

  /** Gives the part its final name, by which it replaces an earlier file, and deletes the parts that it makes needless. */
  async finish(): Promise<void> {
    await this.#syncing;
    await this.sync();
    await this.#rename();
    await nodeFiles.syncFolder(path.dirname(this.#final));
    await this.#close();
    await rm(journalOf(this.path), { force: true });
    for (const other of this.#needless) await removePart(other);
  }

  /** Leaves the part for a later run, if there is something in it to continue. */
  async keep(): Promise<void> {
    try {
      await this.#syncing;
      if (this.#answered) {
        await this.rewind();
        await this.sync();
        // An empty block says that everything before it is on the disk.
        await this.mark(this.#answered);
        await this.sync();
      }
    } finally {
      await this.#close();
      if (!this.#answered) await removePart(this.path);
    }
  }

  /** Deletes the part. */
  async discard(): Promise<void> {
    await this.#close();
    await removePart(this.path);
  }

  async #log(line: Header | Mark): Promise<void> {
    const body = JSON.stringify(line).slice(0, -1);
    const check = checkOf(this.#check, body);
    const bytes = Buffer.from(`${body},"check":"${check}"}\n`);
    await writeAt(this.#journal, journalOf(this.path), bytes, this.#journalBytes);
    // A line that was not written whole is written over by the next one.
    this.#check = check;
    this.#journalBytes += bytes.length;
  }

  async #rename(): Promise<void> {
    try {
      await rename(this.path, this.#final);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      // Another run has copied the part and deleted its name. The open file still has every byte.
      const copy = newPath(path.dirname(this.#final), path.basename(this.#final));
      const file = await open(copy, "wx");
      try {
        let position = 0;
        for await (const piece of piecesOf(this.#file, 0, this.#bytes)) {
          await writeAt(file, copy, piece, position);
          position += piece.length;
        }
        await naming(copy, file.datasync());
        await rename(copy, this.#final);
      } finally {
        await file.close();
        await rm(copy, { force: true });
      }
    }
  }

  async #close(): Promise<void> {
    await this.#file.close();
    await this.#journal.close();
  }
}

/**
 * Opens a part for the file `name` of a folder. It begins with a copy of the longest part that an earlier run of the same
 * request has left there, without a torn end; that part is then deleted.
 * @throws {RequestError} for a part of another request, and for one that is damaged before its end.
 * @throws The reason of the signal, if it aborts before the part is copied.
 */
export async function openPart(
  folder: string,
  name: string,
  request: PartRequest,
  signal: AbortSignal,
): Promise<Part> {
  const others = await partsOf(folder, name);
  let longest: { readonly path: string; readonly last: Mark } | undefined;
  for (const other of others) {
    const last = await lastMark(other, request);
    if (last && last.next > (longest?.last.next ?? 0)) longest = { path: other, last };
  }
  const part = await Part.create(folder, name, request, others);
  try {
    if (longest) {
      part.earlier = await copyBlocks(longest.path, longest.last.synced, part, signal);
      await part.sync();
    }
  } catch (error) {
    await part.discard();
    throw error;
  }
  if (part.earlier) await removePart(longest!.path);
  return part;
}

/** The places of the input at which the blocks of a part end, up to the last one of an earlier run. */
export async function* placesOf({
  path,
  earlier,
}: Pick<Part, "path" | "earlier">): AsyncGenerator<InputPlace, undefined, undefined> {
  if (!earlier) return;
  for await (const { input, next } of marksOf(path)) {
    yield input;
    if (next === earlier.next) return;
  }
}

/** The last mark of the part of an earlier run; undefined where there is nothing to continue. */
async function lastMark(part: string, request: PartRequest): Promise<Mark | undefined> {
  try {
    // A process that is killed after it has renamed its part leaves the journal alone.
    await (await open(part)).close();
    let last: Mark | undefined;
    for await (const mark of marksOf(part, (earlier) => compareRequests(part, earlier, request))) last = mark;
    return last;
  } catch (error) {
    // Another run has just taken the part.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** @throws {RequestError} for the first field by which a request differs from that of a part. */
function compareRequests(part: string, earlier: PartRequest, request: PartRequest): void {
  for (const name of new Set([...Object.keys(earlier), ...Object.keys(request)])) {
    const [before, now] = [earlier[name], request[name]];
    // A run that stopped at a line that is malformed may go on without that line.
    if (JSON.stringify(before) === JSON.stringify(now) || (name === "keepGoing" && before === false))
      continue;
    throw new RequestError(
      name,
      `${JSON.stringify(before) ?? "nothing"}, with which ${part} was begun`,
      now,
      `${REMEDY} this file`,
    );
  }
}

/**
 * Appends the blocks of another part to a new one.
 * @param synced The bytes of the other part that were on the disk for certain.
 * @returns How far the copied blocks answer the input; undefined where none is whole.
 */
async function copyBlocks(
  from: string,
  synced: number,
  part: Part,
  signal: AbortSignal,
): Promise<Answered | undefined> {
  const file = await open(from);
  let last: Mark | undefined;
  let damage: RequestError | undefined;
  let [bytes, lines] = [0, 0];
  try {
    for await (const mark of marksOf(from)) {
      signal.throwIfAborted();
      const block = createHash("sha256");
      const firstLine = lines + 1;
      for await (const piece of piecesOf(file, bytes, mark.bytes)) {
        bytes += piece.length;
        for (let at = -1; (at = piece.indexOf(LINE_FEED, at + 1)) >= 0;) lines++;
        block.update(piece);
        if (!damage) await part.append(piece);
      }
      if (bytes < mark.bytes) break;
      const digest = block.digest("hex");
      const isWhole = digest === mark.digest;
      if (!isWhole) damage ??= damaged(from, `lines ${firstLine} to ${lines}`, "digest", mark.digest, digest);
      // A crash of the machine may cost the end of a file. Damage before bytes that are whole has another cause.
      if (damage && (isWhole || mark.bytes <= synced)) throw damage;
      if (damage) continue;
      await part.mark(mark);
      last = mark;
    }
  } finally {
    await file.close();
  }
  await part.rewind();
  return last;
}

function damaged(file: string, lines: string, what: string, digest: string, found?: string): RequestError {
  const remedy = `the file is damaged there; ${REMEDY} it, and its findings are computed again`;
  return new RequestError(what, digest, found && new Described(found), remedy).at(lines).at(file);
}

const LINE_FEED = 10;

/** The bytes of a file from one position to another, in pieces; fewer where the file ends. A piece lasts until the next one. */
async function* piecesOf(
  file: FileHandle,
  from: number,
  to: number,
): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(PIECE_BYTES, to - from)));
  for (let position = from; position < to;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - position), position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * The marks of a part. A torn last line of its journal is left out.
 * @param onHeader Called with the request of the part before its first mark.
 * @throws {RequestError} for a line that is damaged, and for a journal that another version has written.
 */
async function* marksOf(
  part: string,
  onHeader: (request: PartRequest) => void = () => {},
): AsyncGenerator<Mark, void, undefined> {
  const journal = journalOf(part);
  let check = "";
  let number = 0;
  for await (const line of wholeLines(journal)) {
    number++;
    const [, body = line, found] = /^(.*),"check":"([^"]*)"\}$/.exec(line) ?? [];
    check = checkOf(check, body);
    if (found !== check) throw damaged(journal, `line ${number}`, "check", check, found);
    const value = JSON.parse(`${body}}`) as Header | Mark;
    if (!("schema" in value)) yield value;
    else if (value.schema === SCHEMA) onHeader(value.request);
    else
      throw new RequestError("schema", String(SCHEMA), value.schema, [
        "another version of exacta has begun it",
        `${REMEDY} this file`,
      ]).at(journal);
  }
}

/** The lines of a file that end with a line feed. */
async function* wholeLines(file: string): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const text of createReadStream(file, { encoding: "utf8" }) as AsyncIterable<string>) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** The checksum of a line of a journal, which holds for the lines before it as well. */
function checkOf(before: string, body: string): string {
  return createHash("sha256").update(before).update(body).digest("hex").slice(0, CHECK_DIGITS);
}

/** A new name for a part of the file `name`: solutions.jsonl has the parts solutions.<token>.part.jsonl. */
function newPath(folder: string, name: string): string {
  const { name: stem, ext } = path.parse(name);
  return path.join(folder, `${stem}.${randomBytes(TOKEN_BYTES).toString("hex")}.part${ext}`);
}

/** The parts of the file `name` in a folder, and those of which only the journal is left. */
async function partsOf(folder: string, name: string): Promise<string[]> {
  const { name: stem, ext } = path.parse(name);
  const pattern = new RegExp(`^(${stem}\\.[0-9a-f]{${2 * TOKEN_BYTES}}\\.part\\${ext})(\\.journal)?$`);
  const parts = (await readdir(folder)).flatMap((file) => pattern.exec(file)?.[1] ?? []);
  return [...new Set(parts)].map((part) => path.join(folder, part));
}

const journalOf = (part: string) => `${part}.journal`;

/** Deletes a part with its journal. On Windows it stays while another process has it open. */
async function removePart(part: string): Promise<void> {
  for (const file of [part, journalOf(part)]) await rm(file, { force: true }).catch(() => {});
}

/** Writes bytes at a position of a file, all of them. */
async function writeAt(file: FileHandle, path: string, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const writing = file.write(bytes, done, bytes.length - done, position + done);
    done += (await naming(path, writing)).bytesWritten;
  }
}

/** Waits for a call of the system, whose error does not name the file by itself, such as a full disk. */
async function naming<T>(path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw Object.assign(new Error(`${path}: ${error.message}`, { cause: error }), { syscall: "write" });
  }
}
