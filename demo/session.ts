// The inputs of the open view, and the address that draws it again.
//
// The address names the inputs that differ from their initial values. A wrong input keeps its last good value, and the error
// stands at its field.

import { signal, type ReadonlySignal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { RequestError } from "../src/errors.ts";
import type { Field, Fields } from "./fields.ts";
import { messageOf } from "./message.ts";

/** What the module of a view exports as `view`. */
export interface View<I> {
  readonly fields: Fields<I>;
  /**
   * Checks inputs that depend on each other.
   * @throws {RequestError} Names the field that is wrong.
   */
  readonly check?: (inputs: I) => void;
  readonly Component: FunctionComponent<{ readonly session: Session<I> }>;
}

/** Sentences about wrong inputs, by the name of the input. */
export type Problems = Readonly<Record<string, string>>;

export interface Session<I> {
  readonly inputs: ReadonlySignal<I>;
  readonly problems: ReadonlySignal<Problems>;
  /** The refused texts of a form, by the name of the input. */
  readonly refused: ReadonlySignal<Readonly<Record<string, string>>>;
  /**
   * Changes inputs and the address. A change makes an entry of the browser's history, but for one that `follows` a pointer or
   * a slider on its way.
   */
  readonly set: (changes: Partial<I>, options?: { readonly follows?: boolean }) => void;
  /** Reads one input from a text, as a form has it. Other inputs change with it. */
  readonly enter: (name: keyof I & string, text: string, others?: Partial<I>) => void;
}

/** A session as the page holds it. */
export interface OpenSession<I> extends Session<I> {
  /** Reads all inputs from an address. */
  readonly read: (params: URLSearchParams) => void;
}

interface Read<I> {
  readonly inputs: I;
  readonly problems: Problems;
}

/** Reads the inputs of a view from an address. A wrong or missing input has its initial value. */
export function readInputs<I>(
  { fields, check }: Pick<View<I>, "fields" | "check">,
  params: URLSearchParams,
): Read<I> {
  const problems: Record<string, string> = {};
  const names = namesOf(fields);
  const inputs = Object.fromEntries(
    names.map((name) => {
      const field = fields[name] as Field<unknown>;
      const text = params.get(name);
      if (text === null) return [name, field.initial];
      try {
        return [name, field.read(text, name)];
      } catch (error) {
        problems[name] = problemOf(error);
        return [name, field.initial];
      }
    }),
  ) as I;
  // Each pass returns one wrong input to its initial value; with initial values alone nothing is wrong.
  for (let pass = 0; pass <= names.length; pass++) {
    const error = checked(check, inputs);
    if (!error) break;
    const name = names.find((known) => known === error.field);
    problems[error.field] = messageOf(error);
    if (name) inputs[name] = fields[name].initial;
    else for (const each of names) inputs[each] = fields[each].initial;
  }
  return { inputs, problems };
}

/** Writes the inputs that differ from their initial values. */
export function writeInputs<I>(fields: Fields<I>, inputs: I, params: URLSearchParams): void {
  for (const name of namesOf(fields)) {
    const { initial, write } = fields[name];
    const text = write(inputs[name]);
    if (text === write(initial)) params.delete(name);
    else params.set(name, text);
  }
}

/** Opens the session of a view. `changed` is called after a change. */
export function openSession<I>(
  view: View<I>,
  params: URLSearchParams,
  changed: (follows: boolean) => void,
): OpenSession<I> {
  const first = readInputs(view, params);
  const inputs = signal(first.inputs);
  const problems = signal(first.problems);
  const refused = signal<Problems>({});

  /** Drops the problems of some fields and adds another one. */
  function report(names: readonly string[], problem: Problems = {}): void {
    const without = (record: Problems) =>
      Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
    problems.value = { ...without(problems.value), ...problem };
    refused.value = without(refused.value);
  }

  function set(changes: Partial<I>, { follows = false } = {}): void {
    const next = { ...inputs.value, ...changes };
    const error = checked(view.check, next);
    const names = Object.keys(changes);
    if (error) return report(names, { [error.field]: messageOf(error) });
    report(names);
    inputs.value = next;
    changed(follows);
  }

  return {
    inputs,
    problems,
    refused,
    set,
    enter(name, text, others) {
      try {
        set({ ...others, [name]: view.fields[name].read(text, name) });
      } catch (error) {
        report([name], { [name]: problemOf(error) });
      }
      if (problems.value[name] !== undefined) refused.value = { ...refused.value, [name]: text };
    },
    read(params) {
      const read = readInputs(view, params);
      inputs.value = read.inputs;
      refused.value = {};
      problems.value = read.problems;
    },
  };
}

const namesOf = <I>(fields: Fields<I>) => Object.keys(fields) as (keyof I & string)[];

/** The error of a check. Throws errors that are no refusals. */
function checked<I>(check: View<I>["check"], inputs: I): RequestError | undefined {
  try {
    check?.(inputs);
    return undefined;
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
}

/** The sentence about a refused input. Throws errors that are no refusals. */
function problemOf(error: unknown): string {
  if (error instanceof RequestError) return messageOf(error);
  throw error;
}
