// Where the measurements of GPUs are kept.

/** Keeps one text between runs. It may forget it: measurements are then made again. */
export interface Store {
  /** The text; undefined if there is none. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

/** A store that lasts as long as the program. */
export function memoryStore(text?: string): Store {
  return {
    read: async () => text,
    write: async (fresh) => void (text = fresh),
  };
}
