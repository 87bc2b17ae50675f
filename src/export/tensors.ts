// The pruned network of a ticket as named tensors, and what a program needs to run them, as JSON.

import { isLinear } from "../graph/model.ts";
import type { ExportNetwork } from "./pruned.ts";

/** A tensor of a safetensors file. */
interface NamedTensor {
  readonly name: string;
  readonly dtype: "I16" | "I32" | "BOOL";
  readonly shape: readonly number[];
  readonly values: Int16Array | Int32Array | Uint8Array;
}

/**
 * The tensors of a network, named by node and part. Names of drawn weights end with `_orig` and those of masks with `_mask`,
 * as in torch.nn.utils.prune.
 */
export function namedTensors({ nodes, layers }: ExportNetwork): NamedTensor[] {
  const all = nodes.filter(isLinear).flatMap((node, index) =>
    Object.entries(layers[index]!.tensors).flatMap(([part, { shape, values, mask }]): NamedTensor[] => {
      const name = `${node.name}.${part}`;
      if (!mask) return [{ name, dtype: "I32", shape, values }];
      return [
        { name: `${name}_orig`, dtype: "I16", shape, values },
        { name: `${name}_mask`, dtype: "BOOL", shape, values: mask },
      ];
    }),
  );
  // Wide numbers come first, so that every tensor begins at a multiple of its number's size.
  return all.toSorted((a, b) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT);
}

/** The description of a network that its file has beside the tensors. */
export function describeNetwork({ input, nodes, constant, layers, seed, collapsed }: ExportNetwork): string {
  let index = 0;
  return JSON.stringify({
    seed: String(seed),
    collapsed,
    input: { ...input, constant },
    nodes: nodes.map((node) => {
      if (!isLinear(node)) return node;
      const { weights: _, biases: __, ...rest } = node;
      const { group: units, scaleBits, edge } = layers[index++]!;
      return { ...rest, units, scaleBits, edge };
    }),
  });
}
