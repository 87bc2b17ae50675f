// The engine of the page: its choice, and what computed the numbers that are shown.

import { useId } from "preact/hooks";
import { page, setEngine } from "../page.ts";
import type { OrderError } from "../worker/ask.ts";
import type { PageEngine } from "../worker/orders.ts";
import { Problem } from "./problem.tsx";

const words: Record<PageEngine, string> = {
  auto: "the fastest here (auto)",
  gpu: "the GPU (gpu)",
  cpu: "the CPU (cpu)",
};

/** Whether the worker refuses the engine, which the field `engine gpu` names. */
export function refusesEngine(error: OrderError | undefined): boolean {
  return error?.field?.startsWith("engine ") ?? false;
}

/** The worker's error. Where it refuses the engine, a button chooses another one. */
export function OrderProblem({ error }: { readonly error: OrderError }) {
  return (
    <>
      <Problem text={error.message} />
      {refusesEngine(error) && (
        <button type="button" onClick={() => setEngine("cpu")}>
          Compute on the CPU
        </button>
      )}
    </>
  );
}

/** A list of the engines, with the worker's error about them. */
export function EngineInput({ error }: { readonly error: OrderError | undefined }) {
  const id = useId();
  const problem = error && refusesEngine(error) ? error.message : undefined;
  return (
    <div class="field">
      <label for={id}>Computed by</label>
      <select
        id={id}
        name="engine"
        value={page.inputs.value.engine}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
        onChange={(event) => setEngine(event.currentTarget.value as PageEngine)}
      >
        {Object.entries(words).map(([engine, text]) => (
          <option key={engine} value={engine}>
            {text}
          </option>
        ))}
      </select>
      {problem !== undefined && <Problem id={`${id}-problem`} text={problem} />}
    </div>
  );
}

interface Computer {
  readonly engine: string;
  readonly adapter: string;
  readonly why: string;
}

/** What computes, and why. */
export function ComputedBy({ engine, adapter, why }: Computer) {
  return (
    <p class="faint" role="status">
      Computed by {adapter}
      {engine === "gpu" && " (WebGPU)"}, {why}.
    </p>
  );
}
