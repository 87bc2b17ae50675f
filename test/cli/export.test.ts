// exacta export as files: what is written, and what is refused.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onnxModel } from "../../src/export/onnx.ts";
import { prunedNetwork } from "../../src/export/pruned.ts";
import { namedTensors } from "../../src/export/tensors.ts";
import { readSafetensors } from "../../src/import/safetensors.ts";
import { decodeTicket } from "../../src/ticket/file.ts";
import { callCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-export-"));
  const network = { bits: 2, activationBits: 3, layers: [{ weights: [[4, -1]] }, { weights: [[-3]] }] };
  await writeFile(join(folder, "network.json"), JSON.stringify(network));
  await exacta("ticket network.json --out ticket --engine reference --quiet");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const exacta = (words: string) => callCommand(words, folder);

test.each(["", " --collapsed"])("Both forms of a ticket are written%s", async (collapsed) => {
  const { ticket } = decodeTicket(await readFile(join(folder, "ticket")));
  const network = prunedNetwork(ticket, collapsed !== "");
  const count = network.layers
    .flatMap(({ tensors }) => Object.values(tensors))
    .reduce((sum, { values }) => sum + values.length, 0);
  const text = expect.stringMatching(
    new RegExp(
      `^out: 2 nodes, ${count} ${collapsed ? "weights\\n" : "random weights, of which \\d+ are kept\\n"}$`,
    ),
  );
  expect(await exacta(`export ticket --to onnx${collapsed} --out out`)).toEqual({
    status: 0,
    stdout: text,
    stderr: "",
  });
  expect(new Uint8Array(await readFile(join(folder, "out")))).toEqual(onnxModel(network));
  expect(await exacta(`export ticket --to safetensors${collapsed} --out out`)).toEqual({
    status: 0,
    stdout: text,
    stderr: "",
  });
  const { tensors, metadata } = readSafetensors(await readFile(join(folder, "out")));
  expect(tensors.map(({ name, values }) => [name, Array.from(values())])).toEqual(
    namedTensors(network).map(({ name, values }) => [name, Array.from(values)]),
  );
  expect(JSON.parse(metadata["exacta"] as string)).toMatchObject({ seed: "1", collapsed: collapsed !== "" });
});

test("An exported file is no network: every command that reads one asks for the ticket", async () => {
  await writeFile(join(folder, "inputs.csv"), "1,2\n");
  for (const form of ["onnx", "safetensors"]) {
    await exacta(`export ticket --to ${form} --out exported`);
    for (const words of [
      "forward exported --inputs inputs.csv",
      "verify ticket --network exported",
      "ticket exported --out new",
    ])
      expect([words, await exacta(words)]).toEqual([
        words,
        {
          status: 2,
          stdout: "",
          stderr:
            "exported: file: expected a network, got an exported ticket; give the ticket itself, which exacta export has read\n",
        },
      ]);
  }
});

test("A file that is no ticket or a damaged one is refused, and nothing is written", async () => {
  const file = await readFile(join(folder, "ticket"));
  await writeFile(join(folder, "short"), file.subarray(0, -1));
  const before = await readdir(folder);
  expect(await exacta("export network.json --to onnx --out new")).toEqual({
    status: 2,
    stdout: "",
    stderr: 'file: expected an exacta ticket, got "network.json"\n',
  });
  const damaged = await exacta("export short --to onnx --out new");
  expect(damaged).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^short: data: expected \d+ bytes, got \d+\n$/),
  });
  expect(await exacta("export ticket --to onnx --out ticket")).toMatchObject({
    status: 2,
    stderr: 'out: expected another file than what is read, got "ticket"\n',
  });
  expect(await readdir(folder)).toEqual(before);
});
