// The files beside a model: which are read, and which are not.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { externalBytes, FLOAT, modelBytes, type ModelData } from "../../../test/onnx.ts";
import { externalFiles, readNetworkFile } from "./network.ts";

const folder = mkdtempSync(join(tmpdir(), "exacta-beside-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "model", "weights"), { recursive: true });
const beside = join(folder, "model");

const model: ModelData = {
  version: 18,
  input: "x",
  inputShape: ["N", 2],
  nodes: [{ operator: "MatMul", inputs: ["x", "W"], outputs: ["y"] }],
  initializers: { W: { type: FLOAT, shape: [2, 2], values: [1, -2, 0.5, 0.25] } },
  outputs: ["y"],
};

describe("Files beside a model", () => {
  test.each(["net.onnx.data", "weights/net.data"])(
    "The weights in %s are those of the model",
    async (name) => {
      writeFileSync(join(beside, "net.onnx"), modelBytes(model, name));
      writeFileSync(join(beside, name), externalBytes(model));
      const options = { targetBits: 3 };
      const { network } = await readNetworkFile(join(beside, "net.onnx"), options);
      expect(network).toMatchObject({ layers: [{ weights: Int32Array.of(4, 2, -8, 1) }] });
    },
  );

  test("A read takes the bytes from an offset on", () => {
    writeFileSync(join(beside, "five"), Uint8Array.of(1, 2, 3, 4, 5));
    expect(Array.from(externalFiles(beside)("five", 1, 3))).toEqual([2, 3, 4]);
  });

  writeFileSync(join(folder, "secret"), "secret");
  execFileSync("mkfifo", [join(beside, "pipe")]);
  test.each<[string, string, number, string]>([
    [
      "outside by two dots",
      "../secret",
      1,
      'external data: expected a file below the folder of the model, got "../secret"',
    ],
    ["outside by dots within", "weights/../../secret", 1, "a file below the folder of the model"],
    ["outside by its whole path", join(folder, "secret"), 1, "a file below the folder of the model"],
    ["on a drive", "c:secret", 1, "a file below the folder of the model"],
    [
      "that is missing",
      "none",
      1,
      `${beside}/none: expected a readable file, got "ENOENT"; it belongs to the model`,
    ],
    ["that is a folder", "weights", 1, 'expected 1 bytes from byte 2, got "no file"'],
    ["that is a pipe", "pipe", 1, 'expected 1 bytes from byte 2, got "no file"'],
    [
      "that is too short",
      "five",
      4,
      'five: expected 4 bytes from byte 2, got "5 bytes in all"; the file is cut off',
    ],
  ])("A file %s is refused", (_, location, length, message) => {
    expect(() => externalFiles(beside)(location, 2, length)).toThrow(message);
  });
});
