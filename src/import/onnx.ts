// ONNX models (https://onnx.ai/onnx/repo-docs/IR.html) that are a chain of matrices, biases and ReLUs. The numbers of fields and
// of types are those of onnx.proto.

import { RequestError } from "../errors.ts";
import { checkLayers, MAX_WEIGHTS, transposed, type GivenLayer, type GivenNetwork } from "./given.ts";
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
} from "./protobuf.ts";
import { bytesOf, countOf, isInteger, valuesOf, type Dtype, type Tensor } from "./tensor.ts";
import { quoted } from "./text.ts";

/** The number types, and the field of a tensor that lists its numbers where they are not raw bytes. */
const types: Readonly<Record<number, { readonly dtype: Dtype; readonly field: number }>> = {
  1: { dtype: "F32", field: 4 },
  2: { dtype: "U8", field: 5 },
  3: { dtype: "I8", field: 5 },
  4: { dtype: "U16", field: 5 },
  5: { dtype: "I16", field: 5 },
  6: { dtype: "I32", field: 5 },
  7: { dtype: "I64", field: 7 },
  10: { dtype: "F16", field: 5 },
  11: { dtype: "F64", field: 10 },
  12: { dtype: "U32", field: 11 },
  16: { dtype: "BF16", field: 5 },
};

/** Operators that map the outputs of a network. They may follow its last layer and are left out. */
const outputOperators = ["Softmax", "LogSoftmax", "Sigmoid", "ArgMax"];
/** The operators of a chain, each with the attributes that are read. */
const chainOperators: Readonly<Record<string, readonly string[]>> = {
  Gemm: ["alpha", "beta", "transA", "transB"],
  MatMul: [],
  Add: [],
  Relu: [],
  Identity: [],
  Flatten: ["axis"],
  Reshape: ["allowzero"],
  Constant: ["value"],
};

interface Node {
  /** How errors name the node. */
  readonly what: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: ReadonlyMap<string, Message>;
}

/** A layer whose bias may still come. */
type GrowingLayer = { -readonly [Name in keyof GivenLayer]: GivenLayer[Name] };

/**
 * Reads the network of a model. A layer is Gemm, or MatMul and Add, and a Relu is between layers. Identity, Flatten and Reshape
 * change nothing. Operators that map the outputs at the end are left out, with a note.
 * @throws {RequestError} For bytes that are not a model, and for a graph that is not such a chain; names the node.
 */
export function readOnnx(bytes: Uint8Array): GivenNetwork {
  const graph = readGraph(bytes);
  const constants = readInitializers(graph);
  // Older models list their initializers among the inputs.
  const input = only(
    "inputs",
    valueNames(graph, 11, "input").filter((name) => !constants.has(name)),
  );
  const output = only("outputs", valueNames(graph, 12, "output"));
  const chain = new Chain(input, constants);
  manyBytes(graph, 1, "node").forEach((nodeBytes, i) => chain.append(readNode(i, nodeBytes)));
  return chain.finish(output);
}

function readGraph(bytes: Uint8Array): Message {
  const graphBytes = oneBytes(readMessage("model", bytes), 7, "graph");
  if (!graphBytes) throw new RequestError("model", "a graph", undefined);
  const graph = readMessage("graph", graphBytes);
  if (has(graph, 15)) throw new RequestError("graph", "no sparse initializers", "some");
  return graph;
}

/** The constants of a graph by name. */
type Constants = Map<string, Tensor>;

function define(constants: Constants, name: string, tensor: Tensor): void {
  if (!name || constants.has(name)) throw new RequestError("graph", "every name once", name);
  constants.set(name, tensor);
}

function readInitializers(graph: Message): Constants {
  const constants: Constants = new Map();
  manyBytes(graph, 5, "initializer").forEach((initializer, i) => {
    const tensor = readTensor(`initializer ${i}`, initializer);
    define(constants, tensor.name, tensor);
  });
  return constants;
}

/** The names in a field of a graph that lists values. */
function valueNames(graph: Message, field: number, name: string): string[] {
  return manyBytes(graph, field, name).map((value, i) =>
    oneText(readMessage(`${name} ${i}`, value), 1, "name"),
  );
}

function refusal({ what }: Node, expected: string, received: unknown): RequestError {
  return new RequestError(what, expected, received);
}

/** The layers of a graph, built up node by node. */
class Chain {
  private readonly layers: GrowingLayer[] = [];
  private readonly notes: string[] = [];
  /** The tensors that became weights or biases. */
  private readonly used: Tensor[] = [];
  /** The number of weights so far. */
  private weights = 0;
  /** The output of the last node, which the next one must take. */
  private current: string;
  /** The kind of the last node, not counting nodes that change nothing. */
  private last: "input" | "matrix" | "bias" | "relu" | "output operator" = "input";

  private readonly input: string;
  private readonly constants: Constants;

  constructor(input: string, constants: Constants) {
    this.input = input;
    this.constants = constants;
    this.current = input;
  }

  /** @throws {RequestError} For a node that does not continue the chain. */
  append(node: Node): void {
    const { operator, inputs, output } = node;
    if (operator === "Constant") this.defineValue(node);
    else if (operator === "Identity" && this.constants.has(inputs[0] ?? ""))
      define(this.constants, output, this.constant(node, 0));
    else {
      this.checkInputs(node);
      this.apply(node);
      if (!output || output === this.input || this.constants.has(output))
        throw refusal(node, "an output of another name", output);
      this.current = output;
    }
  }

  /** @throws {RequestError} For a graph whose output is not that of the last node, and for layers that are not a network. */
  finish(output: string): GivenNetwork {
    if (this.current !== output) throw new RequestError("graph, output", quoted(this.current), output);
    if (this.last === "relu") this.notes.push(leftOut("Relu"));
    checkLayers(this.layers);
    const integer = this.used[0]!.integer;
    if (this.used.some((tensor) => tensor.integer !== integer))
      throw new RequestError("tensors", "integers only, or real numbers only", "both");
    return { layers: this.layers, integer, notes: this.notes };
  }

  private defineValue(node: Node): void {
    const value = node.attributes.get("value");
    const tensor = value && oneBytes(value, 5, "t");
    if (!tensor) throw refusal(node, "a tensor as its value", undefined);
    define(this.constants, node.output, { ...readTensor(node.what, tensor), name: node.output });
  }

  private constant(node: Node, k: number): Tensor {
    const tensor = this.constants.get(node.inputs[k] ?? "");
    if (!tensor) throw refusal(node, `a constant as input ${k}`, node.inputs[k]);
    return tensor;
  }

  private checkInputs(node: Node): void {
    const { operator, inputs } = node;
    const current = quoted(this.current);
    if (inputs.filter((name) => name === this.current).length !== 1)
      throw refusal(node, `the output of the node before it, ${current}, as one input`, inputs);
    if (inputs.indexOf(this.current) !== 0 && operator !== "Add")
      throw refusal(node, `${current} as input 0`, inputs);
    if (this.last === "output operator" && ["Gemm", "MatMul", "Add", "Relu"].includes(operator))
      throw refusal(node, `no layer behind ${this.notes.at(-1)!.split(" ", 1)[0]}`, operator);
    const counts = operator === "Gemm" ? [2, 3] : ["MatMul", "Add", "Reshape"].includes(operator) ? [2] : [1];
    if (!counts.includes(inputs.length)) throw refusal(node, `${counts.join(" or ")} inputs`, inputs.length);
  }

  private apply(node: Node): void {
    const { operator, inputs, attributes } = node;
    switch (operator) {
      case "Gemm": {
        const [transA, transB] = ["transA", "transB"].map((name) => integerOf(attributes, name, 0));
        if (transA !== 0) throw refusal(node, "transA of 0", transA);
        this.addMatrix(node, this.constant(node, 1), transB === 0, floatOf(attributes, "alpha", 1));
        // An empty name stands for no input.
        if (inputs[2]) this.addBias(node, this.constant(node, 2), floatOf(attributes, "beta", 1));
        return;
      }
      case "MatMul":
        return this.addMatrix(node, this.constant(node, 1), true, 1);
      case "Add":
        return this.addBias(node, this.constant(node, 1 - inputs.indexOf(this.current)), 1);
      case "Relu":
        if (this.last === "input") throw refusal(node, "a matrix before it", this.last);
        this.last = "relu";
        return;
      case "Flatten": {
        const axis = integerOf(attributes, "axis", 1);
        if (axis !== 1) throw refusal(node, "axis of 1", axis);
        return;
      }
      case "Reshape":
        return this.checkReshape(node);
      case "Identity":
        return;
      default:
        if (this.last === "input") throw refusal(node, "a matrix before it", this.last);
        if (this.last === "relu") this.notes.push(leftOut("Relu"));
        this.last = "output operator";
        this.notes.push(leftOut(operator));
    }
  }

  /** Begins a layer. A kernel has shape [inputs, outputs], other matrices have shape [outputs, inputs]. */
  private addMatrix(node: Node, tensor: Tensor, isKernel: boolean, factor: number): void {
    if (this.last === "matrix" || this.last === "bias") throw refusal(node, "a Relu before it", this.last);
    const [first, second, ...more] = tensor.shape;
    if (first === undefined || second === undefined || more.length > 0)
      throw refusal(node, `a matrix as ${quoted(tensor.name)}`, tensor.shape);
    // Many nodes can share one tensor, so a small file could ask for much memory.
    this.weights += first * second;
    if (this.weights > MAX_WEIGHTS) throw refusal(node, `at most ${MAX_WEIGHTS} weights`, this.weights);
    const values = tensor.values();
    this.used.push(tensor);
    this.layers.push({
      name: tensor.name,
      rows: isKernel ? second : first,
      columns: isKernel ? first : second,
      weights: scaled(isKernel ? transposed(values, first, second) : values, factor),
      biases: undefined,
    });
    this.last = "matrix";
  }

  /** Adds one number for each output, or one for all of them, to the biases of the last layer. */
  private addBias(node: Node, tensor: Tensor, factor: number): void {
    const layer = this.layers.at(-1);
    if (!layer || (this.last !== "matrix" && this.last !== "bias"))
      throw refusal(node, "a matrix before it", this.last);
    const count = countOf(tensor.name, tensor.shape);
    const width = tensor.shape.at(-1) ?? 1;
    if (count !== width || (width !== 1 && width !== layer.rows))
      throw refusal(node, `${layer.rows} numbers as ${quoted(tensor.name)}`, tensor.shape);
    const values = scaled(tensor.values(), factor);
    this.used.push(tensor);
    layer.biases = Float64Array.from(
      { length: layer.rows },
      (_, row) => (layer.biases?.[row] ?? 0) + values[width === 1 ? 0 : row]!,
    );
    this.last = "bias";
  }

  /** A Reshape may flatten the inputs before the first matrix; after a matrix it must keep the length of rows. */
  private checkReshape(node: Node): void {
    const { name, shape, values } = this.constant(node, 1);
    const sizes = countOf(name, shape) <= 8 ? Array.from(values()) : [];
    const [batch, width] = sizes;
    const same = this.last === "input" || width === this.layers.at(-1)?.rows;
    if (sizes.length !== 2 || ![-1, 0, 1].includes(batch!) || !(width === -1 || (width! > 0 && same)))
      throw refusal(node, "rows that stay as they are", sizes);
  }
}

function leftOut(operator: string): string {
  return `${operator} at the end is left out: the outputs are those before it`;
}

function only(what: string, names: readonly string[]): string {
  if (names.length !== 1) throw new RequestError(`graph, ${what}`, "one", names);
  return names[0]!;
}

function readNode(index: number, bytes: Uint8Array): Node {
  const message = readMessage(`node ${index}`, bytes);
  const operator = oneText(message, 4, "op_type");
  const domain = oneText(message, 7, "domain");
  const name = oneText(message, 3, "name");
  const what = `node ${name ? quoted(name) : index} (${quoted(operator).slice(1, -1)})`;
  // Attributes of output operators do not matter.
  const known = chainOperators[operator] ?? (outputOperators.includes(operator) ? undefined : []);
  if ((domain !== "" && domain !== "ai.onnx") || (known && !Object.hasOwn(chainOperators, operator)))
    throw new RequestError(
      what,
      `one of ${[...Object.keys(chainOperators), ...outputOperators].join(", ")}`,
      domain ? `${domain}.${operator}` : operator,
    );
  const attributes = new Map<string, Message>();
  for (const attributeBytes of manyBytes(message, 5, "attribute")) {
    const attribute = readMessage(`${what}, attribute`, attributeBytes);
    const attributeName = oneText(attribute, 1, "name");
    if (attributes.has(attributeName) || (known && !known.includes(attributeName)))
      throw new RequestError(
        `${what}, attributes`,
        `${known?.join(", ") || "none"}, each once`,
        attributeName,
      );
    attributes.set(attributeName, attribute);
  }
  const outputs = manyTexts(message, 2, "output");
  if (outputs.length !== 1) throw new RequestError(`${what}, outputs`, "one", outputs);
  return { what, operator, inputs: manyTexts(message, 1, "input"), output: outputs[0]!, attributes };
}

function integerOf(attributes: Node["attributes"], name: string, otherwise: number): number {
  const attribute = attributes.get(name);
  return (attribute && oneInteger(attribute, 3, "i")) ?? otherwise;
}

function floatOf(attributes: Node["attributes"], name: string, otherwise: number): number {
  const attribute = attributes.get(name);
  return (attribute && oneFloat(attribute, 2, "f")) ?? otherwise;
}

function scaled(values: Float64Array, factor: number): Float64Array {
  return factor === 1 ? values : values.map((value) => value * factor);
}

/** A tensor of a model. Its numbers are decoded when `values` is called. */
function readTensor(where: string, bytes: Uint8Array): Tensor {
  const message = readMessage(where, bytes);
  const name = oneText(message, 8, "name");
  const named = name || where;
  const what = name ? `tensor ${quoted(name)}` : where;
  if (has(message, 13) || (oneInteger(message, 14, "data_location") ?? 0) !== 0)
    throw new RequestError(what, "its numbers in this file", "external data");
  if (has(message, 3)) throw new RequestError(what, "a whole tensor", "a segment");
  const shape = integers(message, 1, "dims");
  const count = countOf(named, shape);
  const type = oneInteger(message, 2, "data_type") ?? 0;
  const known = Object.hasOwn(types, type) ? types[type] : undefined;
  if (!known)
    throw new RequestError(`${what}, data_type`, `one of ${Object.keys(types).join(", ")}, numbers`, type);
  const { dtype, field } = known;
  const size = bytesOf(dtype);
  const tensor = { name, shape, integer: isInteger(dtype) };
  const raw = oneBytes(message, 9, "raw_data");
  const checkCount = (got: number) => {
    if (got !== count) throw new RequestError(what, `${count} numbers, as its shape asks for`, got);
  };
  if (raw && has(message, field)) throw new RequestError(what, "its numbers once", "raw_data and others");
  if (raw || dtype === "F32" || dtype === "F64") {
    const own = raw ?? fixed(message, field, "data", size);
    checkCount(own.length / size);
    return { ...tensor, values: () => valuesOf(named, dtype, own) };
  }
  const given = integers(message, field, "data");
  checkCount(given.length);
  if (tensor.integer) return { ...tensor, values: () => Float64Array.from(given) };
  // Numbers of type F16 and BF16 are listed as integers, by their 16 bits.
  const halves = Uint8Array.from(given.flatMap((bits) => [bits & 255, (bits >>> 8) & 255]));
  return { ...tensor, values: () => valuesOf(named, dtype, halves) };
}
