// Signals that ask a command to end, such as Ctrl-C.

/** Windows has no SIGTERM. It sends SIGBREAK for Ctrl-Break, and SIGHUP when the terminal is closed. */
const SIGNALS =
  process.platform === "win32"
    ? (["SIGINT", "SIGBREAK", "SIGHUP"] as const)
    : (["SIGINT", "SIGTERM"] as const);
/** Signals within this time count as one: the terminal sends Ctrl-C to all processes, and npm passes it on once more. */
const REPEAT_INTERVAL_MS = 1000;

/**
 * Calls `stop` at the first signal that asks the process to end; a later signal ends the process at once.
 * @returns A function that restores the default, by which signals end the process.
 */
export function onSignal(stop: () => void): () => void {
  let first: number | undefined;
  const handle = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      first = performance.now();
      stop();
    } else if (performance.now() - first >= REPEAT_INTERVAL_MS) {
      forget();
      process.kill(process.pid, signal);
    }
  };
  const forget = () => SIGNALS.forEach((name) => process.off(name, handle));
  for (const name of SIGNALS) process.on(name, handle);
  return forget;
}
