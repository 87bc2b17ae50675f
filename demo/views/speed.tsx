// Speed: the kernels measured on the visitor's CPU and GPU, side by side.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { useExports } from "../answer.ts";
import { integerField, type Fields } from "../fields.ts";
import { markPicture } from "../mark.ts";
import { useCopy } from "../parts/copy.ts";
import { EngineInput, OrderProblem } from "../parts/engine.tsx";
import { SelectInput } from "../parts/form.tsx";
import { Next } from "../parts/link.tsx";
import { Shown } from "../parts/shown.tsx";
import type { Session, View } from "../session.ts";
import { compared, engineNames, markdownOf, pictureOf, rateText, ratioText, shareOf } from "../speed/text.ts";
import { ask, type OrderError } from "../worker/ask.ts";
import type { BenchReport, BenchRow } from "../worker/bench.ts";
import { Term } from "../words.tsx";
import "./speed.css";

interface Inputs {
  /** How long each engine is measured at a time. */
  readonly milliseconds: number;
}

const fields: Fields<Inputs> = { milliseconds: integerField(200, 10, 10_000) };

export const view: View<Inputs> = { fields, Component: Speed };

const durations = { 50: "0.05 s", 200: "0.2 s", 1000: "1 s", 5000: "5 s" } as const;

interface Known {
  readonly state: "running" | "done" | "failed";
  readonly report?: BenchReport;
  readonly error?: OrderError;
}

function Speed({ session }: { readonly session: Session<Inputs> }) {
  const { milliseconds } = session.inputs.value;
  const [attempt, setAttempt] = useState(0);
  const { state, report, error } = useBench(milliseconds, attempt);
  const rows = report?.rows ?? [];
  const isDrawn = rows.length > 0;
  const hasGpu = report?.engines.some(({ engine, adapter }) => engine === "gpu" && adapter) ?? false;
  useLayoutEffect(() => {
    if (isDrawn) markPicture();
  }, [isDrawn]);
  useExports(
    report && {
      command: "exacta bench --only kernels --kernels reach,prune,forward",
      label: "Command that measures the same kernels",
      records: () => report.rows,
      picture: () => pictureOf(report),
    },
    [report],
  );
  const choices = { [milliseconds]: `${milliseconds / 1000} s`, ...durations };
  return (
    <div class="speed" data-state={state}>
      <h1>How fast is your machine?</h1>
      <p>
        The page measures how fast your CPU and your GPU draw <Term name="trial">trials</Term> (reach), find
        the <Term name="subset sum">sums</Term> of a <Term name="ticket" /> (prune) and run a network
        (forward). Both compute the same bits, and what they compute is explained in{" "}
        <a href="https://arxiv.org/abs/2508.11020">arXiv 2508.11020</a>.
      </p>
      <ul class="machines">
        {report?.engines.map(({ engine, adapter, problem }) => (
          <li key={engine}>
            <b>{engineNames[engine]}</b>: {adapter ?? problem}
          </li>
        ))}
      </ul>
      {error && <OrderProblem error={error} />}
      <Rates rows={rows} hasGpu={hasGpu} />
      <p class="faint" role="status">
        {state === "running" ? "The page is measuring." : state === "done" && agreementOf(rows)}
      </p>
      <div class="row" data-control data-first>
        <button type="button" disabled={state === "running"} onClick={() => setAttempt(attempt + 1)}>
          Measure again
        </button>
        <CopyButton text={() => markdownOf(report!)} isReady={isDrawn}>
          Copy as Markdown
        </CopyButton>
        <CopyButton text={() => JSON.stringify(report, null, 1)} isReady={isDrawn}>
          Copy as JSON
        </CopyButton>
      </div>
      <form class="row" aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
        <SelectInput
          view={view}
          session={session}
          name="milliseconds"
          label="A measurement takes"
          choices={choices}
        />
        <EngineInput error={undefined} />
      </form>
      <p class="faint">
        Your choice of what computes applies to the other views. The page leaves one thread of the CPU to the
        browser, and gives the GPU work for 8 ms at a time, since the GPU draws the screen as well. The
        command line has no such limits.
      </p>
      <Next name="digits">You have seen the whole laboratory. The digits are where it began.</Next>
      <Shown value={{ state, ...report }} />
    </div>
  );
}

/** Measures for as long as the request is the same. */
function useBench(milliseconds: number, attempt: number): Known {
  const key = `${milliseconds} ${attempt}`;
  const [known, setKnown] = useState<Known & { readonly key: string }>();
  useEffect(() => {
    let report: BenchReport | undefined;
    const show = (change: Omit<Known, "report">) => setKnown({ key, ...change, ...(report && { report }) });
    const order = ask("bench", { milliseconds }, (next) => {
      report = next;
      show({ state: "running" });
    });
    order.answer.then(
      () => show({ state: "done" }),
      (error: OrderError) => show({ state: "failed", error }),
    );
    return order.drop;
  }, [key]);
  // Rates of another request are not shown.
  return known?.key === key ? known : { state: "running" };
}

function Rates({ rows, hasGpu }: { readonly rows: readonly BenchRow[]; readonly hasGpu: boolean }) {
  const cell = (row: BenchRow | undefined) => (
    <td>
      {row && (
        <>
          <span class={`rate ${row.engine}`} style={{ width: `${100 * shareOf(row, rows)}%` }} />
          {rateText(row)}
        </>
      )}
    </td>
  );
  return (
    <div class="scroll" role="region" aria-label="Rates" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Work</th>
            <th scope="col">CPU</th>
            {hasGpu && <th scope="col">GPU</th>}
            {hasGpu && <th scope="col">GPU / CPU</th>}
          </tr>
        </thead>
        <tbody>
          {compared(rows).map((each) => (
            <tr key={`${each.kernel} ${each.size}`}>
              <th scope="row">
                {each.kernel} <span class="faint">{each.size}</span>
              </th>
              {cell(each.cpu)}
              {hasGpu && cell(each.gpu)}
              {hasGpu && <td>{ratioText(each)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether the engines computed the same, as far as both are measured. */
function agreementOf(rows: readonly BenchRow[]): string {
  const both = compared(rows).filter(({ cpu, gpu }) => cpu?.digest && gpu?.digest);
  if (both.length === 0)
    return "Each rate is the median of 3 measurements, or a single one where the work takes long.";
  const differ = both.filter(({ cpu, gpu }) => cpu!.digest !== gpu!.digest);
  if (differ.length === 0) return `CPU and GPU computed the same bits in all ${both.length} rows.`;
  return `CPU and GPU differ in ${differ.map(({ kernel, size }) => `${kernel}, ${size}`).join("; ")}: please report this.`;
}

const selectAll = (area: HTMLTextAreaElement | null) => area?.select();

/** A button that copies a text. Where the browser refuses, the text is selected for the visitor to copy. */
function CopyButton({
  text,
  isReady,
  children,
}: {
  readonly text: () => string;
  readonly isReady: boolean;
  readonly children: string;
}) {
  const { state, copy } = useCopy();
  return (
    <>
      <button type="button" disabled={!isReady} onClick={() => copy(text())}>
        {state === "copied" ? "Copied" : children}
      </button>
      {state === "refused" && isReady && (
        <textarea
          readOnly
          rows={4}
          aria-label={`${children}: the browser refuses, copy this text`}
          value={text()}
          ref={selectAll}
        />
      )}
    </>
  );
}
