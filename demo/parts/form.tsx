// Inputs of a view as elements of a form. A wrong text stands in its field with the sentence about it below.

import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import type { Session, View } from "../session.ts";
import { Problem } from "./problem.tsx";

interface InputProps<I> {
  readonly view: Pick<View<I>, "fields">;
  readonly session: Session<I>;
  readonly name: keyof I & string;
  readonly label: ComponentChildren;
}

/** A field for a text, which is read when it loses the focus or at the enter key. */
export function TextInput<I>({
  view,
  session,
  name,
  label,
  others,
  ...rest
}: InputProps<I> & {
  /** Other inputs that change with this one. */
  readonly others?: Partial<I>;
  readonly inputMode?: "numeric" | "text";
  readonly size?: number;
  readonly placeholder?: string;
}) {
  const id = useId();
  const problem = session.problems.value[name];
  const refused = problem === undefined ? undefined : session.refused.value[name];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...rest}
        id={id}
        name={name}
        spellcheck={false}
        autocomplete="off"
        value={refused ?? view.fields[name].write(session.inputs.value[name])}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
        onChange={(event) => session.enter(name, event.currentTarget.value, others)}
      />
      {problem !== undefined && <Problem id={`${id}-problem`} text={problem} />}
    </div>
  );
}

/** A list of choices, each with its words. */
export function SelectInput<I>({
  view,
  session,
  name,
  label,
  choices,
}: InputProps<I> & { readonly choices: Readonly<Record<string, string>> }) {
  const id = useId();
  const problem = session.problems.value[name];
  const value = view.fields[name].write(session.inputs.value[name]);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        value={value}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
        onChange={(event) => session.enter(name, event.currentTarget.value)}
      >
        {Object.entries(choices).map(([choice, words]) => (
          <option key={choice} value={choice}>
            {words}
          </option>
        ))}
      </select>
      {problem !== undefined && <Problem id={`${id}-problem`} text={problem} />}
    </div>
  );
}

/** A slider over integers. A drag makes one entry of the browser's history. */
export function SliderInput<I>({
  session,
  name,
  label,
  from,
  to,
  value = session.inputs.value[name] as number,
  text,
}: Omit<InputProps<I>, "view"> & {
  readonly from: number;
  readonly to: number;
  /** The number that stands for an input that is no number. */
  readonly value?: number;
  /** The value in words, as assistive technology reads it. */
  readonly text?: (value: number) => string;
}) {
  const id = useId();
  const problem = session.problems.value[name];
  const isDragged = useRef(false);
  return (
    <div class="field slider">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type="range"
        min={from}
        max={to}
        value={value}
        aria-valuetext={text?.(value)}
        onInput={(event) => {
          const unchanged: Partial<I> = {};
          const changes = { ...unchanged, [name]: event.currentTarget.valueAsNumber };
          session.set(changes, { follows: isDragged.current });
          isDragged.current = true;
        }}
        onChange={() => (isDragged.current = false)}
      />
      {problem !== undefined && <Problem text={problem} />}
    </div>
  );
}

/** Choices side by side, each with its words. One of them is chosen. */
export function RadioInput<I, Name extends keyof I & string>({
  session,
  name,
  legend,
  choices,
}: {
  readonly session: Session<I>;
  readonly name: Name;
  readonly legend: ComponentChildren;
  readonly choices: Readonly<Record<I[Name] & string, string>>;
}) {
  return (
    <fieldset class="radios">
      <legend>{legend}</legend>
      {(Object.entries(choices) as [I[Name] & string, string][]).map(([choice, words]) => (
        <label key={choice}>
          <input
            type="radio"
            name={name}
            value={choice}
            checked={session.inputs.value[name] === choice}
            onChange={() => session.enter(name, choice)}
          />
          {words}
        </label>
      ))}
    </fieldset>
  );
}
