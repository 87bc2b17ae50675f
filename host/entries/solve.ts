// Entry `exacta/solve`: answers for instances of the caller's own.

export { solve, type SolveOptions } from "../experiments/solve.ts";
export type { SolveRequest } from "../../src/experiments/solve.ts";
export type { SolveFinding } from "../../src/finding.ts";
export type { AnswerName, Instance, Method } from "../../src/solve/problem.ts";
