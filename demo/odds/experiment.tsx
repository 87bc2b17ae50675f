// The settings: a form of the experiment, closed where the experiment is the initial one.

import { ensembles, type Ensemble } from "../../src/ensemble.ts";
import { useState } from "preact/hooks";
import { page } from "../page.ts";
import { EngineInput, refusesEngine } from "../parts/engine.tsx";
import { SelectInput, TextInput } from "../parts/form.tsx";
import { Problem } from "../parts/problem.tsx";
import type { Session, View } from "../session.ts";
import { Term } from "../words.tsx";
import type { OrderError } from "../worker/ask.ts";
import { bitsOfText, isOwnExperiment, mostBits, type Inputs } from "./inputs.ts";

const laws: Record<Ensemble, string> = {
  rssp: "−M..M without 0 (rssp)",
  rssp0: "−M..M with 0 (rssp0)",
  rnpp: "1..M with a sign (rnpp)",
  products: "u · v, without 0 (products)",
  products0: "u · v, with 0 (products0)",
};

/** The bits that have a checkbox are 1..MAX_BITS, the most of any ensemble. */
const MAX_BITS = Math.max(...ensembles.map(mostBits));

interface ExperimentProps {
  readonly view: View<Inputs>;
  readonly session: Session<Inputs>;
  /** The worker's error, which is shown here where it is about the engine. */
  readonly error: OrderError | undefined;
}

export function Experiment({ view, session, error }: ExperimentProps) {
  const form = { view, session };
  const inputs = session.inputs.value;
  const { ensemble } = inputs;
  const [isOpen] = useState(() => isOwnExperiment(inputs) || page.inputs.value.engine !== "auto");
  const hasProblem = Object.keys(session.problems.value).length > 0 || refusesEngine(error);
  return (
    <details class="experiment" open={isOpen || hasProblem}>
      <summary>Settings</summary>
      <form aria-label="The experiment" autocomplete="off" onSubmit={(event) => event.preventDefault()}>
        <SelectInput {...form} name="ensemble" label="Numbers are drawn from" choices={laws} />
        <p class="faint">
          <Term name={ensemble}>What is {ensemble}?</Term>
        </p>
        <BitsInput session={session} />
        <TextInput {...form} name="items" label="How many numbers, n from..to" />
        <TextInput {...form} name="targets" label="Targets, with commas; M is the largest" />
        <TextInput {...form} name="trials" label="Trials of each curve; empty: until you pause" />
        <TextInput {...form} name="seed" label="Seed" inputMode="numeric" />
        <EngineInput error={error} />
        <p class="faint">
          The same seed gives the same counts on every machine. A band is the <Term name="95 % interval" />.
          In a <Term name="trial" /> the draw of n numbers begins with the draw of n − 1.
        </p>
      </form>
    </details>
  );
}

function BitsInput({ session }: { readonly session: Session<Inputs> }) {
  const { ensemble, bits } = session.inputs.value;
  const checked = bitsOfText(bits);
  const problem = session.problems.value["bits"];
  return (
    <fieldset class="bits">
      <legend>
        Bits k, one curve each: <Term name="precision">M = 2^k, for products 4^k</Term>
      </legend>
      {Array.from({ length: MAX_BITS }, (_, i) => i + 1).map((k) => (
        <label key={k}>
          <input
            type="checkbox"
            name="bits"
            value={k}
            checked={checked.includes(k)}
            disabled={k > mostBits(ensemble)}
            onChange={() => {
              const next = checked.includes(k) ? checked.filter((one) => one !== k) : [...checked, k];
              session.enter("bits", next.toSorted((a, b) => a - b).join(","));
            }}
          />
          {k}
        </label>
      ))}
      {problem !== undefined && <Problem text={problem} />}
    </fieldset>
  );
}
