// What the package offers on every platform; each adds its own `openEngine`.

export { measurePhase as phase, type PhaseOptions } from "./experiments/phase.ts";
export { measureRequired as required, type RequiredOptions } from "./experiments/required.ts";
export type { Progress } from "./schedule.ts";
export type { Engine, EngineName, EngineOptions } from "./runner.ts";
export { solve, type SolveOptions } from "./experiments/solve.ts";
export { runNetwork as forward, type ForwardOptions } from "./experiments/network.ts";
export {
  pruneToTicket as prune,
  targetDigest as digestOf,
  type Pruned,
  type PruneOptions,
  type PruneRequest,
} from "./experiments/ticket.ts";
export { measureWidth as width, type WidthOptions } from "./experiments/width.ts";
export { DifferenceError } from "./shadow.ts";
export type { PhaseRequest } from "../src/experiments/phase.ts";
export { ensembles, type Ensemble } from "../src/ensemble.ts";
export {
  computeTheory as theory,
  compareWithTheory as compare,
  type Gap,
  type TheoryRequest,
  type Violation,
} from "../src/experiments/theory.ts";
export { importNetwork, type ImportedNetwork, type ImportOptions } from "../src/import/network.ts";
export type { LayerQuantization, Quantization } from "../src/import/real.ts";
export type { SolveRequest } from "../src/experiments/solve.ts";
export type { AnswerName, Instance, Method } from "../src/solve/problem.ts";
export { readNetwork, type Network, type Outline, type Quantizer } from "../src/network.ts";
export { decodeTicket, encodeTicket } from "../src/ticket/file.ts";
export type { Pass } from "../src/ticket/passes.ts";
export type { Pooling, Scheme } from "../src/ticket/scheme.ts";
export { representedNetwork, verifyTicket as verify } from "../src/ticket/certificate.ts";
export type { Deviation, Ticket } from "../src/ticket/ticket.ts";
export type { RequiredRequest } from "../src/experiments/required.ts";
export { schemeFor, type SchemeRequest } from "../src/ticket/width.ts";
export type { WidthRequest } from "../src/experiments/width.ts";
export type {
  DigitsFinding,
  Finding,
  PhaseFinding,
  Provenance,
  PaperStatement,
  RequiredFinding,
  SolveFinding,
  TargetTheory,
  TheoryFinding,
  TicketFinding,
  VerifyFinding,
  WidthFinding,
} from "../src/finding.ts";
export type { Estimate } from "../src/statistics.ts";
/** The paper's statements, the limit laws and the rejection of products, as functions. */
export * as paper from "../src/theory/paper.ts";
export * as limits from "../src/theory/window.ts";
/** How often a weight has a subset of random products (Lemma 5), exactly. */
export * as construction from "../src/theory/construction.ts";
export { rejection, type Rejection } from "../src/theory/rejection.ts";
export { envelope, type Bound, type Envelope, type Prediction } from "../src/theory/envelope.ts";
export { moments, pairMoment, type Moments } from "../src/theory/moments.ts";
