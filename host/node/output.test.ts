import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { printable } from "./formats/printable.ts";
import { outputOf, printError } from "./output.ts";

let printed: string;

beforeEach(() => {
  printed = "";
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Shows progress once a second, with these numbers of units done, and returns what is printed. */
function show(progress: "auto" | "json", total: number | undefined, done: readonly number[]): string {
  const shown = outputOf({ progress }).progress({ unit: "trials", total });
  for (const count of done) {
    shown.update(count);
    vi.advanceTimersByTime(1000);
  }
  shown.stop();
  return printed;
}

/** 0, `step`, 2 `step`, ... below `count` steps. */
const steps = (step: number, count: number) => Array.from({ length: count }, (_, i) => i * step);

test("Progress without a terminal is a plain line every 5 seconds", () => {
  expect(show("auto", 1e7, steps(1_234_567, 9))).toBe(
    "61 % | 6,172,835 of 10,000,000 trials | 1.23M trials/s | 3 s left\n",
  );
  expect(show("auto", 1e7, steps(1000, 12)).split("\n").slice(1)).toEqual([
    "0 % | 5,000 of 10,000,000 trials | 1K trials/s | 2 h 46 min left",
    "0 % | 10,000 of 10,000,000 trials | 1K trials/s | 2 h 46 min left",
    "",
  ]);
});

test("Progress of an unknown number of units has neither a percentage nor a time left", () => {
  expect(show("auto", undefined, steps(10, 6))).toBe("50 trials | 10 trials/s\n");
});

test("A line has no time left where there is no pace", () => {
  expect(show("auto", 100, steps(0, 6))).toBe("0 % | 0 of 100 trials | 0 trials/s\n");
});

test("The pace is that of the last samples, and that of a further attempt starts anew", () => {
  const slower = [...steps(100, 40), ...steps(1, 40).map((more) => 4000 + more)];
  expect(show("auto", undefined, slower).trimEnd().split("\n").at(-1)).toBe("4,035 trials | 1 trials/s");
  printed = "";
  expect(
    show("auto", undefined, [...steps(100, 9), ...steps(5, 9)])
      .trimEnd()
      .split("\n")
      .at(-1),
  ).toBe("30 trials | 5 trials/s");
});

test("Progress as JSON is an object a second, and one at the end", () => {
  const shown = outputOf({ progress: "json" }).progress({ unit: "trials", total: 1000 });
  for (const done of [0, 100, 200, 300]) {
    shown.update(done);
    vi.advanceTimersByTime(600);
  }
  shown.stop();
  expect(
    printed
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object),
  ).toEqual([
    { kind: "progress", unit: "trials", done: 0, total: 1000, perSecond: 0 },
    { kind: "progress", unit: "trials", done: 200, total: 1000, perSecond: 167, secondsLeft: 5 },
    { kind: "progress", unit: "trials", done: 300, total: 1000, perSecond: 125, secondsLeft: 6 },
  ]);
});

test("With --quiet there is no progress, and warnings have the form of the others", () => {
  const output = outputOf({ progress: "json", quiet: true });
  const shown = output.progress({ unit: "trials", total: 1 });
  shown.update(1);
  shown.stop();
  output.note("a note");
  output.warn("a warning");
  expect(printed).toBe('{"kind":"note","text":"a warning"}\n');
});

test("The time that is left follows the share of the work, where units take different times", () => {
  const shown = outputOf({ progress: "json" }).progress({ unit: "trials", total: 1000 });
  // The first 900 trials are a tenth of the work, which takes 10 seconds in all.
  for (const second of [0, 1, 2, 3, 4]) {
    shown.update(second === 0 ? 0 : 900 + 10 * second, second / 10);
    vi.advanceTimersByTime(1000);
  }
  const left = printed
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { secondsLeft?: number }).secondsLeft);
  expect(left).toEqual([undefined, 9, 8, 7, 6]);
});

test("A line of progress on a terminal is shorter than the terminal is wide, and keeps the time that is left", () => {
  const lineOf = (columns: number) => {
    printed = "";
    const { columns: before } = process.stderr;
    process.stderr.columns = columns;
    try {
      return show("auto", 1e7, steps(1_234_567, 9)).trimEnd();
    } finally {
      process.stderr.columns = before;
    }
  };
  expect([66, 65, 43, 17, 10, 4].map(lineOf)).toEqual([
    "61 % | 6,172,835 of 10,000,000 trials | 1.23M trials/s | 3 s left",
    "61 % | 6,172,835 of 10,000,000 trials | 3 s left",
    "61 % | 3 s left",
    "61 % | 3 s left",
    "61 %",
    "",
  ]);
});

describe("Names with control characters", () => {
  const name = "a\u001b[31m\u009b2J\u007f\u202eb\nc\u2066é文😀";
  const escaped = "a\\u001b[31m\\u009b2J\\u007f\\u202eb\\u000ac\\u2066é文😀";

  test("They are escaped in notes, warnings and errors, each of which stays one line", () => {
    const output = outputOf({});
    output.note(name);
    output.warn(name);
    printError([name], []);
    expect(printed).toBe(`${escaped}\n`.repeat(3));
  });

  test("They are escaped in text, whose lines stay lines", () => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    outputOf({}).text("one\u001b[2J\ntwo\u202e\n");
    expect(write).toHaveBeenCalledExactlyOnceWith("one\\u001b[2J\ntwo\\u202e\n");
  });

  test("They are escaped in JSON, which has the same value", () => {
    const json = printable(JSON.stringify({ name }));
    // oxlint-disable-next-line no-control-regex
    expect(json).not.toMatch(/[\0-\x1f\x7f-\x9f\u202e\u2066]/);
    expect(JSON.parse(json)).toEqual({ name });
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    outputOf({ json: true }).finding({ name });
    expect(write).toHaveBeenCalledExactlyOnceWith(`${json}\n`);
  });

  test("The lines of a stack trace stay lines", () => {
    printError(["Error: x", "    at main"], []);
    expect(printed).toBe("Error: x\n    at main\n");
    printed = "";
    printError(["Error: x", "    at main"], ["--progress=json"]);
    expect(JSON.parse(printed)).toEqual({ kind: "error", text: "Error: x\n    at main" });
  });
});
