// Options for what the file of a network may leave open.

import { importOptions, type ImportOptions } from "../../../src/import/network.ts";
import { quantizers } from "../../../src/network.ts";
import { readNumber } from "../formats/arguments.ts";
import { flag, value, type ArgumentsOf } from "./command.ts";

/** @param source Where the values come from without the options, instead of the defaults of an import. */
function networkOptionsFrom(source?: string) {
  return {
    targetBits: value("k", "bits of the network's weights", source ?? "8, or those of its integers"),
    activationBits: value("m", "bits of its inputs and activations", source ?? "8"),
    quantizer: value("name", `the quantizer behind every layer: ${quantizers.join(", ")}`, source ?? "floor"),
    clamp: flag("clamp activations to -1..1"),
    inputScale: value("number", "the real input that is 1 to the network", "1"),
    order: value(
      "list",
      "the layers of a safetensors file in their order, such as encoder.0,decoder.0",
      "as their shapes and the numbers in their names decide",
    ),
  };
}

export const networkOptions = networkOptionsFrom();
/** The same options for a network that must fit a ticket. */
export const ticketNetworkOptions = networkOptionsFrom("the ticket's");

/** The manual of the files that these options are about. */
export const networkManual = `
A network is a multilayer perceptron with ReLUs between its layers and a quantizer behind every layer: \`floor\`, \`truncate\`,
\`nearest\` or \`away\`, or a graph. Its file is one of:

- JSON with \`bits\`, \`activationBits\` and \`layers\`: integers in -2^bits..2^bits as \`weights\`, and perhaps as \`biases\`, which are
  weights of an input that is always 1
- JSON with \`layers\` alone, of real numbers or integers
- safetensors: \`name.weight\` [outputs, inputs] or \`name.kernel\` [inputs, outputs], perhaps \`name.bias\`; integers perhaps with
  \`name.weight_scale\` and \`name.weight_zero_point\`; pruned weights as \`name.weight_orig\` and \`name.weight_mask\`; batch
  normalizations beside a layer
- JSON with \`nodes\`: a graph of convolutions, dense layers, attention, pools and additions, of integers
- ONNX: a chain of matrices and ReLUs, or a graph with Conv, MaxPool, AveragePool and residual Add. Affine operators between ReLUs (Gemm, MatMul, Add, Sub, Mul, Div, BatchNormalization) become
  one layer, and operators behind the last layer are left out with a note. Weights may be in files beside the model

Integers are taken as they are. Integers with scales are kept where they fit, and a note says what is multiplied or rounded.
Real numbers are rounded to \`--target-bits\` with a scale for each layer, and the errors of the weights and outputs are printed.

Layers of safetensors are in the order in which they fit together, those whose names differ in a number in the order of that
number. Where more than one order fits, as for an encoder and a decoder, \`--order\` states it, or an entry of the file's metadata
that lists the layers.`;

/** @throws {RequestError} for a value that an option does not take. */
export function readNetworkOptions({
  targetBits,
  activationBits,
  quantizer,
  clamp,
  inputScale,
  order,
}: ArgumentsOf<typeof networkOptions>): ImportOptions {
  return importOptions({
    targetBits: readNumber(targetBits),
    activationBits: readNumber(activationBits),
    quantizer,
    clamp,
    inputScale: readNumber(inputScale),
    order: order?.split(","),
  });
}
