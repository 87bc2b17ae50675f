// ONNX models that are multilayer perceptrons with ReLUs. Every value of the graph is computed as one of three things: a
// constant, an affine map of the outputs of the last ReLU, or something behind the last layer that is left out.

import { RequestError } from "../../errors.ts";
import { checkLayers, MAX_WEIGHTS, type GivenNetwork } from "../given.ts";
import { quoted } from "../text.ts";
import { Affine, type ClosedLayer } from "./affine.ts";
import { LayoutError, shown, widthOf, type Axes } from "./axes.ts";
import { Budget, fold, foldedOperators, shapeOf } from "./fold.ts";
import { readModel, type Input, type Model, type Node } from "./model.ts";
import { steps, type Activation, type LeftOut, type Step, type Walk } from "./steps.ts";
import { readTensor, type Constant, type ReadExternal } from "./tensor.ts";

/** An output of a node that is not computed. */
interface Unread {
  readonly kind: "unread";
  readonly node: Node;
}

type Value = Constant | Activation | LeftOut | Unread;

/** The words of a text. */
const setOf = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Operators that are no affine maps. They may map the outputs of a network, and are then left out. */
const outputOperators = setOf(
  "Softmax LogSoftmax Hardmax Sigmoid HardSigmoid Tanh Softplus Softsign Erf Exp Log Elu Selu Celu Gelu Mish " +
    "HardSwish ThresholdedRelu LpNormalization ArgMax ArgMin TopK Round Floor Ceil Sign Abs Sqrt Pow Min " +
    "QuantizeLinear Equal Greater GreaterOrEqual Less LessOrEqual Not ai.onnx.ml.ZipMap ai.onnx.ml.Normalizer " +
    "ai.onnx.ml.Binarizer ai.onnx.ml.LabelEncoder",
);
/** Operators that may follow those, and change nothing about what is left out. */
const followers = setOf(
  "Identity Cast Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather Add Sub Mul Div Neg " +
    "Max Clip Relu Where Expand Shape ReduceMax ReduceSum LeakyRelu PRelu DequantizeLinear " +
    "ai.onnx.ml.ArrayFeatureExtractor",
);
/** Operators that a message about what is left out need not name. */
const silent = setOf("Identity Cast Reshape Flatten Squeeze Unsqueeze Shape");

const convolutions =
  /^(Conv|ConvTranspose|ConvInteger|QLinearConv|DeformConv|(Max|Average|Lp|GlobalMax|GlobalAverage|GlobalLp)Pool|MaxUnpool)$/;
const integerProducts =
  /(^|\.)(MatMulInteger|QLinearMatMul|DynamicQuantizeLinear|QGemm|DynamicQuantizeMatMul|MatMulIntegerToFloat|MatMulNBits|QuantizeLinear)$/;
const control = /^(If|Loop|Scan|SequenceMap)$/;

/**
 * Reads the network of a model.
 *
 * Whatever is computed from constants is computed. Affine operators between two ReLUs become one layer; operators behind the
 * last layer that are not affine are left out with a note. Parts of the graph that no output needs are ignored.
 *
 * Samples are rows of the values, as in x W + b, or else columns, as in W x + b.
 * @param external Reads tensors that are in files beside the model.
 * @throws {RequestError} For bytes that are not a model, and for a graph that is no such network; names the node.
 */
export function readOnnx(bytes: Uint8Array, external?: ReadExternal): GivenNetwork {
  const model = readModel(bytes);
  try {
    return new GraphWalk(model, external, "rows").network();
  } catch (error) {
    const mayBeColumns = model.inputs.some(({ shape }) => !shape || shape.length === 2);
    if (!(error instanceof LayoutError) || !mayBeColumns) throw error;
    try {
      return new GraphWalk(model, external, "columns").network();
    } catch (second) {
      throw second instanceof LayoutError ? error : second;
    }
  }
}

class GraphWalk implements Walk {
  private readonly model: Model;
  private readonly external: ReadExternal | undefined;
  private readonly layout: "rows" | "columns";
  private readonly values = new Map<string, Value>();
  readonly budget = new Budget();
  private readonly notes: string[] = [];
  /** The operators that are left out, each once. */
  private readonly leftOut = new Set<string>();
  /** The number of weights of all matrices so far. */
  private weights = 0;

  constructor(model: Model, external: ReadExternal | undefined, layout: "rows" | "columns") {
    this.model = model;
    this.external = external;
    this.layout = layout;
  }

  network(): GivenNetwork {
    const { inputs, outputs, nodes } = this.model;
    const { needed, names } = neededFor(this.model);
    const used = inputs.filter(({ name }) => names.has(name));
    const [input] = used;
    if (!input || used.length > 1)
      throw new RequestError(
        "graph, inputs",
        "one",
        used.map(({ name }) => name),
        used.length > 1 ? "a network of several inputs is not read: join them before the export" : undefined,
      );
    this.define(input.name, this.activationOf(input));
    const uses = usesOf(nodes, needed, outputs);
    for (const [i, node] of nodes.entries()) {
      if (!needed.has(i)) continue;
      this.compute(node);
      // Large constants are not kept for longer than they are needed.
      for (const name of node.inputs) {
        const left = uses.get(name)! - 1;
        uses.set(name, left);
        if (left === 0) this.values.delete(name);
      }
    }
    return this.finish(outputs);
  }

  private activationOf({ name, type, shape }: Input): Activation {
    const rows = this.layout === "rows";
    const sizes = shape ?? [NaN, NaN];
    if (sizes.length === 0)
      throw new RequestError(`input ${quoted(name)}`, "a shape of one axis or more", sizes);
    const axes = sizes.map((size, axis) => ({
      size,
      isSample: sizes.length > 1 && axis === (rows ? 0 : sizes.length - 1),
    }));
    return { kind: "activation", name, axes, type, map: Affine.identity(), layers: [], relu: "" };
  }

  private define(name: string, value: Value): void {
    if (!name || this.values.has(name) || this.model.initializers.has(name))
      throw new RequestError("graph", "every name once", name);
    this.values.set(name, value);
  }

  /** The value of a name: of an earlier node, or of an initializer, which is read here. */
  private lookup(node: Node, name: string): Value {
    const value = this.values.get(name);
    if (value) return value;
    const initializer = this.model.initializers.get(name);
    if (!initializer)
      throw new RequestError(
        node.what,
        `a value that an earlier node computes as ${quoted(name)}`,
        undefined,
      );
    const constant = readTensor(initializer, this.external);
    this.values.set(name, constant);
    return constant;
  }

  private compute(node: Node): void {
    const { what, operator, outputs } = node;
    const inputs = node.inputs.map((name) => (name ? this.lookup(node, name) : undefined));
    const value = this.valueOf(node, inputs);
    const rest: Value = value.kind === "left out" ? value : { kind: "unread", node };
    outputs.forEach((name, k) => {
      // An empty name stands for an output that is left out.
      if (name) this.define(name, k === 0 ? value : rest);
    });
    if (outputs.length === 0) throw new RequestError(what, "an output", operator);
  }

  private valueOf(node: Node, inputs: readonly (Value | undefined)[]): Value {
    const { what, operator } = node;
    const unread = inputs.find((value) => value?.kind === "unread");
    if (unread?.kind === "unread")
      throw new RequestError(
        what,
        `the first output of ${unread.node.what}`,
        node.inputs[inputs.indexOf(unread)],
      );
    const tail = inputs.find((value) => value?.kind === "left out");
    const activations = inputs.filter((value) => value?.kind === "activation");
    if (tail?.kind === "left out") return this.follow(node, tail, inputs);
    const [activation] = activations;
    if (!activation) return this.constantOf(node, inputs as readonly (Constant | undefined)[]);
    if (activations.length > 1) throw branch(node, activations);
    if (operator === "Shape")
      return shapeOf(
        node,
        node.attributes(),
        activation.axes.map(({ size }) => size),
      );
    const step = Object.hasOwn(steps, operator) ? steps[operator] : undefined;
    if (step) {
      const [apply, ...known] = step;
      const attributes = node.attributes();
      attributes.allow(known);
      return apply(this, {
        node,
        attributes,
        activation,
        at: inputs.indexOf(activation),
        inputs: inputs as Step["inputs"],
      });
    }
    if (outputOperators.has(operator)) return this.leave(node, activation);
    throw unsupported(node);
  }

  private constantOf(node: Node, inputs: readonly (Constant | undefined)[]): Constant {
    if (node.operator === "Shape") return shapeOf(node, node.attributes(), inputs[0]?.shape ?? []);
    if (!foldedOperators.includes(node.operator)) throw unsupported(node);
    return fold(node, inputs, this.budget, this.external);
  }

  /** A value that is left out, computed from scores. */
  leave(node: Node, scores: Activation): LeftOut {
    this.leftOut.add(node.operator);
    return { kind: "left out", scores, node };
  }

  /** A value that is computed from one that is left out. */
  private follow(node: Node, tail: LeftOut, inputs: readonly (Value | undefined)[]): LeftOut {
    if (!outputOperators.has(node.operator) && !followers.has(node.operator)) {
      if (tail.node.operator === "QuantizeLinear") throw unsupported(tail.node);
      throw new RequestError(
        tail.node.what,
        "a ReLU between layers; other operators may only follow the last one",
        `${node.what} behind it`,
      );
    }
    for (const value of inputs) {
      const scores =
        value?.kind === "activation" ? value : value?.kind === "left out" ? value.scores : undefined;
      if (scores && scores.map !== tail.scores.map) throw branch(node, [tail.scores, scores]);
    }
    if (!silent.has(node.operator)) this.leftOut.add(node.operator);
    return tail;
  }

  /** Counts weights. */
  grow(what: string, count: number): void {
    // Many nodes can share one tensor, so a small file could ask for much memory.
    this.weights += count;
    if (this.weights > MAX_WEIGHTS)
      throw new RequestError(what, `at most ${MAX_WEIGHTS} weights`, this.weights);
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /** Closes a layer by a ReLU. */
  rectified({ node, activation }: Pick<Step, "node" | "activation">): Activation {
    const { map, axes, layers } = activation;
    const relu = node.operator;
    // Outputs of a ReLU that stay 0 or more pass another one unchanged.
    if (layers.length > 0 && map.keepsSigns) return { ...activation, relu };
    return {
      ...activation,
      layers: [...layers, this.close(node.what, map, axes)],
      map: Affine.identity(),
      relu,
    };
  }

  private close(what: string, map: Affine, axes: Axes): ClosedLayer {
    const width = widthOf(axes);
    if (!map.hasMatrix) {
      if (Number.isNaN(width))
        throw new LayoutError(
          what,
          "a matrix before it, or an input whose shape the model states",
          shown(axes),
        );
      this.grow(what, width * width);
    }
    const closed = map.close(width);
    return closed.layer.name ? closed : { ...closed, layer: { ...closed.layer, name: what } };
  }

  private finish(outputs: readonly string[]): GivenNetwork {
    const values = outputs.map((name) => {
      const value = this.values.get(name);
      if (!value || value.kind === "constant" || value.kind === "unread")
        throw new RequestError("graph, output", "a value that depends on the input", name);
      return value;
    });
    const all = values.map((value) => (value.kind === "activation" ? value : value.scores));
    const [scores] = all;
    if (!scores) throw new RequestError("graph, outputs", "one", outputs);
    const other = all.find(({ map }) => map !== scores.map);
    if (other)
      throw new RequestError(
        "graph, outputs",
        "outputs of one last layer",
        outputs,
        "export the model with one of them",
      );
    const { map, axes, layers } = scores;
    const closed = [...layers];
    const first: string[] = [];
    if (layers.length > 0 && map.isIdentity) first.push(scores.relu);
    else if (layers.length > 0 || map.hasMatrix) closed.push(this.close("graph, output", map, axes));
    const names = [...first, ...this.leftOut].map((operator) => operator.split(".").at(-1)!);
    if (names.length > 0)
      this.note(
        `${names.join(", ")} at the end ${names.length > 1 ? "are" : "is"} left out: the outputs are those before ${names.length > 1 ? "them" : "it"}`,
      );
    if (outputs.length > 1)
      this.note(
        `the outputs are those of the last layer, ${quoted(scores.name)}, not ${outputs.map(quoted).join(", ")}`,
      );
    const areExact = closed.every(({ exact }) => exact);
    // A bias behind the first layer would need the scale of the layers before it.
    const integer = areExact && closed.slice(1).every(({ layer }) => !layer.biases?.some(Boolean));
    const result = closed.map(({ layer, exact, hasMatrix }) => {
      if (integer || !exact || !(hasMatrix || areExact)) return layer;
      // Integers beside real numbers stay as they are, with a scale of 1.
      return { ...layer, scales: new Float64Array(layer.rows).fill(1) };
    });
    checkLayers(result);
    return { layers: result, integer, notes: this.notes };
  }
}

/** The indices of the nodes that outputs need, and the names of the values. */
function neededFor({ nodes, outputs }: Model): { needed: Set<number>; names: Set<string> } {
  const makers = new Map<string, number>();
  nodes.forEach((node, i) =>
    node.outputs.forEach((name) => {
      if (!name) return;
      if (makers.has(name)) throw new RequestError("graph", "every name once", name);
      makers.set(name, i);
    }),
  );
  const needed = new Set<number>();
  const names = new Set(outputs);
  // A set that grows while it is walked through is walked through to its end.
  for (const name of names) {
    const maker = makers.get(name);
    if (maker === undefined || needed.has(maker)) continue;
    needed.add(maker);
    for (const input of nodes[maker]!.inputs) if (input) names.add(input);
  }
  return { needed, names };
}

/** How often needed nodes and outputs use each value. */
function usesOf(
  nodes: readonly Node[],
  needed: ReadonlySet<number>,
  outputs: readonly string[],
): Map<string, number> {
  const uses = new Map<string, number>();
  const count = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  outputs.forEach(count);
  for (const i of needed) nodes[i]!.inputs.forEach(count);
  return uses;
}

function branch(node: Node, parts: readonly Activation[]): RequestError {
  const names = parts.map(({ name }) => name);
  return new RequestError(
    node.what,
    "one input that depends on the input of the graph, and constants",
    names,
    "branches that meet again are not read: a network is one chain of layers",
  );
}

function unsupported(node: Node): RequestError {
  const { what, operator } = node;
  if (convolutions.test(operator))
    return new RequestError(
      what,
      "layers of matrices",
      operator,
      "convolution and pooling are not read yet: export the part behind them",
    );
  if (integerProducts.test(operator))
    return new RequestError(
      what,
      "activations that are not rounded",
      operator,
      "export the model before its quantization, or with only its weights quantized (DequantizeLinear)",
    );
  if (control.test(operator))
    return new RequestError(
      what,
      "a graph without control flow",
      operator,
      "export the model for one fixed path",
    );
  return new RequestError(
    what,
    `one of ${Object.keys(steps).join(", ")}; behind the last layer others too`,
    operator,
    "rewrite the model without it, or export the part that has only such operators",
  );
}
