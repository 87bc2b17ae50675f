// What operators share: the values that they read, and the checks of their inputs.

import { RequestError } from "../../errors.ts";
import { transposed } from "../given.ts";
import { quoted } from "../text.ts";
import type { Affine, Matrix } from "./affine.ts";
import type { Axes } from "./axes.ts";
import { plain, type Budget } from "./fold.ts";
import type { Attributes, Node } from "./model.ts";
import type { Origin } from "./origin.ts";
import { isFloat, rangeOf, typeName, type Constant } from "./tensor.ts";

/** A value that depends on the input. */
export interface Activation {
  readonly kind: "activation";
  readonly name: string;
  readonly axes: Axes;
  /** The number of its element type, 0 where it is not known. */
  readonly type: number;
  /** The node behind whose output no other node is fixed yet. */
  readonly origin: Origin;
  /** From the outputs of that node to the features. */
  readonly map: Affine;
  /** Which feature of the map each feature is, where Transpose changed their order. */
  readonly order?: Int32Array | undefined;
  /** The operator of the last ReLU. */
  readonly relu: string;
}

/** A value behind the last layer. */
export interface LeftOut {
  readonly kind: "left out";
  /** The value in front of it. */
  readonly scores: Activation;
  /** The first operator behind the scores. */
  readonly node: Node;
}

/** A node of which one input is an activation, and all others are constant. */
export interface Step {
  readonly node: Node;
  readonly attributes: Attributes;
  readonly activation: Activation;
  /** Which input the activation is. */
  readonly at: number;
  readonly inputs: readonly (Constant | Activation | undefined)[];
}

/** What operators need of the walk through the graph. */
export interface Walk {
  readonly budget: Budget;
  /** @throws {RequestError} Where the network has too many weights. */
  readonly grow: (what: string, weights: number) => void;
  readonly note: (text: string) => void;
  /** The activation after a ReLU. */
  readonly rectified: (step: Step) => Activation;
  /** The node whose output is the activation, perhaps after a ReLU. */
  readonly flushed: (node: Node, activation: Activation, relu: boolean) => Origin;
  /** The input of the model is an image. @throws {RequestError} Where it is an image of another shape as well. */
  readonly takeImage: (node: Node, image: readonly [number, number, number]) => void;
  /** Leaves out the node, which may follow only the last layer. */
  readonly leave: (node: Node, scores: Activation) => LeftOut;
}

export type Apply = (walk: Walk, step: Step) => Activation | LeftOut;

export function refusal({ node }: Step, expected: string, received: unknown, remedy?: string): RequestError {
  return new RequestError(node.what, expected, received, remedy);
}

/** The constant that is input k. */
export function constantAt(step: Step, k: number): Constant {
  const value = step.inputs[k];
  if (value?.kind !== "constant") throw refusal(step, `a constant as input ${k}`, step.node.inputs[k]);
  return value;
}

/** The numbers of input k; undefined where it is left out. */
export function numbersAt(walk: Walk, step: Step, k: number): Float64Array<ArrayBuffer> | undefined {
  return step.inputs[k] && plain(step.node.what, constantAt(step, k), walk.budget);
}

export function listAt(walk: Walk, step: Step, k: number): number[] | undefined {
  const numbers = numbersAt(walk, step, k);
  return numbers && Array.from(numbers);
}

export function expectFirst(step: Step): void {
  if (step.at !== 0) throw refusal(step, `${quoted(step.activation.name)} as input 0`, step.node.inputs);
}

/** The activation with other axes, and perhaps another map. */
export function changed(step: Step, changes: Partial<Activation>): Activation {
  return { ...step.activation, ...changes, name: step.node.outputs[0] ?? "" };
}

export const isInteger = (type: number) => rangeOf(type) !== undefined;

/** The type of an operator's numbers. Types that are both known must be both floats, or both integers. */
export function commonType(step: Step, { name, type }: Constant): number {
  const { activation } = step;
  if (!isFloat(type) && !isInteger(type)) throw refusal(step, `numbers as ${quoted(name)}`, typeName(type));
  if (activation.type !== 0 && isFloat(activation.type) !== isFloat(type))
    throw refusal(
      step,
      `${quoted(name)} of type ${typeName(activation.type)}, as ${quoted(activation.name)} is`,
      typeName(type),
    );
  return activation.type || type;
}

/** A constant as a matrix. A kernel has shape [inputs, outputs], other matrices have shape [outputs, inputs]. */
export function matrixOf(
  walk: Walk,
  step: Step,
  constant: Constant,
  isKernel: boolean,
  shape = constant.shape,
): Matrix {
  const { name, scales, exact } = constant;
  const [first, second, ...more] = shape;
  if (first === undefined || second === undefined || more.length > 0)
    throw refusal(step, `a matrix as ${quoted(name)}`, constant.shape);
  walk.grow(step.node.what, first * second);
  const isApart = !scales || scales.axis === undefined || scales.axis === Number(isKernel);
  const values = isApart ? constant.values() : plain(step.node.what, constant, walk.budget);
  if (isApart) walk.budget.spend(step.node.what, values.length);
  else walk.note(`the integers of ${quoted(name)} have a scale for each input: they are multiplied by them`);
  return {
    name,
    rows: isKernel ? second : first,
    columns: isKernel ? first : second,
    values: isKernel ? transposed(values, first, second) : values.slice(),
    integer: exact && isApart,
    scales: isApart && scales ? scales.values : Float64Array.of(1),
  };
}
