// Files that the package ships. The build puts this module into dist/node/, which is as deep below the package's folder as
// host/node/ is, so one relative path is right for both: do not move this file to another depth.

import { fileURLToPath } from "node:url";

/** A perceptron of 784, 32 and 10 units that reads handwritten digits; examples/digits/README.md names its source. */
export const DIGITS_NETWORK = fileURLToPath(
  new URL("../../examples/digits/digits.safetensors", import.meta.url),
);

/** A convolutional network that reads handwritten digits; examples/lenet/README.md describes it. */
export const LENET_NETWORK = fileURLToPath(new URL("../../examples/lenet/lenet.json", import.meta.url));
