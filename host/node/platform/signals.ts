// Ctrl-C, and what asks a command to end in its place.

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** Milliseconds in which a signal is the first one once more: npm and others pass on what the terminal has sent to all. */
const SAME = 1000;

/**
 * Calls `stop` at the first signal that asks the process to end; a later one ends it at once.
 * @returns What has signals end the process again.
 */
export function onSignal(stop: () => void): () => void {
  let first: number | undefined;
  const handle = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      first = performance.now();
      stop();
    } else if (performance.now() - first >= SAME) {
      forget();
      process.kill(process.pid, signal);
    }
  };
  const forget = () => SIGNALS.forEach((name) => process.off(name, handle));
  for (const name of SIGNALS) process.on(name, handle);
  return forget;
}
