// Entry `exacta/ticket`: networks, tickets and their files, pruning, certificates and forward passes.

export {
  approximateNetwork,
  type ApproximatedNetwork,
  type ApproximateOptions,
} from "../experiments/approximate.ts";
export { runNetwork, type ForwardOptions } from "../experiments/network.ts";
export {
  pruneToTicket,
  targetDigest,
  type GraphPruneRequest,
  type PruneChoices,
  type Pruned,
  type PruneOptions,
  type PruneRequest,
} from "../experiments/ticket.ts";
export type { ApproximateRequest, Sharing } from "../../src/experiments/approximate.ts";
export type {
  ApproximateFailure,
  ApproximateFinding,
  DigitsFinding,
  GraphTicketFinding,
  GraphVerifyFinding,
  TicketFinding,
  VerifyFinding,
} from "../../src/finding.ts";
export { graphOfNetwork, networkOfGraph } from "../../src/graph/chain.ts";
export type { GraphOutline, NodeOutline } from "../../src/graph/outline.ts";
export { readGraph } from "../../src/graph/read.ts";
export type {
  AddNode,
  AveragePoolNode,
  BilinearNode,
  ConvNode,
  DenseNode,
  Epilogue,
  FactoredNode,
  FlattenNode,
  Graph,
  GraphInput,
  GraphNode,
  LinearNode,
  MaxPoolNode,
  PoolNode,
  ProductNode,
  Shape,
  Window,
} from "../../src/graph/model.ts";
export type { GivenLayer, GivenNetwork } from "../../src/import/given.ts";
export {
  importModel,
  importNetwork,
  readLayers,
  type ImportedNetwork,
  type ImportOptions,
} from "../../src/import/network.ts";
export type { ReadExternal } from "../../src/import/onnx/tensor.ts";
export {
  integerInput,
  realOutputs,
  type LayerQuantization,
  type Quantization,
  type RealScales,
} from "../../src/import/real.ts";
export {
  readNetwork,
  type Activation,
  type Layer,
  type Network,
  type Outline,
  type Quantizer,
} from "../../src/network.ts";
export { representedNetwork, verifyTicket, type Verification } from "../../src/ticket/certificate.ts";
export type { OutputComparison } from "../../src/ticket/comparison.ts";
export { decodeTicket, encodeTicket } from "../../src/ticket/file.ts";
export type { Mask } from "../../src/ticket/mask.ts";
export type { Pass } from "../../src/ticket/passes.ts";
export type { GraphScheme, InputSign, Pooling, Scheme } from "../../src/ticket/scheme.ts";
export type { Skip } from "../../src/ticket/skips.ts";
export type { Deviation, GraphTicket, Ticket } from "../../src/ticket/ticket.ts";
export {
  graphSchemeFor,
  schemeFor,
  type GraphSchemeRequest,
  type SchemeRequest,
} from "../../src/ticket/width.ts";
