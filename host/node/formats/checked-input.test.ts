import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CheckedInput, type InputPlace } from "./checked-input.ts";

const TEXT = "first\n\nthird\r\nfourth";

/** The place of a line of a text by its definition: the end of the input ends a line as a line feed does. */
function placeIn(text: string, line: number): InputPlace {
  const through = text.split("\n").slice(0, line).join("\n") + "\n";
  return { line, bytes: through.length, digest: createHash("sha256").update(through).digest("hex") };
}

/** The chunks of a text, each `size` bytes long. */
async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}

async function* listed(places: readonly InputPlace[]): AsyncGenerator<InputPlace, undefined, undefined> {
  yield* places;
}

/** Reads a text in chunks and compares it with places; answers with the places of the lines that end in each chunk. */
async function read(text: string, size: number, earlier: readonly InputPlace[] = []): Promise<InputPlace[]> {
  const input = new CheckedInput(listed(earlier), (line) => new Error(`differs after line ${line}`));
  const places: InputPlace[] = [];
  let line = 0;
  let before = "";
  for await (const chunk of input.read(chunksOf(text, size))) {
    before += Buffer.from(chunk).toString();
    while (line < before.split("\n").length - 1) places.push(input.chunk.placeOf(++line));
  }
  if (!text.endsWith("\n")) places.push(input.chunk.placeOf(line + 1));
  return places;
}

describe("Places in an input", () => {
  test.each([1, 2, 5, 100])("The places in chunks of %i bytes are those of whole lines", async (size) => {
    expect(await read(TEXT, size)).toEqual([1, 2, 3, 4].map((line) => placeIn(TEXT, line)));
  });

  test("The place of a line is the same whether or not places before it were asked for", async () => {
    const input = new CheckedInput(listed([]), () => new Error());
    for await (const _ of input.read(chunksOf(TEXT, 100)));
    expect(input.chunk.placeOf(3)).toEqual(placeIn(TEXT, 3));
    expect(input.chunk.placeOf(3)).toEqual(placeIn(TEXT, 3));
  });
});

describe("An input that is read again", () => {
  const earlier = [1, 3, 4].map((line) => placeIn(TEXT, line));

  test.each([TEXT, `${TEXT}\n`, `${TEXT}\nfifth`])("The input %j is handed out whole", async (text) => {
    for (const size of [1, 3, 100]) {
      const input = new CheckedInput(listed(earlier), (line) => new Error(`differs after line ${line}`));
      let whole = "";
      for await (const chunk of input.read(chunksOf(text, size))) whole += Buffer.from(chunk).toString();
      expect(whole).toBe(text);
      if (text === TEXT) expect(input.chunk.placeOf(4)).toEqual(placeIn(TEXT, 4));
    }
  });

  test.each<[string, number]>([
    ["First\n\nthird\r\nfourth", 0],
    ["first\n\nThird\r\nfourth", 1],
    ["first\n\n\nthird\r\nfourth", 1],
    ["first\n\nthird\r\nFourth", 3],
    [`${TEXT} and more`, 3],
    ["first\n\nthird\r\n", 3],
    ["first\n\nthi", 1],
    ["", 0],
  ])("The input %j is refused after its last equal line", async (text, line) => {
    for (const size of [1, 3, 100])
      await expect(read(text, size, earlier)).rejects.toThrow(`differs after line ${line}`);
  });
});
