// Entry `exacta/solve`: answers for instances of the caller's own.

export { solve, type SolveOptions } from "../experiments/solve.ts";
export type { InstanceColumns, Integers, Offsets, SolvedColumns } from "../experiments/columns.ts";
export type { ListRequest, SolveRequest } from "../../src/experiments/solve.ts";
export type { SolveFinding, SubsetFinding } from "../../src/finding.ts";
export type { AnswerName, Instance, Method } from "../../src/solve/problem.ts";
export type { Whole } from "../../src/solve/exact.ts";
