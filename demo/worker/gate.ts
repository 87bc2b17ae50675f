// A gate that holds back asynchronous work while it is closed.

export interface Gate {
  /** Resolves when the gate is open. */
  readonly passed: () => Promise<void>;
  readonly set: (open: boolean) => void;
  /** The milliseconds for which the gate was closed until now. */
  readonly closedMilliseconds: () => number;
}

/** An open gate. */
export function gate(): Gate {
  let closedAt: number | undefined;
  let milliseconds = 0;
  let waiting: (() => void)[] = [];
  const closedMilliseconds = () => milliseconds + (closedAt === undefined ? 0 : performance.now() - closedAt);
  return {
    async passed() {
      // It may be closed again before those who wait go on.
      while (closedAt !== undefined) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    set(open) {
      if (!open) {
        closedAt ??= performance.now();
        return;
      }
      milliseconds = closedMilliseconds();
      closedAt = undefined;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    closedMilliseconds,
  };
}
