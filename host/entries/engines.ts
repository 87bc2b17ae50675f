// Entry `exacta`, but for `openEngine`, which each platform supplies: engines and the errors of the package.

export type { Engine, EngineName, EngineOptions } from "../runner.ts";
export type { Progress } from "../schedule.ts";
export { DifferenceError } from "../shadow.ts";
export {
  CapacityError,
  RequestError,
  type OptionRemedy,
  type Remedy,
  type Spelling,
} from "../../src/errors.ts";
export type { Finding, Provenance } from "../../src/finding.ts";
