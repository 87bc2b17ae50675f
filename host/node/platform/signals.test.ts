import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchSignals } from "./signals.ts";

/** The listeners of other test files that share the process: signals of these tests are none of their business. */
const others = new Map<NodeJS.Signals, readonly NodeJS.SignalsListener[]>();

beforeEach(() => {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    others.set(name, process.listeners(name));
    process.removeAllListeners(name);
  }
});

afterEach(() => {
  for (const [name, listeners] of others) {
    process.removeAllListeners(name);
    for (const listener of listeners) process.on(name, listener);
  }
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("The first signal stops, its echo does nothing, and a later signal ends the process", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  const listeners = process.listenerCount("SIGINT");
  const { stop } = watchSignals();
  expect(stop.aborted).toBe(false);
  process.emit("SIGINT", "SIGINT");
  expect(stop.aborted).toBe(true);
  vi.advanceTimersByTime(900);
  process.emit("SIGTERM", "SIGTERM");
  expect(kill).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  process.emit("SIGINT", "SIGINT");
  expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, "SIGINT");
  // The handler is gone, so the signal has its default effect.
  expect(process.listenerCount("SIGINT")).toBe(listeners);
});

test("A signal after the release does not stop", () => {
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  const other = vi.fn<() => void>();
  process.once("SIGTERM", other);
  const { stop, release } = watchSignals();
  release();
  process.emit("SIGTERM", "SIGTERM");
  expect(other).toHaveBeenCalledOnce();
  expect(stop.aborted).toBe(false);
  expect(kill).not.toHaveBeenCalled();
});

test("A signal before the release ends the process when it is released", () => {
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  const { release } = watchSignals();
  process.emit("SIGHUP", "SIGHUP");
  expect(kill).not.toHaveBeenCalled();
  release();
  expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, "SIGHUP");
});
