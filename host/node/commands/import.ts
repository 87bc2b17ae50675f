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
  };
}

export const networkOptions = networkOptionsFrom();
/** The same options for a network that must fit a ticket. */
export const ticketNetworkOptions = networkOptionsFrom("the ticket's");

/** The manual of the files that these options are about. */
export const networkManual = `
A network is a multilayer perceptron with ReLUs between its layers and a quantizer behind every layer: \`floor\`, \`truncate\`,
\`nearest\` or \`away\`. Its file is one of:

- JSON with \`bits\`, \`activationBits\` and \`layers\`: integers in -2^bits..2^bits as \`weights\`, and perhaps as \`biases\`, which are
  weights of an input that is always 1
- JSON with \`layers\` alone, of real numbers or integers
- safetensors: \`name.weight\` [outputs, inputs] or \`name.kernel\` [inputs, outputs], perhaps \`name.bias\`, in the order of the names
- ONNX: a chain of Gemm, or of MatMul and Add, with Relus between them

Integers are taken as they are. Real numbers are rounded to \`--target-bits\` with a scale for each layer, and the errors of the
weights and outputs are printed.`;

/** @throws {RequestError} for a value that an option does not take. */
export function readNetworkOptions({
  targetBits,
  activationBits,
  quantizer,
  clamp,
  inputScale,
}: ArgumentsOf<typeof networkOptions>): ImportOptions {
  return importOptions({
    targetBits: readNumber(targetBits),
    activationBits: readNumber(activationBits),
    quantizer,
    clamp,
    inputScale: readNumber(inputScale),
  });
}
