// ONNX models that are multilayer perceptrons with ReLUs, or graphs with convolutions, pools and additions. Every value of the
// model is computed as one of three things: a constant, an affine map of the outputs of the node before it (origin.ts), or
// something behind the last layer that is left out.

import { RequestError } from "../../errors.ts";
import { EXPORTER, refuseExported } from "../foreign.ts";
import { checkLayers, MAX_WEIGHTS, type GivenNetwork } from "../given.ts";
import { quoted } from "../text.ts";
import { MAX_NODES } from "../../graph/build.ts";
import { isGivenLinear, productsOf, type GivenGraph } from "../givenGraph.ts";
import { Affine } from "./affine.ts";
import { imageOf, LayoutError, shown, widthOf } from "./axes.ts";
import { Budget, fold, foldedOperators, shapeOf } from "./fold.ts";
import { readModel, type Input, type Model, type Node } from "./model.ts";
import { chainTo, closed, graphOf, scaled } from "./lower.ts";
import {
  absorbed,
  INPUT_ORIGIN,
  nodeOf,
  ofEachChannel,
  type LayerOrigin,
  type NodeOrigin,
  type Origin,
} from "./origin.ts";
import type { Activation, LeftOut, Step, Walk } from "./step.ts";
import { steps } from "./steps.ts";
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
/** Operators that read features in another order, and matrices, whose columns take it up. */
const orderless = setOf("Identity Cast Dropout Reshape Flatten Squeeze Unsqueeze Transpose MatMul Gemm");
/** Operators that a message about what is left out need not name. */
const silent = setOf("Identity Cast Reshape Flatten Squeeze Unsqueeze Shape");

/** Operators that need an image as it is. */
const imageOperators = /^(Conv|(Max|Average|GlobalMax|GlobalAverage)Pool)$/;
const otherConvolutions = /^(ConvTranspose|DeformConv|(Lp|GlobalLp)Pool|MaxUnpool)$/;
const integerProducts =
  /(^|\.)(ConvInteger|QLinearConv|MatMulInteger|QLinearMatMul|DynamicQuantizeLinear|QGemm|DynamicQuantizeMatMul|MatMulIntegerToFloat|MatMulNBits|QuantizeLinear)$/;
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
export function readOnnx(bytes: Uint8Array, external?: ReadExternal): GivenNetwork | GivenGraph {
  const model = readModel(bytes);
  if (model.producer === EXPORTER) refuseExported();
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
  /** Whether operators need images as they are. */
  private hasImages = false;
  /** The shape of the input where it is an image. */
  private inputImage: readonly [number, number, number] | undefined;
  /** The nodes of activations that were asked for, without and with a ReLU. */
  private readonly nodes = new Map<
    Affine,
    { readonly activation: Activation; relu: boolean; origin: Origin }[]
  >();

  constructor(model: Model, external: ReadExternal | undefined, layout: "rows" | "columns") {
    this.model = model;
    this.external = external;
    this.layout = layout;
  }

  network(): GivenNetwork | GivenGraph {
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
    this.hasImages = nodes.some(({ operator }, i) => needed.has(i) && imageOperators.test(operator));
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
    return { kind: "activation", name, axes, type, origin: INPUT_ORIGIN, map: Affine.identity(), relu: "" };
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
    if (operator === "Add" && activations.length === 2) return this.sum(node, activations);
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
      if (activation.order && !orderless.has(operator)) throw outOfOrder(what, activation);
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
      if (scores && (scores.map !== tail.scores.map || scores.origin !== tail.scores.origin))
        throw branch(node, [tail.scores, scores]);
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

  rectified({ node, activation }: Pick<Step, "node" | "activation">): Activation {
    const { map, origin } = activation;
    const relu = node.operator;
    // Outputs of a ReLU that stay 0 or more pass another one unchanged.
    if (origin.nonnegative && map.keepsSigns) return { ...activation, relu };
    const rectified = this.flushed(node, activation, true);
    return { ...activation, origin: rectified, map: Affine.identity(), relu };
  }

  flushed(node: Pick<Node, "what">, activation: Activation, relu: boolean): Origin {
    if (activation.order) throw outOfOrder(node.what, activation);
    const known = this.nodes.get(activation.map) ?? [];
    const found = known.find(
      (other) =>
        other.relu === relu &&
        other.activation.origin === activation.origin &&
        other.activation.axes === activation.axes,
    );
    if (found) return found.origin;
    const origin = this.materialized(node.what, activation, relu);
    this.nodes.set(activation.map, [...known, { activation, relu, origin }]);
    return origin;
  }

  private materialized(what: string, { map, axes, origin }: Activation, relu: boolean): Origin {
    const taken = absorbed(origin, map, relu);
    if (taken) return taken;
    const image = this.hasImages ? imageOf(axes) : undefined;
    const channels = image && map.ofBlocks(image[1] * image[2]);
    if (image && channels && !image.some(Number.isNaN)) {
      if (origin.kind === "input") this.takeImage({ what }, image);
      this.grow(what, image[0]);
      return ofEachChannel(what, origin, image, channels, relu);
    }
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
    return nodeOf({
      kind: "layer",
      what,
      from: [origin],
      shape: [width],
      relu,
      map,
      rows: width,
      image: undefined,
    });
  }

  takeImage({ what }: Pick<Node, "what">, image: readonly [number, number, number]): void {
    if (this.inputImage && this.inputImage.join() !== image.join())
      throw new RequestError(what, `an input of one shape, [${this.inputImage.join(", ")}]`, image);
    this.inputImage = image;
  }

  /** The sum of two values of one shape. */
  private sum(node: Node, parts: readonly Activation[]): Activation {
    node.attributes().allow(["consumed_inputs"]);
    const [first, second] = parts as [Activation, Activation];
    const { axes } = first;
    const fits =
      axes.length === second.axes.length &&
      axes.every(({ size, isSample }, i) => {
        const other = second.axes[i]!;
        return isSample === other.isSample && (isSample || size === other.size);
      });
    if (!fits)
      throw new RequestError(
        node.what,
        `two values of one shape, ${shown(axes)}`,
        shown(second.axes),
        "sums that repeat one value are not read",
      );
    const from = parts.map((part) => this.flushed(node, part, false));
    const image = this.hasImages ? imageOf(axes) : undefined;
    const areImages =
      image && from.every((origin) => origin.kind === "input" || origin.shape.join() === image.join());
    if (areImages && from.includes(INPUT_ORIGIN)) this.takeImage(node, image);
    const origin = nodeOf({
      kind: "add",
      what: node.what,
      from,
      shape: areImages ? image : ([widthOf(axes)] as const),
      relu: false,
    });
    return {
      kind: "activation",
      name: node.outputs[0] ?? "",
      axes,
      type: first.type || second.type,
      origin,
      map: Affine.identity(),
      relu: "",
    };
  }

  private finish(outputs: readonly string[]): GivenNetwork | GivenGraph {
    const values = outputs.map((name) => {
      const value = this.values.get(name);
      if (!value || value.kind === "constant" || value.kind === "unread")
        throw new RequestError("graph, output", "a value that depends on the input", name);
      return value;
    });
    const all = values.map((value) => (value.kind === "activation" ? value : value.scores));
    const [scores] = all;
    if (!scores) throw new RequestError("graph, outputs", "one", outputs);
    const other = all.find(({ map, origin }) => map !== scores.map || origin !== scores.origin);
    if (other)
      throw new RequestError(
        "graph, outputs",
        "outputs of one last layer",
        outputs,
        "export the model with one of them",
      );
    const { map, origin } = scores;
    if (scores.order) throw outOfOrder("graph, output", scores);
    const chain = chainTo(origin);
    // The last layer of a chain has no ReLU.
    const isRectified = chain !== undefined && chain.length > 0 && map.isIdentity;
    const names = [...(isRectified ? [scores.relu] : []), ...this.leftOut].map((operator) =>
      operator.split(".").at(-1)!,
    );
    if (names.length > 0)
      this.note(
        `${names.join(", ")} at the end ${names.length > 1 ? "are" : "is"} left out: the outputs are those before ${names.length > 1 ? "them" : "it"}`,
      );
    if (outputs.length > 1)
      this.note(
        `the outputs are those of the last layer, ${quoted(scores.name)}, not ${outputs.map(quoted).join(", ")}`,
      );
    const output = { what: "graph, output" };
    if (!chain) return this.graph(this.flushed(output, scores, false) as NodeOrigin);
    const isOpen = chain.length > 0 ? !map.isIdentity : map.hasMatrix;
    const last = isOpen ? [this.flushed(output, scores, false) as LayerOrigin] : [];
    const layers = [...chain, ...last].map((layer) => closed(layer, false));
    const areExact = layers.every(({ exact }) => exact);
    // A bias behind the first layer would need the scale of the layers before it.
    const integer = areExact && layers.slice(1).every(({ layer }) => !layer.biases?.some(Boolean));
    const result = layers.map((layer) => scaled(layer, integer, areExact));
    checkLayers(result);
    return { layers: result, integer, notes: this.notes };
  }

  private graph(output: NodeOrigin): GivenGraph {
    const graph = graphOf(output, this.inputImage);
    if (graph.nodes.length > MAX_NODES)
      throw new RequestError("graph", `at most ${MAX_NODES} nodes`, graph.nodes.length);
    for (const node of graph.nodes) if (isGivenLinear(node)) checkLayers([node.layer]);
    productsOf(graph.nodes);
    return { ...graph, notes: this.notes };
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
    "branches that meet again are read where Add adds two of them",
  );
}

function outOfOrder(what: string, { name, axes }: Activation): RequestError {
  return new RequestError(
    what,
    `features of ${quoted(name)} in their order`,
    shown(axes),
    "a Transpose may change it only in front of a matrix; export images with channels first, by --inputs-as-nchw of tf2onnx",
  );
}

function unsupported(node: Node): RequestError {
  const { what, operator } = node;
  if (otherConvolutions.test(operator))
    return new RequestError(
      what,
      "Conv, MaxPool, AveragePool, GlobalMaxPool or GlobalAveragePool",
      operator,
      "other convolutions and pools are not read",
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
