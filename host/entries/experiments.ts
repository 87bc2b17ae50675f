// Entry `exacta/experiments`: experiments on random instances, measured on an engine.

export { measurePhase, type PhaseOptions } from "../experiments/phase.ts";
export { measurePartition, type PartitionOptions } from "../experiments/partition.ts";
export { measureRequired, type RequiredOptions } from "../experiments/required.ts";
export { measureTail, type TailOptions } from "../experiments/tail.ts";
export { measureWidth, type WidthOptions } from "../experiments/width.ts";
export { ensembles, type Ensemble } from "../../src/ensemble.ts";
export type { PartitionRequest } from "../../src/experiments/partition.ts";
export type { PhaseRequest } from "../../src/experiments/phase.ts";
export type { RequiredRequest } from "../../src/experiments/required.ts";
export type { TailRequest } from "../../src/experiments/tail.ts";
export type { WidthRequest } from "../../src/experiments/width.ts";
export type {
  Failure,
  DepthFinding,
  PartitionFinding,
  MeasuredFailure,
  PhaseFinding,
  RequiredFinding,
  TailFinding,
  TailMethod,
  WidthFinding,
} from "../../src/finding.ts";
export type { Estimate } from "../../src/statistics.ts";
