// Recognizes the layers in named tensors: matrices called weight or kernel, in the order of their names, each perhaps with a
// bias of the same name.

import { Described, RequestError } from "../errors.ts";
import { MAX_LAYERS } from "../ticket/scheme.ts";
import { MAX_WEIGHTS, transposed, type GivenNetwork } from "./given.ts";
import { countOf, type Tensor } from "./tensor.ts";
import { quoted } from "./text.ts";

/** The name of a weight or bias: `fc1.weight`, `dense/kernel:0`, `bias`. Groups: the stem, and the kind of a weight. */
const NAME = /^(?:(.*)[./_])?(?:(weights?|kernel)|bias(?:es)?)(?::0)?$/su;

/** The most tensors that an error lists. */
const MAX_LISTED_TENSORS = 12;

interface Matrix {
  readonly stem: string;
  readonly tensor: Tensor;
  readonly bias: Tensor | undefined;
  /** Whether its name says kernel: shape [inputs, outputs], y = x K. Weights have shape [outputs, inputs]. */
  readonly isKernel: boolean;
}

/**
 * The network of named tensors. Layers are in the order of their names, with numbers in names compared by value. Weights have
 * a row for every output, kernels a column; all are transposed if only then the layers fit together and have their biases.
 * @throws {RequestError} For tensors that are not such layers, and for layers that do not fit together in that order.
 */
export function networkOfTensors(tensors: readonly Tensor[]): GivenNetwork {
  const matrices = matricesOf(tensors);
  const fitsAsNamed = fitTogether(matrices, false);
  // Without the bias of a rectangular matrix, transposed layers cannot be told from layers in the opposite order.
  const swapped =
    !fitsAsNamed &&
    fitTogether(matrices, true) &&
    matrices.some(({ tensor, bias }) => bias && tensor.shape[0] !== tensor.shape[1]);
  if (!fitsAsNamed && !swapped)
    throw notLayers(
      "matrices that follow one another in the order of their names",
      matrices.flatMap(({ tensor, bias }) => [tensor, ...(bias ? [bias] : [])]),
      "each needs as many inputs as the one before has outputs; rename matrices that are in another order",
    );
  const weights = matrices.reduce((sum, { tensor }) => sum + countOf(tensor.name, tensor.shape), 0);
  if (weights > MAX_WEIGHTS) throw new RequestError("weights", `at most ${MAX_WEIGHTS}`, weights);
  const integer = tensors[0]!.integer;
  if (tensors.some((tensor) => tensor.integer !== integer))
    throw notLayers("integers only, or real numbers only", tensors);
  return {
    layers: matrices.map((matrix) => {
      const { tensor, bias, isKernel } = matrix;
      const [first, second] = tensor.shape as readonly [number, number];
      const { rows, columns } = dimensionsOf(matrix, swapped);
      const values = tensor.values();
      return {
        name: tensor.name,
        rows,
        columns,
        weights: isKernel === swapped ? values : transposed(values, first, second),
        biases: bias?.values(),
      };
    }),
    integer,
    notes: swapped
      ? ["matrices are read with inputs and outputs swapped: only then do they follow one another"]
      : [],
  };
}

function matricesOf(tensors: readonly Tensor[]): Matrix[] {
  const weights = new Map<string, Tensor>();
  const biases = new Map<string, Tensor>();
  const kernels = new Set<string>();
  for (const tensor of tensors) {
    const match = NAME.exec(tensor.name);
    const [stem = "", kind] = match?.slice(1) ?? [];
    const same = kind ? weights : biases;
    if (!match || same.has(stem) || tensor.shape.length !== (kind ? 2 : 1))
      throw notLayers("a weight (two dimensions), and perhaps a bias (one), for every layer", [
        tensor,
        ...tensors.filter((other) => other !== tensor),
      ]);
    same.set(stem, tensor);
    if (kind === "kernel") kernels.add(stem);
  }
  const alone = [...biases.keys()].find((stem) => !weights.has(stem));
  if (weights.size === 0 || weights.size > MAX_LAYERS || alone !== undefined)
    throw notLayers(`1..${MAX_LAYERS} weights, each bias with one of the same name`, tensors);
  return [...weights]
    .map(([stem, tensor]) => ({ stem, tensor, bias: biases.get(stem), isKernel: kernels.has(stem) }))
    .toSorted((a, b) => compareNames(a.stem, b.stem));
}

/** The outputs and inputs of a matrix. */
function dimensionsOf({ tensor, isKernel }: Matrix, swapped: boolean): { rows: number; columns: number } {
  const [first, second] = tensor.shape as readonly [number, number];
  return isKernel === swapped ? { rows: first, columns: second } : { rows: second, columns: first };
}

/** Whether every matrix has as many inputs as the one before it has outputs, and every bias as many as its matrix. */
function fitTogether(matrices: readonly Matrix[], swapped: boolean): boolean {
  const dimensions = matrices.map((matrix) => dimensionsOf(matrix, swapped));
  return matrices.every(
    ({ bias }, l) =>
      (l === 0 || dimensions[l]!.columns === dimensions[l - 1]!.rows) &&
      (!bias || bias.shape[0] === dimensions[l]!.rows),
  );
}

/** Orders names with numbers in them compared by value, so that 2 comes before 10. */
function compareNames(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  const at = left.findIndex((part, i) => part !== right[i]);
  const [l, r] = [left[at] ?? "", right[at] ?? ""];
  const digits = /^\d/.test(l) && /^\d/.test(r) ? l.length - r.length : 0;
  return digits || (l < r ? -1 : Number(l > r));
}

/** Splits a name into numbers, without leading zeros, and the text between them. */
function partsOf(name: string): string[] {
  return (name.match(/\d+|\D+/g) ?? []).map((part) => part.replace(/^0+(?=\d)/, ""));
}

function notLayers(wanted: string, tensors: readonly Tensor[], remedy?: string): RequestError {
  const listed = tensors
    .slice(0, MAX_LISTED_TENSORS)
    .map(({ name, shape }) => `${quoted(name)} [${shape.join(", ")}]`);
  const more = tensors.length > MAX_LISTED_TENSORS ? ` and ${tensors.length - MAX_LISTED_TENSORS} more` : "";
  const list = tensors.length === 0 ? "no tensors" : listed.join(", ") + more;
  return new RequestError("tensors", wanted, new Described(list), remedy);
}
