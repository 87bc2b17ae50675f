// Exported tickets before interpreters that share no code with the export. Tensors are run as a graph of random layers, and in
// PyTorch; ONNX models in an interpreter of their operators, in ONNX's reference evaluator and in ONNX Runtime.

import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { pruneToTicket } from "../host/experiments/ticket.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { encodeTensors } from "../host/node/formats/tensors.ts";
import type { Runner } from "../host/runner.ts";
import { onnxModel } from "../src/export/onnx.ts";
import { prunedNetwork, type ExportNetwork } from "../src/export/pruned.ts";
import { describeNetwork, namedTensors } from "../src/export/tensors.ts";
import { isLinear, weightBits } from "../src/graph/model.ts";
import { readGraph } from "../src/graph/read.ts";
import { readModel } from "../src/import/onnx/model.ts";
import { readTensor } from "../src/import/onnx/tensor.ts";
import { readSafetensors } from "../src/import/safetensors.ts";
import { quantizers, readNetwork } from "../src/network.ts";
import type { GraphTicket, Ticket } from "../src/ticket/ticket.ts";
import { graphSchemeFor, schemeFor, type GraphSchemeRequest } from "../src/ticket/width.ts";
import {
  generator,
  oracleGraph,
  randomGraph,
  randomInput,
  type GraphJson,
  type GraphLimits,
  type NodeJson,
} from "./graphs.ts";
import { floats, interpret, type AttributeValue, type ModelData } from "./onnx.ts";

/** A Python with onnx, and perhaps onnxruntime. Named by EXACTA_ONNX, one without onnx is a failure. */
const python = process.env["EXACTA_ONNX"] ?? "python3";
const hasOnnx = (() => {
  try {
    execFileSync(python, ["-c", "import onnx.reference"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

let engine: Runner;
beforeAll(async () => {
  engine = await cpuRunner(2, startThread);
});
afterAll(() => engine.close());

/** A ticket with inputs and what its target gives for them. */
interface Case {
  readonly ticket: Ticket | GraphTicket;
  /** Without the constant unit. */
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
}

async function graphCase(
  random: (range: number) => number,
  json: GraphJson,
  request: GraphSchemeRequest = {},
): Promise<Case> {
  const graph = readGraph(json);
  const bits = graph.nodes.filter(isLinear).map((node) => Math.ceil(weightBits(node) / 2));
  // In depth, theory chooses the widths.
  const widths = request.depthConstruction
    ? {}
    : { bits, initialBits: bits.map((k) => k + 1), units: bits.map(() => 60) };
  const { scheme } = graphSchemeFor(graph, { ...widths, ...request });
  const inputs = Array.from({ length: 4 }, () => randomInput(random, json));
  const outputs = inputs.map((input) => oracleGraph(json, input));
  for (let seed = 1; ; seed++) {
    const { ticket, failures } = await pruneToTicket(engine, { network: graph, scheme, seed });
    if (failures.length === 0) return { ticket, inputs, outputs };
  }
}

/** Tickets of random graphs with layers. @param limits Of the graphs, beside that they are small. */
async function graphCases(
  firstSeed: number,
  count: number,
  limits: GraphLimits = {},
  request: GraphSchemeRequest = {},
): Promise<Case[]> {
  const cases: Case[] = [];
  for (let seed = firstSeed; cases.length < count; seed++) {
    const random = generator(seed);
    const json = randomGraph(random, { bits: 2, channels: 2, side: 4, ...limits });
    const isWanted = limits.attention
      ? json.nodes.some(({ queries, first }) => queries ?? first)
      : json.nodes.some(({ weights }) => weights);
    if (isWanted) cases.push(await graphCase(random, json, request));
  }
  return cases;
}

/** Tickets of random graphs with attention, and of random graphs whose weights are made in depth. */
const attentionCases = (firstSeed: number, count: number) =>
  graphCases(firstSeed, count, { side: 2, attention: true });
const depthCases = (firstSeed: number, count: number) =>
  graphCases(firstSeed, count, { side: 3 }, { depthConstruction: true });

/** y = relu(Q(W x + x)) by a convolution with two groups, and a layer behind it. */
function residual(random: (range: number) => number): GraphJson {
  const weight = () => random(5) - 2;
  const exact = { bits: 1, activationBits: "exact", quantizer: "floor", relu: false, clamp: false } as const;
  const kernel = () => [
    [weight(), weight(), weight()],
    [weight(), weight(), weight()],
  ];
  return {
    input: { shape: [2, 2, 2], activationBits: 1, nonnegative: false },
    nodes: [
      {
        kind: "conv",
        name: "a",
        from: ["input"],
        ...exact,
        stride: [1, 1],
        padding: [1, 1, 0, 1],
        dilation: [1, 1],
        groups: 2,
        weights: [[kernel()], [kernel()]],
        biases: [weight(), weight()],
      },
      {
        kind: "add",
        name: "sum",
        from: ["a", "input"],
        activationBits: 2,
        quantizer: "nearest",
        relu: true,
        clamp: false,
      },
      { kind: "flatten", name: "flat", from: ["sum"] },
      {
        ...exact,
        kind: "dense",
        name: "last",
        from: ["flat"],
        weights: [Array.from({ length: 8 }, weight)],
      },
    ],
  };
}

/** Tickets of version 1 of both theorems, with each quantizer, with and without biases and clamps. */
async function chainCases(): Promise<Case[]> {
  const cases: Case[] = [];
  for (const theorem of [1, 2] as const)
    for (const [i, quantizer] of quantizers.entries()) {
      const random = generator(10 * theorem + i);
      const weights = (rows: number, columns: number) =>
        Array.from({ length: rows }, () => Array.from({ length: columns }, () => random(9) - 4));
      const clamp = i % 2 === 0;
      const biases = i > 1 && { biases: [1, -2, 2] };
      const layers = [
        { weights: weights(3, 2), ...biases },
        { weights: weights(3, 3) },
        // Negative sums tell `floor` from `truncate`.
        {
          weights: [
            [-3, 1, -2],
            [3, -1, 2],
          ],
        },
      ];
      const { network, bits } = readNetwork({ bits: 2, activationBits: 3, quantizer, clamp, layers });
      const { scheme } = schemeFor(network, bits, { theorem });
      const json: GraphJson = {
        input: { shape: [2], activationBits: 3, nonnegative: false },
        nodes: layers.map((layer, l) => ({
          kind: "dense",
          name: `d${l}`,
          from: [l === 0 ? "input" : `d${l - 1}`],
          bits,
          activationBits: 3,
          quantizer,
          relu: l < 2,
          clamp,
          ...layer,
        })),
      };
      const inputs = Array.from({ length: 30 }, () => randomInput(random, json));
      const outputs = inputs.map((input) => oracleGraph(json, input));
      for (let seed = 1; cases.length < 4 * (theorem - 1) + i + 1; seed++) {
        const { ticket, failures } = await pruneToTicket(engine, { network, bits, scheme, seed });
        if (failures.length === 0) cases.push({ ticket, inputs, outputs });
      }
    }
  return cases;
}

let cases: Case[];
/** Those of attention and of weights in depth. */
let deeper: Case[];
beforeAll(async () => {
  const random = generator(7);
  deeper = [...(await attentionCases(0, 8)), ...(await depthCases(0, 4))];
  cases = [
    ...(await chainCases()),
    ...(await graphCases(0, 24)),
    ...deeper,
    await graphCase(random, residual(random), { failure: 0.01, skip: "none" }),
    await graphCase(random, residual(random), { failure: 0.01, skip: "random", units: [14, 60] }),
  ];
}, 120_000);

/** What the constant unit of version 1 adds to an input. */
function withUnit(constant: boolean, activationBits: number, input: readonly number[]): number[] {
  return constant ? [...input, 2 ** activationBits] : [...input];
}

type Nested = number | Nested[];

/** A list of numbers as nested lists. */
function nested(shape: readonly number[], values: readonly number[]): Nested {
  const [size, ...rest] = shape;
  if (size === undefined) return values[0]!;
  const step = values.length / size;
  return Array.from({ length: size }, (_, i) => nested(rest, values.slice(i * step, (i + 1) * step)));
}

/** The description in a file of tensors. */
interface Described {
  readonly input: GraphJson["input"] & { readonly constant: boolean };
  readonly nodes: readonly (Omit<NodeJson, "from" | "size"> & {
    readonly from: number[];
    readonly shape: number[];
    readonly units: number;
    readonly edge: number;
    readonly window?: { size: number[]; stride: number[]; padding: number[]; dilation: number[] };
    readonly epilogue: {
      activationBits: number;
      shift: number;
      quantizer: string;
      relu: boolean;
      clamp: boolean;
    };
  })[];
}

/** The levels of a layer, in their order. */
function levelsOf(
  tensorAt: (level: number) => { readonly shape: readonly number[]; readonly values: number[] } | undefined,
): { readonly rows: number; readonly fan: number; readonly values: number[] }[] {
  const levels = [];
  for (let tensor = tensorAt(1); tensor; tensor = tensorAt(levels.length + 1)) {
    const [rows, fan] = tensor.shape as [number, number];
    levels.push({ rows, fan, values: tensor.values });
  }
  return levels;
}

/** The file of an exported network as a graph whose layers are the random ones, in the form that `oracleGraph` runs. */
function graphOfFile(bytes: Uint8Array): GraphJson & { constant: boolean } {
  const { tensors, metadata } = readSafetensors(bytes);
  const all = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const tensor = (name: string): { shape: readonly number[]; values: number[] } | undefined => {
    const plain = all.get(name) ?? all.get(`${name}_orig`);
    if (!plain) return undefined;
    const mask = all.get(`${name}_mask`)?.values();
    return {
      shape: plain.shape,
      values: Array.from(plain.values(), (value, i) => value * (mask ? mask[i]! : 1)),
    };
  };
  const { input, nodes } = JSON.parse(metadata["exacta"] as string) as Described;
  const names = ["input"];
  const bitsOf = [input.activationBits];
  const channelsOf = [input.shape[0]!];
  const result: NodeJson[] = [];
  for (const { name, kind, window, epilogue, from, shape, units, edge, ...node } of nodes) {
    const reads = from.map((value) => names[value]!);
    const [bits, channels] = [bitsOf[from[0]!]!, channelsOf[from[0]!]!];
    const finest = Math.max(...from.map((value) => bitsOf[value]!));
    const { shift, activationBits, ...rounding } = epilogue;
    // `oracleGraph` computes shifts from the bits of weights, which may be any.
    const rounded = { activationBits, ...rounding, bits: shift + activationBits - bits };
    if (kind === "bilinear" || kind === "product") {
      // Each hidden unit is a column of the first matrix, with the weight of its channel.
      const hidden = tensor(`${name}.hidden.weight`);
      const own = (hidden ?? tensor(`${name}.weight`))!.shape;
      const { shape: sizes, values } = (hidden ? tensor(`${name}.pooled.weight`) : tensor(`${name}.weight`))!;
      const [rows, columns] = sizes as [number, number];
      expect(own[hidden ? 1 : 0]).toBe(hidden ? units : rows);
      const h = columns / channels;
      const first = Array.from({ length: channels }, (_, channel) =>
        Array.from({ length: columns }, (__, column) =>
          Math.floor(column / h) === channel ? (hidden ? hidden.values[column]! : 1) : 0,
        ),
      );
      const second = nested([rows, columns], values) as number[][];
      const isLogits = kind === "bilinear";
      result.push({
        name,
        kind,
        from: reads,
        ...rounded,
        bits: (rounded.bits - (isLogits ? bits : 0)) / 2,
        activationBits,
        ...(isLogits
          ? { queries: first, keys: second }
          : { first, second: second[0]!.map((_, column) => second.map((row) => row[column]!)) }),
      });
    } else if (kind !== "conv" && kind !== "dense") {
      expect(shift).toBe(kind === "add" || kind === "average-pool" ? finest - activationBits : 0);
      result.push({ ...node, ...window, name, kind, from: reads, ...rounding, activationBits });
    } else {
      const taps = kind === "conv" ? window!.size : [];
      const [hidden, pooled] = [tensor(`${name}.hidden.weight`), tensor(`${name}.pooled.weight`)];
      const plain = tensor(`${name}.direct.weight`) ?? tensor(`${name}.weight`);
      const layer = { ...node, ...window, name, kind, ...rounded };
      if (plain) {
        const bias = tensor(`${name}.bias`)?.values;
        result.push({
          ...layer,
          from: reads,
          weights: nested(plain.shape, plain.values),
          ...(bias && { biases: bias }),
        });
      } else {
        const [rows] = shape as [number];
        const skip = tensor(`${name}.hidden.skip`)?.values;
        // A random skip x is relu(x) - relu(-x), two more hidden units.
        const extra = skip ? [1, -1] : [];
        const levels = levelsOf((level) => tensor(`${name}.level${level}.weight`));
        /** The numbers of a channel that the pooled layer reads: hidden units, or rows of the last level. */
        const last = (levels.at(-1)?.rows ?? channels * units) / channels;
        const h = last + extra.length;
        const unitsOf = (channel: number) => [
          ...hidden!.values.slice(channel * units, (channel + 1) * units),
          ...extra,
        ];
        const allUnits = Array.from({ length: channels }, (_, channel) => unitsOf(channel));
        const perGroup = channels / (node.groups ?? 1);
        const count = taps.reduce((a, b) => a * b, 1);
        const center = kind === "conv" ? window!.padding[0]! * taps[1]! + window!.padding[1]! : 0;
        const weights = Array.from({ length: rows }, (_, row) =>
          Array.from({ length: perGroup * h }, (__, unit) => {
            const [channel, q] = [Math.floor(unit / h), unit % h];
            const given = Array.from({ length: count }, (___, tap) =>
              q < last ? pooled!.values[((row * perGroup + channel) * last + q) * count + tap]! : 0,
            );
            if (q >= last && row % perGroup === channel)
              given[center]! += extra[q - last]! * edge * skip![row]!;
            return kind === "conv" ? nested(taps, given) : given[0]!;
          }),
        );
        const constant = tensor(`${name}.hidden.constant`)?.values;
        const constants = levelsOf((level) => tensor(`${name}.level${level}.constant`));
        expect(constants).toHaveLength(constant ? levels.length : 0);
        const ones = constants.reduce(
          (below, { rows: above, fan, values }) =>
            Array.from({ length: above }, (_, row) => {
              const start = Math.floor(row / (above / (below.length / fan))) * fan;
              return below
                .slice(start, start + fan)
                .reduce((sum, unit, edgeIndex) => sum + unit * values[row * fan + edgeIndex]!, 0);
            }).map((sum) => Math.max(sum, 0)),
          (constant ?? []).map((u) => Math.max(u, 0)),
        );
        const pooledConstant = tensor(`${name}.pooled.constant`)?.values;
        const biases =
          constant &&
          Array.from({ length: rows }, (_, row) =>
            ones.reduce((sum, unit, q) => sum + unit * pooledConstant![row * last + q]!, 0),
          );
        const rectified = {
          kind,
          bits: 0,
          activationBits: "exact",
          quantizer: "floor",
          relu: true,
          clamp: false,
        } as const;
        result.push({
          ...rectified,
          name: `${name}.hidden`,
          from: reads,
          groups: channels,
          weights:
            kind === "conv"
              ? allUnits.flat().map((u) => [[[u]]])
              : allUnits.flatMap((own, channel) =>
                  own.map((u) => Array.from({ length: channels }, (_, i) => (i === channel ? u : 0))),
                ),
        });
        let below = channels * units;
        for (const { rows: above, fan, values } of levels) {
          const groups = below / fan;
          result.push({
            ...rectified,
            name: `${name}.rows${above}of${result.length}`,
            from: [result.at(-1)!.name],
            groups,
            weights:
              kind === "conv"
                ? nested([above, fan, 1, 1], values)
                : Array.from({ length: above }, (_, row) =>
                    Array.from({ length: below }, (__, unit) =>
                      Math.floor(unit / fan) === Math.floor(row / (above / groups))
                        ? values[row * fan + (unit % fan)]!
                        : 0,
                    ),
                  ),
          });
          below = above;
        }
        result.push({ ...layer, from: [result.at(-1)!.name], weights, ...(biases && { biases }) });
      }
    }
    names.push(name);
    bitsOf.push(activationBits);
    channelsOf.push(shape[0]!);
  }
  return { input, nodes: result, constant: input.constant };
}

const fileOf = (network: ExportNetwork): Uint8Array =>
  encodeTensors(namedTensors(network), { format: "pt", exacta: describeNetwork(network) });

/** What a file of tensors gives for inputs. */
function runFile(network: ExportNetwork, inputs: Case["inputs"]): number[][] {
  const graph = graphOfFile(fileOf(network));
  return inputs.map((input) =>
    oracleGraph(graph, withUnit(graph.constant, graph.input.activationBits, input)),
  );
}

/** A model, read again from its bytes. */
function modelData(bytes: Uint8Array): ModelData {
  const { nodes, initializers, inputs, outputs } = readModel(bytes);
  return {
    version: nodes[0]!.version,
    input: inputs[0]!.name,
    outputs,
    nodes: nodes.map((node) => {
      const attributes = node.attributes();
      const given: [string, AttributeValue][] = [];
      for (const name of ["to", "axis", "keepdims"])
        if (attributes.has(name)) given.push([name, attributes.integer(name, NaN)]);
      for (const name of ["axes", "perm"])
        if (attributes.has(name)) given.push([name, attributes.integers(name)!]);
      return { ...node, attributes: Object.fromEntries(given) };
    }),
    initializers: Object.fromEntries(
      [...initializers].map(([name, message]) => {
        const { type, shape, values } = readTensor(message, undefined);
        return [name, { type, shape, values: Array.from(values()) }];
      }),
    ),
  };
}

/** What an ONNX model gives for inputs. */
function runModel(network: ExportNetwork, inputs: Case["inputs"]): number[][] {
  const { input, constant } = network;
  const shape = constant ? [input.shape[0] - 1] : input.shape;
  const model = modelData(onnxModel(network));
  const { values } = interpret(
    model,
    { shape: [inputs.length, ...shape], values: inputs.flat() },
    floats,
  ).get("output")!;
  const width = values.length / inputs.length;
  // -0 is 0 in 64 bits.
  return inputs.map((_, k) => values.slice(k * width, (k + 1) * width).map((value) => value + 0));
}

/** A network whose layer has another shift. */
function shifted(network: ExportNetwork): ExportNetwork {
  const last = network.nodes.findLastIndex(isLinear);
  const node = network.nodes[last]!;
  const epilogue = { ...node.epilogue, shift: node.epilogue.shift + 1 };
  return { ...network, nodes: network.nodes.with(last, { ...node, epilogue }) };
}

/** A ticket that keeps one weight less in its last layer. */
function cut<Any extends Ticket | GraphTicket>(ticket: Any): Any {
  const last = ticket.masks.length - 1;
  const mask = ticket.masks[last]!;
  const byte = mask.findIndex((bits) => bits > 0);
  return { ...ticket, masks: ticket.masks.with(last, mask.with(byte, mask[byte]! & (mask[byte]! - 1))) };
}

/** A dense layer without a quantizer. */
function dense(
  name: string,
  from: string,
  bits: number,
  activationBits: number | "exact",
  weights: number[][],
): NodeJson {
  return {
    kind: "dense",
    name,
    from: [from],
    bits,
    activationBits,
    quantizer: "floor",
    relu: true,
    clamp: false,
    weights,
  };
}

const isSame = (got: unknown, wanted: unknown): boolean => JSON.stringify(got) === JSON.stringify(wanted);

describe("Exported tickets", () => {
  test("Tensors and models of tickets of all kinds give the integers of their targets", () => {
    for (const [i, { ticket, inputs, outputs }] of cases.entries())
      for (const collapsed of [false, true]) {
        const network = prunedNetwork(ticket, collapsed);
        expect([i, collapsed, runFile(network, inputs)]).toEqual([i, collapsed, outputs]);
        expect([i, collapsed, runModel(network, inputs)]).toEqual([i, collapsed, outputs]);
      }
  });

  test("A cut weight and another shift change what tensors and models give", () => {
    for (const { ticket, inputs, outputs } of cases.slice(-2))
      for (const collapsed of [false, true])
        for (const faulty of [
          shifted(prunedNetwork(ticket, collapsed)),
          prunedNetwork(cut(ticket), collapsed),
        ])
          expect([
            isSame(runFile(faulty, inputs), outputs),
            isSame(runModel(faulty, inputs), outputs),
          ]).toEqual([false, false]);
  });

  test(
    "A cut weight changes what attention and weights in depth give, the same in tensors and models",
    { tags: ["wide"] },
    () => {
      // Four tickets of attention, and two with weights in depth.
      const some = deeper.filter((_, i) => i % 4 < 2);
      const changed = some.map(({ ticket, inputs, outputs }) => {
        const faulty = cut(ticket);
        const found = runFile(prunedNetwork(faulty, false), inputs);
        for (const collapsed of [false, true])
          expect(runModel(prunedNetwork(faulty, collapsed), inputs)).toEqual(found);
        return !isSame(found, outputs);
      });
      // Of each kind at least one; other cut weights meet inputs of 0, or are rounded away.
      for (const kind of [changed.slice(0, 4), changed.slice(4)]) expect(kind).toContain(true);
    },
  );

  test("Another quantizer changes what tensors and models give", () => {
    for (const { ticket, inputs, outputs } of cases.slice(0, 4)) {
      const network = prunedNetwork(ticket, false);
      const differing = quantizers.filter((quantizer) => {
        const nodes = network.nodes.map((node) => ({ ...node, epilogue: { ...node.epilogue, quantizer } }));
        const got = [runFile, runModel].map((run) => isSame(run({ ...network, nodes }, inputs), outputs));
        expect(got[0]).toBe(got[1]);
        return !got[0];
      });
      const { quantizer } = network.nodes[0]!.epilogue;
      expect(differing).toEqual(quantizers.filter((other) => other !== quantizer));
    }
  });

  test("Sums for inputs of each sign are two tensors where they differ, and one where they are equal", () => {
    const { ticket, inputs } = cases[0]!;
    const names = (of: Ticket | GraphTicket) =>
      namedTensors(prunedNetwork(of, true)).map(({ name }) => name.replace("dense1.", ""));
    expect(names(ticket)).toContain("weight");
    // The first kept weight of the pooled layer serves inputs of one sign.
    const mask = ticket.masks[1]!;
    const byte = mask.findIndex((bits) => bits > 0);
    const masks = ticket.masks.with(1, mask.with(byte, mask[byte]! & (mask[byte]! - 1)));
    const other = { ...ticket, masks } as Ticket;
    expect(names(other)).toEqual(expect.arrayContaining(["positive.weight", "negative.weight"]));
    expect(runModel(prunedNetwork(other, true), inputs)).toEqual(
      runFile(prunedNetwork(other, false), inputs),
    );
  });

  test("A network whose sums float64 does not hold is refused, with the name of the node", async () => {
    const wide = (activationBits: number, bits: number): GraphJson => ({
      input: { shape: [1], activationBits, nonnegative: true },
      nodes: [dense("a", "input", 20, "exact", [[2 ** 20]]), dense("b", "a", bits, "exact", [[1]])],
    });
    const sums = (node: string) => new RegExp(`^${node}: expected sums of at most 9007199254740992, got `);
    const request = { initialBits: [10, 7], bits: [10, 7], units: [40, 30] };
    const { ticket } = await graphCase(generator(1), wide(17, 13), request);
    expect(() => prunedNetwork(ticket, false)).not.toThrow();
    // Of all hidden units, sums of magnitudes are too large, but what they sum up to is not.
    const masks = ticket.masks
      .with(2, Uint8Array.of(255, 255, 255, 63))
      .with(3, Uint8Array.of(255, 255, 255, 63));
    expect(() => prunedNetwork({ ...ticket, masks } as GraphTicket, true)).not.toThrow();
    expect(() => prunedNetwork({ ...ticket, masks } as GraphTicket, false)).toThrow(sums("dense2"));
    // Logits have the sums of all rows, times two inputs.
    const logits = {
      input: { shape: [1, 1, 2], activationBits: 15, nonnegative: false },
      nodes: [
        {
          kind: "bilinear",
          name: "logits",
          from: ["input"],
          bits: 10,
          activationBits: 4,
          quantizer: "floor",
          queries: [[3]],
          keys: [[-5]],
        },
      ],
    } satisfies GraphJson;
    const { ticket: attention } = await graphCase(generator(1), logits, {
      initialBits: [10],
      bits: [10],
      units: [200],
    });
    expect(() => prunedNetwork(attention, false)).not.toThrow();
    const whole = { ...attention, masks: attention.masks.map((mask) => mask.map(() => 255)) } as GraphTicket;
    expect(() => prunedNetwork(whole, true)).not.toThrow();
    expect(() => prunedNetwork(whole, false)).toThrow(sums("bilinear1"));
    // A weight of 1 is the subset sum 2^14 where a target has no bits.
    const { ticket: scaled } = await graphCase(generator(1), wide(20, 0), { ...request, units: [40, 40] });
    expect(() => prunedNetwork(scaled, true)).toThrow(sums("dense2"));
  });
});

/**
 * Evaluates the networks of a manifest: models by the reference evaluator of ONNX, and by ONNX Runtime where it is installed, and
 * tensors by examples/torch where PyTorch is.
 */
const EVALUATE = `
import json, sys
import numpy, onnx, onnx.checker, onnx.reference
try:
    import onnxruntime
except ImportError:
    onnxruntime = None
try:
    import torch
    from load import PrunedNetwork
except ImportError:
    torch = None
if torch:
    torch.set_num_threads(1)
for path, shape, inputs in json.load(open(sys.argv[1])):
    model = onnx.load(path + ".onnx")
    onnx.checker.check_model(model, full_check=True)
    integers = numpy.array(inputs, dtype=numpy.int64).reshape([-1] + shape)
    found = onnx.reference.ReferenceEvaluator(model).run(None, {"input": integers})
    if onnxruntime:
        session = onnxruntime.InferenceSession(path + ".onnx", providers=["CPUExecutionProvider"])
        found += session.run(None, {"input": integers})
    if torch:
        with torch.no_grad():
            found.append(PrunedNetwork(path + ".safetensors")(torch.from_numpy(integers)).numpy())
    print(json.dumps([outputs.reshape(len(inputs), -1).tolist() for outputs in found]))
`;
const folderOfLoader = fileURLToPath(new URL("../examples/torch", import.meta.url));

describe.skipIf(!hasOnnx && process.env["EXACTA_ONNX"] === undefined)(
  "Exported models before evaluators of ONNX",
  { tags: ["wide"] },
  () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "exacta-onnx-"));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    /** What each evaluator gives for each network. */
    async function evaluate(networks: readonly [ExportNetwork, Case["inputs"]][]): Promise<number[][][][]> {
      const manifest: unknown[] = [];
      for (const [i, [network, inputs]] of networks.entries()) {
        const path = join(folder, String(i));
        await writeFile(`${path}.onnx`, onnxModel(network));
        await writeFile(`${path}.safetensors`, fileOf(network));
        const { shape } = network.input;
        manifest.push([path, network.constant ? [shape[0] - 1] : shape, inputs]);
      }
      const path = join(folder, "manifest.json");
      await writeFile(path, JSON.stringify(manifest));
      const { stdout } = await promisify(execFile)(python, ["-c", EVALUATE, path], {
        env: { ...process.env, PYTHONPATH: folderOfLoader, PYTHONDONTWRITEBYTECODE: "1" },
        maxBuffer: 2 ** 26,
      });
      return stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as number[][][]);
    }

    test("They give the integers of the targets", { timeout: 240_000 }, async () => {
      const all = [
        ...cases,
        ...(await graphCases(1000, 12)),
        ...(await attentionCases(1000, 5)),
        ...(await depthCases(1000, 3)),
      ];
      const networks = all.flatMap(({ ticket, inputs }) =>
        [false, true].map(
          (collapsed) => [prunedNetwork(ticket, collapsed), inputs] as [ExportNetwork, Case["inputs"]],
        ),
      );
      const found = await evaluate(networks);
      expect(found).toHaveLength(networks.length);
      for (const [i, evaluated] of found.entries())
        for (const outputs of evaluated) expect([i, outputs]).toEqual([i, all[Math.floor(i / 2)]!.outputs]);
    });

    test("They give other integers for a cut weight and another shift", async () => {
      const networks = cases
        .slice(-2)
        .flatMap(({ ticket, inputs }) =>
          [false, true].flatMap((collapsed) =>
            [shifted(prunedNetwork(ticket, collapsed)), prunedNetwork(cut(ticket), collapsed)].map(
              (network) => [network, inputs] as [ExportNetwork, Case["inputs"]],
            ),
          ),
        );
      const found = await evaluate(networks);
      for (const [i, evaluated] of found.entries())
        for (const outputs of evaluated)
          expect([i, isSame(outputs, cases.at(-2 + Math.floor(i / 4))!.outputs)]).toEqual([i, false]);
    });
  },
);
