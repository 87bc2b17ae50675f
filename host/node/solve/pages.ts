// Memory that threads share and use again, since memory that is new to the process costs time and collections of garbage.

/** Pages of one size. */
export class Pages {
  readonly #bytes: number;
  readonly #free: SharedArrayBuffer[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  take(): SharedArrayBuffer {
    return this.#free.pop() ?? new SharedArrayBuffer(this.#bytes);
  }

  /** Gives a page back that nothing reads any more. */
  give(page: SharedArrayBuffer): void {
    this.#free.push(page);
  }
}
