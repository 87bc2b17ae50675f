// What the names of tensors say: which layer a tensor belongs to, and as what.

import { Described, RequestError } from "../errors.ts";
import type { Tensor } from "./tensor.ts";
import { quoted } from "./text.ts";

/** What a tensor is to its layer. */
export type Role =
  | "weight"
  | "kernel"
  | "bias"
  | "weightMask"
  | "biasMask"
  | "scale"
  | "zeroPoint"
  | "mean"
  | "variance"
  | "counter"
  | "activation";

/** The ends of names, as PyTorch, its pruning, compressed-tensors, optimum-quanto, Keras and Flax write them. */
const roles: Readonly<Record<string, Role>> = {
  weight: "weight",
  weights: "weight",
  kernel: "kernel",
  bias: "bias",
  biases: "bias",
  weight_orig: "weight",
  weight_mask: "weightMask",
  bias_orig: "bias",
  bias_mask: "biasMask",
  "weight._data": "weight",
  scale: "scale",
  scales: "scale",
  weight_scale: "scale",
  weight_scales: "scale",
  "weight.scale": "scale",
  "weight._scale": "scale",
  zero_point: "zeroPoint",
  zero_points: "zeroPoint",
  weight_zero_point: "zeroPoint",
  "weight.zero_point": "zeroPoint",
  running_mean: "mean",
  running_var: "variance",
  num_batches_tracked: "counter",
};

const ends = Object.keys(roles)
  .toSorted((a, b) => b.length - a.length)
  .map((end) => end.replaceAll(".", "\\."));
/** `fc1.weight`, `dense/kernel:0`, `bias`. Groups: the stem, and the end. */
const NAME = new RegExp(`^(?:(.*?)[./_])?(${ends.join("|")})(?::0)?$`, "su");
/** How a layer's activations are rounded in a quantized model. */
const ACTIVATION = /^(?:(.*)[./])?((?:in|out)put_(?:scale|zero_point))$/su;

/** Names by which other kinds of files are known, and what these are. */
const foreign: readonly (readonly [RegExp, string, string])[] = [
  [
    /(^|[._])(qweight|qzeros|g_idx)$/,
    "weights of GPTQ or AWQ, several packed into each integer",
    "save the model with its weights unpacked to real numbers",
  ],
  [
    /(^|\.)(SCB|weight_format)$|\.(absmax|quant_map|nested_absmax|nested_quant_map)$|\.quant_state\./,
    "weights of bitsandbytes",
    "save the model with its weights as real numbers: model.dequantize()",
  ],
  [
    /(^|\.)weight_packed$/,
    "packed weights of compressed-tensors",
    "save the model without compression, as int8 with scales or as real numbers",
  ],
  [
    /(^|\.)_packed_params(\.|$)/,
    "packed parameters of torch.ao",
    "save layer.weight().int_repr() as name.weight, and its scales and zero points as name.weight_scale and name.weight_zero_point",
  ],
  [
    /(^|\.)(weight_[guv]$|parametrizations\.)/,
    "a weight that is computed from others (weight or spectral normalization)",
    "call torch.nn.utils.parametrize.remove_parametrizations, or remove_weight_norm, before saving",
  ],
  [/(^|[._])lora_/i, "a LoRA adapter", "merge it into its model: model.merge_and_unload()"],
];

/** The most tensors that an error lists. */
const MAX_LISTED_TENSORS = 12;

/** @throws {RequestError} For tensors by whose names a file is known to hold something else; says what, and what to do. */
export function refuseForeignNames(tensors: readonly Tensor[]): void {
  for (const { name } of tensors)
    for (const [pattern, what, remedy] of foreign)
      if (pattern.test(name))
        throw new RequestError(
          "tensors",
          "the weights and biases of layers",
          new Described(`${quoted(name)}: ${what}`),
          remedy,
        );
}

/** The layer and the role that a name says; undefined for other names. */
export function partOf(name: string): { stem: string; role: Role } | undefined {
  const activation = ACTIVATION.exec(name);
  if (activation) return { stem: activation[1] ?? "", role: "activation" };
  const match = NAME.exec(name);
  return match ? { stem: match[1] ?? "", role: roles[match[2]!]! } : undefined;
}

/** Splits a name into numbers, without leading zeros, and the text between them. */
export function partsOf(name: string): string[] {
  return (name.match(/\d+|\D+/g) ?? []).map((part) => part.replace(/^0+(?=\d)/, ""));
}

const isNumber = (part: string) => /^\d/.test(part);

/** Orders the parts of names, with numbers compared by value, so that 2 comes before 10. */
export function compareParts(a: readonly string[], b: readonly string[]): number {
  const [l, r] = firstDifference(a, b);
  const digits = isNumber(l) && isNumber(r) ? l.length - r.length : 0;
  return digits || (l < r ? -1 : Number(l > r));
}

/**
 * Whether names, given in their parts, are equal up to a number that is smaller in `a`. Otherwise names do not tell which layer
 * comes first.
 */
export function precedes(a: readonly string[], b: readonly string[]): boolean {
  const [l, r] = firstDifference(a, b);
  return isNumber(l) && isNumber(r) && compareParts([l], [r]) < 0;
}

function firstDifference(a: readonly string[], b: readonly string[]): [string, string] {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return [a[at] ?? "", b[at] ?? ""];
}

export function notLayers(wanted: string, tensors: readonly Tensor[], remedy?: string): RequestError {
  const listed = tensors
    .slice(0, MAX_LISTED_TENSORS)
    .map(({ name, shape }) => `${quoted(name)} [${shape.join(", ")}]`);
  const more = tensors.length > MAX_LISTED_TENSORS ? ` and ${tensors.length - MAX_LISTED_TENSORS} more` : "";
  const list = tensors.length === 0 ? "no tensors" : listed.join(", ") + more;
  return new RequestError("tensors", wanted, new Described(list), remedy);
}
