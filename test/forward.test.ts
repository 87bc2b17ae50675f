// Forward passes of networks and tickets: golden networks and tickets give their outputs by either pass on every engine.

import { describe, expect, test } from "vitest";
import { forwardStages, runNetwork } from "../host/experiments/network.ts";
import { pruneToTicket } from "../host/experiments/ticket.ts";
import { forward as defined, readNetwork, withConstant } from "../src/network.ts";
import { keptLayers } from "../src/ticket/kept.ts";
import { passes, ticketStages } from "../src/ticket/passes.ts";
import type { Scheme } from "../src/ticket/scheme.ts";
import { watchedEngines, watchedNames } from "./engines.ts";
import { golden, goldenTicket, targetNetwork } from "./golden.ts";

const names = watchedNames;
const engines = watchedEngines();

const scheme1: Scheme = {
  theorem: 1,
  initialBits: 4,
  bits: 2,
  weightQuantizer: "away",
  zero: false,
  pools: "shared",
  support: false,
  units: [],
  copies: [],
};

describe.each(golden.map((row, k) => [k + 1, row] as const))("Golden network %i", (index, row) => {
  const target = targetNetwork(row);
  const { ticket, random } = goldenTicket(row);
  const size = 2 ** (row.activationBits + 1) + 1;
  const columns = row.widths[0]!;
  // Every input, the last number of it fastest.
  const inputs = Int32Array.from({ length: size ** columns * columns }, (_, i) => {
    const digit = columns - 1 - (i % columns);
    return (Math.floor(Math.floor(i / columns) / size ** digit) % size) - 2 ** row.activationBits;
  });
  const units = row.widths.at(-1)!;
  const count = inputs.length / columns;
  const recorded = { sampled: row.outputs, checksum: row.checksum };
  /** Some outputs, and a checksum of all. */
  function summary(outputs: Float64Array): typeof recorded {
    const step = Math.max(Math.floor(count / 40), 1);
    const sampled = [...outputs].filter((_, at) => Math.floor(at / units) % step === 0);
    const checksum = outputs.reduce(
      (sum, y, at) => sum + y * ((((at % units) * count + Math.floor(at / units)) % 1009) + 1),
      0,
    );
    return { sampled, checksum };
  }

  test.each(["reference", "cpu", "gpu"] as const)(
    `Golden network ${index} and its ticket, by either pass, have the outputs and the checksum on record on %s`,
    async (name) => {
      expect(summary(await runNetwork(engines[name], target, inputs))).toEqual(recorded);
      for (const pass of passes) {
        const stages = ticketStages(keptLayers(ticket, random), target, pass);
        const outputs = await forwardStages(engines[name], stages, inputs);
        expect(summary(outputs), `pass ${pass}`).toEqual(recorded);
      }
    },
  );

  test(`Golden network ${index} has other outputs with another mask`, async () => {
    const masks = ticket.masks.with(
      ticket.masks.length - 1,
      ticket.masks.at(-1)!.map(() => 0),
    );
    for (const pass of passes) {
      const stages = ticketStages(keptLayers({ ...ticket, masks }, random), target, pass);
      const outputs = await forwardStages(engines.cpu, stages, inputs);
      expect(summary(outputs), `pass ${pass}`).not.toEqual(recorded);
    }
  });
});

describe("Forward pass", () => {
  const wide = readNetwork({
    bits: 12,
    activationBits: 12,
    layers: [
      { weights: [Array<number>(100).fill(2 ** 12), Array<number>(100).fill(-(2 ** 12))], biases: [7, 4096] },
      {
        weights: [
          [4096, -4096],
          [4096, 4095],
        ],
      },
      {
        weights: [
          [4096, 4095],
          [-4096, 3],
        ],
      },
    ],
  }).network;

  test(
    "A forward pass takes 64-bit words where sums need them, and inputs without the constant unit",
    { tags: ["wide"] },
    async () => {
      const inputs = Int32Array.from({ length: 300 }, (_, i) => (i < 100 ? 4096 : -4096 + 70 * (i % 99)));
      const wanted = defined(wide, withConstant(wide, 101, inputs));
      expect(Math.max(...wanted) * 4096).toBeGreaterThan(2 ** 31);
      const share: number[] = [];
      for (const name of names)
        expect(
          await runNetwork(engines[name], wide, inputs, {
            onProgress: ({ done, total }) => share.push(done / total),
          }),
          name,
        ).toEqual(wanted);
      expect(share.at(-1)).toBe(1);
    },
  );

  test("A forward pass refuses inputs that are no integers in range, a wrong number of them, and sums beyond 2^53", async () => {
    const engine = engines.cpu;
    await expect(runNetwork(engine, wide, new Int32Array(101))).rejects.toThrow(
      "inputs: expected 100 numbers for each, got 101",
    );
    await expect(runNetwork(engine, wide, new Int32Array(200).fill(-4097, 107))).rejects.toThrow(
      "number 8 of input 2: expected an integer in -4096..4096, got -4097",
    );
    const values = [0.5, NaN, Infinity, null, true, "1", 1n, undefined, [1]];
    for (const [value, shown] of values.map((value, i) => [
      value,
      ["0.5", "NaN", "Infinity", "null", "true", '"1"', "1", "nothing", "[1]"][i],
    ]))
      await expect(
        runNetwork(engine, wide, [
          ...Array<number>(104).fill(0),
          value as number,
          ...Array<number>(95).fill(0),
        ]),
      ).rejects.toThrow(`number 5 of input 2: expected an integer in -4096..4096, got ${String(shown)}`);
    await expect(
      runNetwork(engine, wide, Float64Array.of(...Array<number>(99).fill(1), 0.25)),
    ).rejects.toThrow("number 100 of input 1: expected an integer in -4096..4096, got 0.25");
    for (const inputs of [
      undefined,
      null,
      { length: 100 },
      new DataView(new ArrayBuffer(100)),
      "1".repeat(100),
    ])
      await expect(runNetwork(engine, wide, inputs as unknown as number[])).rejects.toThrow(
        "inputs: expected a list or a typed array of integers",
      );
    const far = { ...wide, layers: wide.layers.map((layer) => ({ ...layer, shift: 0 })) };
    await expect(runNetwork(engine, far, new Int32Array(100))).rejects.toThrow(
      /^layer 3 of the pass: expected sums of at most 9007199254740992, got \d+/,
    );
  });

  test("A ticket has the outputs of its target by either pass and in several batches, and an aborted pass rejects", async () => {
    const bits = 2;
    const { network: target } = readNetwork({
      bits,
      activationBits: 7,
      quantizer: "nearest",
      clamp: true,
      layers: [40, 9, 5].slice(1).map((rows, l) => ({
        weights: Array.from({ length: rows }, (_, r) =>
          Array.from({ length: [40, 9][l]! }, (_, c) => ((r * 5 + c * 3 + l) % 9) - 4),
        ),
        biases: Array.from({ length: rows }, (_, r) => (r % 9) - 4),
      })),
    });
    const inputs = Int32Array.from({ length: 40 * 300 }, (_, i) => ((i * 37) % 257) - 128);
    const wanted = defined(target, withConstant(target, 41, inputs));
    for (const scheme of [
      { ...scheme1, units: [64, 50] },
      { ...scheme1, theorem: 2 as const, units: [70], copies: [24] },
    ]) {
      const { ticket, failures } = await pruneToTicket(engines.cpu, {
        network: target,
        bits,
        scheme,
        seed: 6n,
      });
      expect(failures).toEqual([]);
      for (const pass of passes)
        for (const name of ["cpu", "gpu"] as const)
          expect(
            await runNetwork(engines[name], ticket, inputs, { pass }),
            `pass ${pass} on ${name}`,
          ).toEqual(wanted);
      const stop = new AbortController();
      const stopped = runNetwork(engines.cpu, ticket, inputs, {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      await expect(stopped).rejects.toThrow("abort");
    }
  });
});
