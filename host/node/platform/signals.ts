// Signals that ask the process to end, such as Ctrl-C.

/** SIGHUP says that the terminal is closed. Linux has no SIGBREAK, which Windows sends for Ctrl-Break; Windows has no SIGTERM. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"] as const;
/** Signals within this time count as one: the terminal sends Ctrl-C to all processes, and npm passes it on once more. */
const REPEAT_INTERVAL_MS = 1000;

export interface SignalWatch {
  /** Aborted by the first signal that asks the process to end. */
  readonly stop: AbortSignal;
  /** Restores the default, by which signals end the process. A signal that has come before ends it now. */
  readonly release: () => void;
}

/** Watches signals until they are released. The first one aborts `stop`; one that comes later ends the process at once. */
export function watchSignals(): SignalWatch {
  const stop = new AbortController();
  let first: { readonly name: NodeJS.Signals; readonly at: number } | undefined;
  const forget = () => SIGNALS.forEach((name) => process.off(name, handle));
  const end = (name: NodeJS.Signals) => {
    forget();
    process.kill(process.pid, name);
  };
  const handle = (name: NodeJS.Signals) => {
    if (first === undefined) {
      first = { name, at: performance.now() };
      stop.abort();
    } else if (performance.now() - first.at >= REPEAT_INTERVAL_MS) end(name);
  };
  for (const name of SIGNALS) process.on(name, handle);
  return { stop: stop.signal, release: () => (first === undefined ? forget() : end(first.name)) };
}
