// Imports networks that other programs wrote: JSON, safetensors or ONNX, of integers or of real numbers.

import * as z from "zod/mini";
import { Described, RequestError } from "../errors.ts";
import { integer, parse } from "../check.ts";
import { quantizers, readNetwork, type Network, type Quantizer } from "../network.ts";
import { FORMAT } from "../ticket/file.ts";
import { networkOfTensors } from "./chain.ts";
import { buildGraph } from "../graph/build.ts";
import { isGraph, isLinear, type Graph } from "../graph/model.ts";
import { readGraph } from "../graph/read.ts";
import { checkLayers, largestOf, type GivenLayer, type GivenNetwork } from "./given.ts";
import { isGivenGraph, isGivenLinear, type GivenGraph } from "./givenGraph.ts";
import { graphNotesOf, graphQuantizationOf, partsOf, quantizeGraph } from "./quantizeGraph.ts";
import { EXPORTER, refuseExported, refuseForeignBytes, refuseForeignJson } from "./foreign.ts";
import { readOnnx } from "./onnx/read.ts";
import type { ReadExternal } from "./onnx/tensor.ts";
import { notesOf, quantizationOf, quantizeLayers, type Quantization } from "./real.ts";
import { readSafetensors } from "./safetensors.ts";
import { quoted, textOf } from "./text.ts";

/** The choices that a file may leave open. JSON with `bits` leaves none open. */
export interface ImportOptions {
  /** k: weights are integers of -2^k..2^k, k in 0..20. Default: 8 for real numbers, the fewest bits for integers. */
  readonly targetBits?: number | undefined;
  /** m: inputs are integers of -2^m..2^m, m in 0..20. Default 8. */
  readonly activationBits?: number | undefined;
  /** The quantizer of every layer. Default `floor`. */
  readonly quantizer?: Quantizer | undefined;
  /** Whether the outputs of every layer are clamped to -2^m..2^m. Default false. */
  readonly clamp?: boolean | undefined;
  /** The real input that the integer input 2^m represents. Default 1. It matters only if there are biases. */
  readonly inputScale?: number | undefined;
  /**
   * The names of the layers of a safetensors file in their order, each once: `encoder.0` or `encoder.0.weight`. Needed where
   * shapes and numbers in names do not decide it.
   */
  readonly order?: readonly string[] | undefined;
  /** Reads the files beside an ONNX model in which it has its weights. */
  readonly external?: ReadExternal | undefined;
}

const bits = z.optional(integer(0, 20));
const optionsSchema = z.strictObject({
  targetBits: bits,
  activationBits: bits,
  quantizer: z.optional(z.enum(quantizers, `one of ${quantizers.join(", ")}`)),
  clamp: z.optional(z.boolean("true or false")),
  inputScale: z.optional(z.number("a number above 0").check(z.positive("a number above 0"))),
  order: z.optional(z.array(z.string("the name of a layer"), "a list of names")),
  external: z.optional(z.custom<ReadExternal>((value) => typeof value === "function", "a function")),
});

/**
 * Checks options.
 * @throws {RequestError} Names the option that is wrong.
 */
export function importOptions(options: unknown): ImportOptions {
  return parse(optionsSchema, options, "options");
}

/**
 * Checks that options do not contradict a file that fixes them itself.
 * @param what How the error names the file.
 * @throws {RequestError} Names the first option that differs.
 */
export function refuseConflicts(asked: ImportOptions, fixed: ImportOptions, what: string): void {
  for (const [name, value] of Object.entries(asked) as [keyof ImportOptions, unknown][])
    if (value !== undefined && value !== fixed[name])
      throw new RequestError(name, `${String(fixed[name] ?? "none")}, as ${what} says itself`, value);
}

/** A network that was read from a file: a chain of dense layers, or a graph with convolutions, pools or additions. */
export interface ImportedNetwork<N extends Network | Graph = Network> {
  readonly network: N;
  /** k: its weights are integers of -2^k..2^k. */
  readonly bits: number;
  /** Sentences about parts of the file that the network leaves out. */
  readonly notes: readonly string[];
  /** The scales and errors of rounding real numbers; undefined for a network of integers. */
  readonly quantization: Quantization | undefined;
}

/**
 * Reads a chain of dense layers from the bytes of a safetensors, ONNX or JSON file; the format is recognized by the bytes.
 *
 * JSON with `bits` is read by `readNetwork`; JSON with `layers` alone holds real numbers. Integer tensors are taken as they
 * are, real ones are rounded to integers of -2^targetBits..2^targetBits with one scale for each layer.
 * @param options Fields that the file states itself must agree with it.
 * @param defaults Used for what neither the file nor `options` state.
 * @throws {RequestError} The bytes are no network of these formats, or a graph, which `importModel` reads; an option contradicts
 * the file; or the network has more than 1000 layers, 2^20 rows or columns, or 2^24 weights.
 * @example
 * ```ts
 * import { importNetwork } from "exacta/ticket";
 *
 * const bytes = new TextEncoder().encode('{"layers":[{"weights":[[0.5,-1],[0.25,0]]}]}');
 * const { network, bits, quantization } = importNetwork(bytes, { targetBits: 2 });
 * console.log(bits, network.layers[0]!.weights); // 2 Int32Array(4) [ 2, -4, 1, 0 ]
 * console.log(quantization!.layers[0]!.scale); // 1
 * ```
 */
export function importNetwork(
  bytes: Uint8Array,
  options: ImportOptions = {},
  defaults: ImportOptions = {},
): ImportedNetwork {
  const { network, ...rest } = importModel(bytes, options, defaults);
  if (isGraph(network)) throw notChain();
  return { network, ...rest };
}

function notChain(): RequestError {
  return new RequestError(
    "network",
    "a chain of dense layers",
    new Described("a graph with convolutions, pools or additions"),
    "importModel, exacta forward and exacta ticket read graphs",
  );
}

/**
 * Reads a network or a graph from the bytes of a file, as `importNetwork` does: an ONNX model with convolutions, pools or
 * additions of two values becomes a graph.
 * @throws {RequestError} The bytes are neither, or an option contradicts the file.
 * @example
 * ```ts
 * import { importModel } from "exacta/ticket";
 *
 * const bytes = new TextEncoder().encode('{"layers":[{"weights":[[0.5,-1],[0.25,0]]}]}');
 * const { network } = importModel(bytes, { targetBits: 2 });
 * console.log("nodes" in network ? "a graph" : network.layers.length); // 1
 * ```
 */
export function importModel(
  bytes: Uint8Array,
  options: ImportOptions = {},
  defaults: ImportOptions = {},
): ImportedNetwork<Network | Graph> {
  const { external, ...asked } = importOptions(options);
  const given = read(bytes, external, asked.order);
  if ("bits" in given) {
    const { network, bits: targetBits } = given;
    if (isGraph(network)) {
      // Each of its nodes states its own.
      refuseConflicts(asked, {}, "the network");
      return { network, bits: targetBits, notes: [], quantization: undefined };
    }
    const { activationBits, quantizer, clamp } = network;
    refuseConflicts(asked, { targetBits, activationBits, quantizer, clamp }, "the network");
    return { ...given, notes: [], quantization: undefined };
  }
  const rounding = {
    activationBits: asked.activationBits ?? defaults.activationBits ?? 8,
    quantizer: asked.quantizer ?? defaults.quantizer ?? "floor",
    clamp: asked.clamp ?? defaults.clamp ?? false,
  };
  const inputScale = asked.inputScale ?? defaults.inputScale ?? 1;
  const askedBits = asked.targetBits ?? defaults.targetBits;
  if (isGivenGraph(given)) return graphOf(given, askedBits, rounding, inputScale);
  const { layers, integer: isInteger, notes } = given;
  const { quantized, bits: targetBits } = isInteger
    ? { quantized: undefined, bits: askedBits ?? bitsFor(layers) }
    : quantizeLayers(layers, askedBits, inputScale);
  const { network } = readNetwork({
    bits: targetBits,
    ...rounding,
    layers: layers.map(({ rows, columns }, l) => {
      const { weights, biases } = (quantized ?? layers)[l]!;
      return {
        weights: Array.from({ length: rows }, (_, row) =>
          Array.from(weights.subarray(row * columns, (row + 1) * columns)),
        ),
        ...(biases ? { biases: Array.from(biases) } : {}),
      };
    }),
  });
  const quantization = quantized && quantizationOf(layers, quantized, network, targetBits, inputScale);
  const more = quantization
    ? notesOf(layers, quantized, quantization, targetBits)
    : meaningOf(layers, rounding, targetBits, layers.length);
  return { network, bits: targetBits, notes: [...notes, ...more], quantization };
}

/** The graph of integers. */
function graphOf(
  given: GivenGraph,
  askedBits: number | undefined,
  rounding: Rounding,
  inputScale: number,
): ImportedNetwork<Graph> {
  const layers = given.nodes.filter(isGivenLinear).map(({ layer }) => layer);
  const { activationBits } = rounding;
  const input = { shape: given.input, activationBits, nonnegative: false };
  if (given.integer) {
    const bits = askedBits ?? bitsFor(layers);
    if (bits > 20) throw new RequestError("bits", "an integer in 0..20", bits);
    const wrong = layers.find(
      ({ weights, biases = [] }) => Math.max(largestOf(weights), largestOf(biases)) > 2 ** bits,
    );
    if (wrong)
      throw new RequestError(
        quoted(wrong.name),
        `integers in ${-(2 ** bits)}..${2 ** bits}`,
        largestOf(wrong.weights),
      );
    const network = buildGraph(input, partsOf(given, undefined, bits, rounding));
    const notes = [...given.notes, ...meaningOf(layers, rounding, bits, layers.length)];
    return { network, bits, notes, quantization: undefined };
  }
  const quantized = quantizeGraph(given, askedBits, inputScale, rounding);
  const { bits } = quantized;
  const network = buildGraph(input, partsOf(given, quantized, bits, rounding));
  const quantization = graphQuantizationOf(given, quantized, network, inputScale);
  const notes = [...given.notes, ...graphNotesOf(given, quantized, quantization)];
  return { network, bits, notes, quantization };
}

/**
 * Reads the layers of a network of real numbers from the bytes of a safetensors, ONNX or JSON file, as they are.
 * @throws {RequestError} The bytes are no such network, or a network of integers.
 * @example
 * ```ts
 * import { readLayers } from "exacta/ticket";
 *
 * const { layers } = readLayers(new TextEncoder().encode('{"layers":[{"weights":[[0.5,-1],[0.25,0]]}]}'));
 * console.log(layers[0]!.rows, layers[0]!.weights); // 2 Float64Array(4) [ 0.5, -1, 0.25, 0 ]
 * ```
 */
export function readLayers(
  bytes: Uint8Array,
  options: Pick<ImportOptions, "order" | "external"> = {},
): GivenNetwork {
  const { external, order } = importOptions(options);
  const given = read(bytes, external, order);
  if (isGivenGraph(given)) throw notChain();
  if ("bits" in given || given.integer)
    throw new RequestError(
      "network",
      "real weights",
      new Described("integers"),
      "exacta ticket finds subset sums that are equal to integers",
    );
  return given;
}

type Rounding = Pick<Network, "activationBits" | "quantizer" | "clamp">;

/**
 * How the outputs of a network of integers are related to those of its matrices.
 * @param depth The number of layers, one behind the other.
 */
function meaningOf(
  layers: readonly GivenLayer[],
  { quantizer, activationBits }: Rounding,
  bits: number,
  depth: number,
): string[] {
  const hasBiases = layers.some(({ biases }) => biases);
  if (bits === 0 && !hasBiases) return [];
  const sum = hasBiases ? `W x + 2^${activationBits} b` : "W x";
  const total =
    hasBiases || depth === 1 ? "" : `, so that outputs are about 2^-${bits * depth} of those of the matrices`;
  return [
    `integers stay as they are, in units of 2^-${bits}: every layer divides ${sum} by 2^${bits} (${quantizer})${total}`,
  ];
}

/** The fewest bits k for which all integers are in -2^k..2^k. */
function bitsFor(layers: readonly GivenLayer[]): number {
  const largest = layers.map(({ weights, biases = [] }) => Math.max(largestOf(weights), largestOf(biases)));
  return Math.ceil(Math.log2(Math.max(1, ...largest)));
}

/** The `format` in the metadata of a file of `exacta approximate`, which has subsets beside its weights. */
export const APPROXIMATED_FORMAT = "exacta.approximate";

const OPENING_BRACE = 0x7b;

/** Reads a file of any format. */
function read(
  bytes: Uint8Array,
  external: ReadExternal | undefined,
  order: readonly string[] | undefined,
): GivenNetwork | GivenGraph | { network: Network | Graph; bits: number } {
  // safetensors: the length of the header is below 2^40, so that bytes 5..7 are 0, which no text has.
  if (bytes[8] === OPENING_BRACE && bytes.subarray(5, 8).every((byte) => byte === 0)) {
    const { tensors, metadata } = readSafetensors(bytes);
    if (metadata["format"] === FORMAT)
      throw new RequestError("file", "a network", "an exacta ticket", "exacta verify reads those");
    if (EXPORTER in metadata) refuseExported();
    const isApproximated = metadata["format"] === APPROXIMATED_FORMAT;
    const weights = isApproximated ? tensors.filter(({ name }) => !name.startsWith("subset.")) : tensors;
    const given = networkOfTensors(weights, order, metadata);
    checkLayers(given.layers);
    return given;
  }
  refuseForeignBytes(bytes);
  if (order)
    throw new RequestError("order", "none for JSON and ONNX, which order their layers themselves", order);
  // ONNX: the tag of field 1, 2 or 3 (IR version, producer name, producer version), with which writers begin a model.
  if ([0x08, 0x12, 0x1a].includes(bytes[0] ?? 0)) return readOnnx(bytes, external);
  return readJson(textOf("network", bytes));
}

const realSchema = z.strictObject({
  layers: z.array(
    z.strictObject(
      {
        weights: z
          .array(
            z
              .array(z.number("a finite number"), "a row of numbers")
              .check(z.minLength(1, "a number for each input")),
            "rows of numbers",
          )
          .check(z.minLength(1, "a row for each output")),
        biases: z.optional(z.array(z.number("a finite number"), "a list of numbers")),
      },
      "an object with weights",
    ),
    "a list of layers",
  ),
});

function readJson(text: string): GivenNetwork | { network: Network | Graph; bits: number } {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const { message } = error as Error;
    throw new RequestError("network", "JSON, safetensors or ONNX", text.slice(0, 60), message);
  }
  refuseForeignJson(value);
  if ("nodes" in (value as object)) {
    const network = readGraph(value);
    return {
      network,
      bits: network.nodes.reduce((most, node) => Math.max(most, isLinear(node) ? node.bits : 0), 0),
    };
  }
  if (Object.keys(value as object).join() !== "layers") return readNetwork(value);
  const layers = parse(realSchema, value, "network").layers.map(({ weights, biases }, l) => {
    const columns = weights[0]!.length;
    weights.forEach(({ length }, row) => {
      if (length !== columns)
        throw new RequestError(`layers.${l}.weights.${row}`, `${columns} weights`, length);
    });
    if (biases && biases.length !== weights.length)
      throw new RequestError(`layers.${l}.biases`, `${weights.length} biases`, biases.length);
    return {
      name: `layers.${l}.weights`,
      rows: weights.length,
      columns,
      weights: Float64Array.from(weights.flat()),
      biases: biases && Float64Array.from(biases),
    };
  });
  checkLayers(layers);
  return { layers, integer: false, notes: [] };
}
