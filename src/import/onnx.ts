// Models of ONNX (https://onnx.ai/onnx/repo-docs/IR.html) that are a chain of matrices, biases and ReLUs. Numbers of fields and of
// types are those of onnx.proto.

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

/** The types of numbers, and the field of a tensor that lists them where they are no raw bytes. */
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

/** What only maps the outputs of a network, and may follow its last layer. */
const tails = ["Softmax", "LogSoftmax", "Sigmoid", "ArgMax"];
/** The attributes of every operator that are understood. */
const operators: Readonly<Record<string, readonly string[]>> = {
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
  readonly what: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: ReadonlyMap<string, Message>;
}

/** A layer as it grows: a bias may follow its matrix. */
type Growing = { -readonly [Name in keyof GivenLayer]: GivenLayer[Name] };

/**
 * The network of a model: Gemm, or MatMul and Add, with a Relu in between. Identity, Flatten and Reshape change nothing; what maps the
 * outputs at the end is left out, and a note says so.
 * Throws TypeError or RangeError for bytes that are no model, and for a graph that is no such chain, naming the node.
 */
export function readOnnx(bytes: Uint8Array): GivenNetwork {
  const graphBytes = oneBytes(readMessage("model", bytes), 7, "graph");
  if (!graphBytes) throw new RequestError("model", "a graph", undefined);
  const graph = readMessage("graph", graphBytes);
  if (has(graph, 15)) throw new RequestError("graph", "no sparse initializers", "some");
  const constants = new Map<string, Tensor>();
  const define = (name: string, tensor: Tensor) => {
    if (!name || constants.has(name)) throw new RequestError("graph", "every name once", name);
    constants.set(name, tensor);
  };
  manyBytes(graph, 5, "initializer").forEach((initializer, i) => {
    const tensor = readTensor(`initializer ${i}`, initializer);
    define(tensor.name, tensor);
  });
  const namesOf = (number: number, name: string) =>
    manyBytes(graph, number, name).map((value, i) => oneText(readMessage(`${name} ${i}`, value), 1, "name"));
  // Older models list their initializers among the inputs.
  const input = only(
    "inputs",
    namesOf(11, "input").filter((name) => !constants.has(name)),
  );
  const output = only("outputs", namesOf(12, "output"));

  const layers: Growing[] = [];
  const notes: string[] = [];
  const used: Tensor[] = [];
  let current = input;
  // What the last node that counts was.
  let last: "input" | "matrix" | "bias" | "relu" | "tail" = "input";
  let weights = 0;
  manyBytes(graph, 1, "node").forEach((nodeBytes, i) => {
    const node = readNode(i, nodeBytes);
    const { what, operator, inputs, attributes } = node;
    const refuse = (wanted: string, got: unknown) => new RequestError(what, wanted, got);
    const constant = (k: number) => {
      const tensor = constants.get(inputs[k] ?? "");
      if (!tensor) throw refuse(`a constant as input ${k}`, inputs[k]);
      return tensor;
    };
    const matrix = (tensor: Tensor, isKernel: boolean, factor: number) => {
      if (last === "matrix" || last === "bias") throw refuse("a Relu before it", last);
      const [first, second, ...more] = tensor.shape;
      if (first === undefined || second === undefined || more.length > 0)
        throw refuse(`a matrix as ${quoted(tensor.name)}`, tensor.shape);
      // Many nodes may share one tensor, so a small file may ask for much.
      weights += first * second;
      if (weights > MAX_WEIGHTS) throw refuse(`at most ${MAX_WEIGHTS} weights`, weights);
      const values = tensor.values();
      used.push(tensor);
      layers.push({
        name: tensor.name,
        rows: isKernel ? second : first,
        columns: isKernel ? first : second,
        weights: scaled(isKernel ? transposed(values, first, second) : values, factor),
        biases: undefined,
      });
      last = "matrix";
    };
    const bias = (tensor: Tensor, factor: number) => {
      const layer = layers.at(-1);
      if (!layer || (last !== "matrix" && last !== "bias")) throw refuse("a matrix before it", last);
      const count = countOf(tensor.name, tensor.shape);
      const width = tensor.shape.at(-1) ?? 1;
      if (count !== width || (width !== 1 && width !== layer.rows))
        throw refuse(`${layer.rows} numbers as ${quoted(tensor.name)}`, tensor.shape);
      const values = scaled(tensor.values(), factor);
      used.push(tensor);
      layer.biases = Float64Array.from(
        { length: layer.rows },
        (_, row) => (layer.biases?.[row] ?? 0) + values[width === 1 ? 0 : row]!,
      );
      last = "bias";
    };

    if (operator === "Constant") {
      const value = attributes.get("value");
      const tensor = value && oneBytes(value, 5, "t");
      if (!tensor) throw refuse("a tensor as its value", undefined);
      define(node.output, { ...readTensor(what, tensor), name: node.output });
      return;
    }
    if (operator === "Identity" && constants.has(inputs[0] ?? "")) {
      define(node.output, constant(0));
      return;
    }
    if (inputs.filter((name) => name === current).length !== 1)
      throw refuse(`the output of the node before it, ${quoted(current)}, as one input`, inputs);
    const at = inputs.indexOf(current);
    if (at !== 0 && operator !== "Add") throw refuse(`${quoted(current)} as input 0`, inputs);
    if (last === "tail" && ["Gemm", "MatMul", "Add", "Relu"].includes(operator))
      throw refuse(`no layer behind ${notes.at(-1)!.split(" ", 1)[0]}`, operator);
    const counts = operator === "Gemm" ? [2, 3] : ["MatMul", "Add", "Reshape"].includes(operator) ? [2] : [1];
    if (!counts.includes(inputs.length)) throw refuse(`${counts.join(" or ")} inputs`, inputs.length);
    switch (operator) {
      case "Gemm": {
        const [transA, transB] = ["transA", "transB"].map((name) => integerOf(attributes, name, 0));
        if (transA !== 0) throw refuse("transA of 0", transA);
        matrix(constant(1), transB === 0, floatOf(attributes, "alpha", 1));
        // An empty name stands for no input.
        if (inputs[2]) bias(constant(2), floatOf(attributes, "beta", 1));
        break;
      }
      case "MatMul":
        matrix(constant(1), true, 1);
        break;
      case "Add":
        bias(constant(1 - at), 1);
        break;
      case "Relu":
        if (last === "input") throw refuse("a matrix before it", last);
        last = "relu";
        break;
      case "Flatten": {
        const axis = integerOf(attributes, "axis", 1);
        if (axis !== 1) throw refuse("axis of 1", axis);
        break;
      }
      case "Reshape": {
        // Rows of inputs, as long as the first matrix has them; later on as long as they are.
        const { name, shape, values } = constant(1);
        const sizes = countOf(name, shape) <= 8 ? Array.from(values()) : [];
        const [batch, width] = sizes;
        const same = last === "input" || width === layers.at(-1)?.rows;
        if (sizes.length !== 2 || ![-1, 0, 1].includes(batch!) || !(width === -1 || (width! > 0 && same)))
          throw refuse("rows that stay as they are", sizes);
        break;
      }
      case "Identity":
        break;
      default:
        if (last === "input") throw refuse("a matrix before it", last);
        if (last === "relu") notes.push(leftOut("Relu"));
        last = "tail";
        notes.push(leftOut(operator));
    }
    if (!node.output || node.output === input || constants.has(node.output))
      throw refuse("an output of another name", node.output);
    current = node.output;
  });
  if (current !== output) throw new RequestError("graph, output", quoted(current), output);
  if ((last as string) === "relu") notes.push(leftOut("Relu"));
  checkLayers(layers);
  const integer = used[0]!.integer;
  if (used.some((tensor) => tensor.integer !== integer))
    throw new RequestError("tensors", "integers only, or real numbers only", "both");
  return { layers, integer, notes };
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
  const known = operators[operator] ?? (tails.includes(operator) ? undefined : []);
  if ((domain !== "" && domain !== "ai.onnx") || (known && !Object.hasOwn(operators, operator)))
    throw new RequestError(
      what,
      `one of ${[...Object.keys(operators), ...tails].join(", ")}`,
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

/** A tensor in a model, its numbers not read yet. */
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
  const demand = (got: number) => {
    if (got !== count) throw new RequestError(what, `${count} numbers, as its shape has`, got);
  };
  if (raw && has(message, field)) throw new RequestError(what, "its numbers once", "raw_data and others");
  if (raw || dtype === "F32" || dtype === "F64") {
    const own = raw ?? fixed(message, field, "data", size);
    demand(own.length / size);
    return { ...tensor, values: () => valuesOf(named, dtype, own) };
  }
  const given = integers(message, field, "data");
  demand(given.length);
  if (tensor.integer) return { ...tensor, values: () => Float64Array.from(given) };
  // Halves stand there by their 16 bits.
  const halves = Uint8Array.from(given.flatMap((bits) => [bits & 255, (bits >>> 8) & 255]));
  return { ...tensor, values: () => valuesOf(named, dtype, halves) };
}
