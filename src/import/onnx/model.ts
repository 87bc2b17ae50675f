// The parts of an ONNX model (https://onnx.ai/onnx/repo-docs/IR.html): nodes, initializers, inputs and outputs. The numbers of
// fields are those of onnx.proto.

import { RequestError } from "../../errors.ts";
import {
  fixed,
  has,
  integers,
  manyBytes,
  manyTexts,
  oneBytes,
  oneFloat,
  oneInteger,
  oneText,
  readMessage,
  type Message,
} from "../protobuf.ts";
import { valuesOf } from "../tensor.ts";
import { quoted } from "../text.ts";

/** One operation of a graph. */
export interface Node {
  /** How errors name the node. */
  readonly what: string;
  /** The operator, with its domain where that is not the default one: `Gemm`, `ai.onnx.ml.Scaler`. */
  readonly operator: string;
  /** The version of the operator set. */
  readonly version: number;
  /** Names of values; an empty one stands for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The attributes, which are read only for nodes that the output needs. */
  readonly attributes: () => Attributes;
}

/** An input of the graph. */
export interface Input {
  readonly name: string;
  /** The number of its element type, 0 where the model does not say it. */
  readonly type: number;
  /** Its sizes, NaN where they may change; undefined where the model does not say them. */
  readonly shape: readonly number[] | undefined;
}

export interface Model {
  /** The name of the program that wrote it. */
  readonly producer: string;
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Message>;
  /** Inputs that are no initializers. */
  readonly inputs: readonly Input[];
  readonly outputs: readonly string[];
}

/**
 * Splits a model into its parts.
 * @throws {RequestError} For bytes that are not a model, and for names that occur twice.
 */
export function readModel(bytes: Uint8Array): Model {
  const message = readMessage("model", bytes);
  const graphBytes = oneBytes(message, 7, "graph");
  if (!graphBytes) throw new RequestError("model", "a graph", undefined);
  const graph = readMessage("graph", graphBytes);
  if (has(graph, 15))
    throw new RequestError("graph", "no sparse initializers", "some", "store them as dense ones");
  const versions = readVersions(message);
  const initializers = new Map<string, Message>();
  manyBytes(graph, 5, "initializer").forEach((initializer, i) => {
    const tensor = readMessage(`initializer ${i}`, initializer);
    const name = oneText(tensor, 8, "name");
    if (!name || initializers.has(name)) throw new RequestError("graph", "every name once", name);
    initializers.set(name, tensor);
  });
  return {
    producer: oneText(message, 2, "producer_name"),
    nodes: manyBytes(graph, 1, "node").map((node, i) => readNode(i, node, versions)),
    initializers,
    // Older models list their initializers among the inputs.
    inputs: manyBytes(graph, 11, "input")
      .map((input, i) => readInput(readMessage(`input ${i}`, input)))
      .filter(({ name }) => !initializers.has(name)),
    outputs: manyBytes(graph, 12, "output").map((output, i) =>
      oneText(readMessage(`output ${i}`, output), 1, "name"),
    ),
  };
}

/** The versions of operator sets by domain. The default domain has an empty name here. */
function readVersions(model: Message): Map<string, number> {
  return new Map(
    manyBytes(model, 8, "opset_import").map((bytes, i) => {
      const set = readMessage(`opset_import ${i}`, bytes);
      return [domainOf(set, 1), oneInteger(set, 2, "version") ?? 1];
    }),
  );
}

function domainOf(message: Message, field: number): string {
  const domain = oneText(message, field, "domain");
  return domain === "ai.onnx" ? "" : domain;
}

function readInput(message: Message): Input {
  const nested = (outer: Message | undefined, field: number, name: string): Message | undefined => {
    const bytes = outer && oneBytes(outer, field, name);
    return bytes && readMessage(`${message.what}, ${name}`, bytes);
  };
  const tensor = nested(nested(message, 2, "type"), 1, "tensor_type");
  const shape = nested(tensor, 2, "shape");
  return {
    name: oneText(message, 1, "name"),
    type: (tensor && oneInteger(tensor, 1, "elem_type")) ?? 0,
    shape:
      shape &&
      manyBytes(shape, 1, "dim").map((bytes) => {
        const size = oneInteger(readMessage(`${message.what}, dim`, bytes), 1, "dim_value") ?? 0;
        return size > 0 ? size : NaN;
      }),
  };
}

function readNode(index: number, bytes: Uint8Array, versions: ReadonlyMap<string, number>): Node {
  const message = readMessage(`node ${index}`, bytes);
  const name = oneText(message, 3, "name");
  const domain = domainOf(message, 7);
  const type = oneText(message, 4, "op_type");
  const operator = domain ? `${domain}.${type}` : type;
  const what = `node ${name ? quoted(name) : index} (${quoted(operator).slice(1, -1)})`;
  return {
    what,
    operator,
    version: versions.get(domain) ?? 1,
    inputs: manyTexts(message, 1, "input"),
    outputs: manyTexts(message, 2, "output"),
    attributes: () => new Attributes(what, message),
  };
}

/** The attributes of a node by name. */
export class Attributes {
  private readonly what: string;
  private readonly messages = new Map<string, Message>();

  constructor(what: string, node: Message) {
    this.what = what;
    for (const bytes of manyBytes(node, 5, "attribute")) {
      const message = readMessage(`${what}, attribute`, bytes);
      const name = oneText(message, 1, "name");
      if (this.messages.has(name)) throw new RequestError(`${what}, attributes`, "each attribute once", name);
      if (has(message, 21))
        throw new RequestError(`${what}, ${name}`, "a value", "a reference to an attribute of a function");
      this.messages.set(name, message);
    }
  }

  has(name: string): boolean {
    return this.messages.has(name);
  }

  /** @throws {RequestError} Where an attribute is none of `known`, so that its meaning would be lost. */
  allow(known: readonly string[]): void {
    for (const name of this.messages.keys())
      if (!known.includes(name))
        throw new RequestError(`${this.what}, attributes`, known.join(", ") || "none", name);
  }

  integer(name: string, otherwise: number): number {
    const message = this.messages.get(name);
    // Some writers leave out a value of 0.
    return message ? (oneInteger(message, 3, "i") ?? 0) : otherwise;
  }

  float(name: string, otherwise: number): number {
    const message = this.messages.get(name);
    return message ? (oneFloat(message, 2, "f") ?? 0) : otherwise;
  }

  text(name: string): string {
    const message = this.messages.get(name);
    return message ? oneText(message, 4, "s") : "";
  }

  /** Undefined where the attribute is absent. */
  integers(name: string): number[] | undefined {
    const message = this.messages.get(name);
    return message && integers(message, 8, "ints");
  }

  floats(name: string): Float64Array<ArrayBuffer> | undefined {
    const message = this.messages.get(name);
    if (!message) return undefined;
    const bytes = fixed(message, 7, "floats", 4);
    if (bytes.byteLength % 4)
      throw new RequestError(`${this.what}, ${name}`, "floats of 4 bytes", bytes.byteLength);
    return valuesOf(name, "F32", bytes);
  }

  tensor(name: string): Message | undefined {
    const message = this.messages.get(name);
    const bytes = message && oneBytes(message, 5, "t");
    return bytes && readMessage(`${this.what}, ${name}`, bytes);
  }
}
