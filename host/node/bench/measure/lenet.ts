// The LeNet-5 of the package, for sections that measure a convolutional network.

import { readFile } from "node:fs/promises";
import { readGraph } from "../../../../src/graph/read.ts";
import type { Graph } from "../../../../src/graph/model.ts";
import { LENET_NETWORK } from "../../packaged.ts";

export const LENET_TEXT = "LeNet-5";

export async function lenet(): Promise<Graph> {
  return readGraph(JSON.parse(await readFile(LENET_NETWORK, "utf8")));
}
