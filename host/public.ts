// What the package offers on every platform; each adds its own `openEngine`.

export { phase, type PhaseOptions } from "./phase";
export type { Progress } from "./schedule";
export type { EngineName, Runner } from "./runner";
export type { EngineOptions } from "./open";
export { DifferenceError } from "./shadow";
export type { PhaseRequest } from "../src/experiments/phase";
export { ensembles, type Ensemble } from "../src/ensemble";
export type { Finding, PhaseFinding, Provenance } from "../src/finding";
export type { Estimate } from "../src/statistics";
