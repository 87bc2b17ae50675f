import { afterEach, expect, test, vi } from "vitest";
import { onSignal } from "./signals.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("The first signal stops, its echo does nothing, and a later signal ends the process", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  const listeners = process.listenerCount("SIGINT");
  const stop = vi.fn<() => void>();
  const forget = onSignal(stop);
  process.emit("SIGINT", "SIGINT");
  vi.advanceTimersByTime(900);
  process.emit("SIGTERM", "SIGTERM");
  expect(stop).toHaveBeenCalledOnce();
  expect(kill).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  process.emit("SIGINT", "SIGINT");
  expect(stop).toHaveBeenCalledOnce();
  expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, "SIGINT");
  // The handler is gone, so the signal has its default effect.
  expect(process.listenerCount("SIGINT")).toBe(listeners);
  forget();
});

test("Signals are released afterwards", () => {
  const stop = vi.fn<() => void>();
  const other = vi.fn<() => void>();
  process.once("SIGTERM", other);
  onSignal(stop)();
  process.emit("SIGTERM", "SIGTERM");
  expect(other).toHaveBeenCalledOnce();
  expect(stop).not.toHaveBeenCalled();
});
