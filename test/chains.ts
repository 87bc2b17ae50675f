// ONNX models that are read as chains of layers.

import { isGivenGraph } from "../src/import/givenGraph.ts";
import type { GivenNetwork } from "../src/import/given.ts";
import { readOnnx } from "../src/import/onnx/read.ts";

/** The layers of a model. @throws {Error} Where the model is a graph. */
export function readChain(...call: Parameters<typeof readOnnx>): GivenNetwork {
  const given = readOnnx(...call);
  if (isGivenGraph(given)) throw new Error("a graph, not a chain of layers");
  return given;
}
