// The order `import`: reads a network that the visitor gives, keeps it for other orders, and tells about it.

import { locating, RequestError } from "../../src/errors.ts";
import { importNetwork, type ImportedNetwork } from "../../src/import/network.ts";
import { MAX_LAYERS } from "../../src/ticket/scheme.ts";
import { schemeFor } from "../../src/ticket/width.ts";
import { keepNetwork, type NetworkId } from "./networks.ts";
import type { Order } from "./orders.ts";

export interface ImportOrder extends Order {
  readonly request: {
    /** The name of the file, which errors begin with. */
    readonly name: string;
    /** JSON, safetensors or ONNX. */
    readonly file: Uint8Array<ArrayBuffer>;
  };
  readonly report: never;
  readonly answer: Pick<ImportedNetwork, "bits" | "notes" | "quantization"> & {
    readonly id: NetworkId;
    /** Whether a unit of every layer but the last is constant: its weights are the biases. */
    readonly constant: boolean;
  };
}

/** The most weights of a network, which one thread prunes in some minutes. */
const MAX_WEIGHTS = 2 ** 20;

export async function importFile({ name, file }: ImportOrder["request"]): Promise<ImportOrder["answer"]> {
  return locating(name, () => {
    const imported = importNetwork(file);
    const { network, bits, notes, quantization } = imported;
    const { layers } = network;
    if (layers.length > MAX_LAYERS) throw new RequestError("layers", `at most ${MAX_LAYERS}`, layers.length);
    const weights = layers.reduce((sum, layer) => sum + layer.weights.length, 0);
    if (weights > MAX_WEIGHTS)
      throw new RequestError(
        "weights",
        `at most ${MAX_WEIGHTS} on this page`,
        weights,
        "the command exacta ticket prunes larger networks",
      );
    // Throws where no random network of theory's width serves.
    for (const theorem of [1, 2] as const) schemeFor(network, bits, { theorem });
    return { id: keepNetwork(imported), bits, notes, quantization, constant: network.constant };
  });
}
