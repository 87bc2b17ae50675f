// The page: reads an experiment from the address and the form, has the worker run it, and draws the reports.

import { renderFigure } from "../host/figure.ts";
import type { PhaseConfig } from "../src/experiments/phase.ts";
import type { MeasuredSweep } from "../src/experiments/sweep.ts";
import { phaseEvents, phaseFigures } from "../src/figures/phase.ts";
import type { PhaseFinding, TheoryFinding } from "../src/finding.ts";
import { openControls, readInputs, showInputs } from "./controls.ts";
import { readAddress, readConfigs, readEngine, writeAddress, type Inputs } from "./inputs.ts";
import { messageOf, type Count, type Order, type Report } from "./messages.ts";
import { numbersTable } from "./numbers.ts";

const at = (id: string) => document.getElementById(id) as HTMLElement;
const form = at("controls") as HTMLFormElement;
const figures = at("figures");
const progress = at("progress") as HTMLProgressElement;
const engineLine = at("engine");
const error = at("error");
const numbers = at("numbers") as HTMLDetailsElement;
const stop = at("stop") as HTMLButtonElement;
const download = at("download") as HTMLButtonElement;

let worker: Worker | undefined;
const order = (message: Order) => (worker ??= openWorker()).postMessage(message);

let run = 0;
let configs: readonly PhaseConfig[] = [];
/** The theory of each configuration; an empty list where its computation would take too long. */
let theory: readonly (readonly TheoryFinding[])[] = [];
/** The sweeps and findings of the last report. */
let sweeps: readonly MeasuredSweep[] = [];
let findings: readonly PhaseFinding[] = [];

function start(inputs: Inputs): void {
  run++;
  try {
    const engine = readEngine(inputs);
    configs = readConfigs(inputs);
    showError("");
    theory = [];
    enter("running");
    progress.value = 0;
    engineLine.textContent ||= "Looking for a GPU.";
    order({ type: "start", run, engine, configs });
  } catch (problem) {
    order({ type: "stop" });
    fail(messageOf(problem));
  }
}

/** Shows the state of the run. Tests of the page wait for `data-state`. */
function enter(state: "running" | "done" | "stopped" | "error"): void {
  document.body.dataset["state"] = state;
  stop.disabled = state !== "running";
}

function showError(message: string): void {
  error.textContent = message;
  error.hidden = message === "";
}

function fail(message: string): void {
  engineLine.textContent = "";
  showError(message);
  enter("error");
}

function openWorker(): Worker {
  const opened = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  opened.addEventListener("message", ({ data }: MessageEvent<Report>) => receive(data));
  opened.addEventListener("error", (event) => {
    fail(`worker: ${event.message || "did not start"}`);
    // A worker that failed to load handles no messages, so the next order opens another one.
    opened.terminate();
    worker = undefined;
  });
  return opened;
}

function receive(data: Report): void {
  // A run that another one replaced still reports its end.
  if (data.run !== run) return;
  if (data.type === "error") return fail(data.message);
  if (data.type === "engine") {
    engineLine.textContent = `Computed by ${data.adapter} (${data.engine === "gpu" ? "WebGPU" : data.engine}), ${data.why}.`;
    return;
  }
  if (data.type === "theory") {
    theory = data.theory;
    return;
  }
  show(data);
  if (data.type === "end") enter(data.stopped ? "stopped" : "done");
}

function show({ done, total, seconds, ...rest }: Count): void {
  sweeps = configs.map((config, i) => ({ config, findings: rest.findings[i]!, theory: theory[i] ?? [] }));
  findings = rest.findings.flat();
  at("findings").textContent = JSON.stringify(findings);
  download.disabled = findings.length === 0;
  progress.value = done / total;
  const rate = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(
    done / seconds,
  );
  at("count").textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} trials, ${rate}/s`;
  draw();
  tabulate();
}

/** Draws the figures as wide as their columns, since scaling them would scale their text. */
function draw(): void {
  const columns = figures.clientWidth >= 760 ? 2 : 1;
  const width = Math.floor(figures.clientWidth / columns) - (columns - 1) * 12;
  figures.style.setProperty("--columns", String(columns));
  figures.replaceChildren(
    ...phaseFigures(phaseEvents(sweeps)).map((figure) => renderFigure(figure, document, width)),
  );
}

function tabulate(): void {
  if (numbers.open) numbers.querySelector("div")!.replaceChildren(numbersTable(findings));
}

/** The width of the figures when they were last drawn, in CSS pixels. */
let drawnWidth = 0;
new ResizeObserver(() => {
  if (figures.clientWidth === drawnWidth) return;
  drawnWidth = figures.clientWidth;
  draw();
}).observe(figures);

numbers.addEventListener("toggle", tabulate);
stop.addEventListener("click", () => order({ type: "stop" }));
download.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(
    new Blob(
      findings.map((finding) => `${JSON.stringify(finding)}\n`),
      { type: "application/jsonl" },
    ),
  );
  link.download = "phase.jsonl";
  link.click();
  URL.revokeObjectURL(link.href);
});

openControls(form, () => {
  const inputs = readInputs(form);
  // The enter key in an edited field causes both a change and a submission, of which one starts the run.
  if (writeAddress(inputs) === location.search && document.body.dataset["state"] === "running") return;
  history.replaceState(null, "", writeAddress(inputs));
  start(inputs);
});
const inputs = readAddress(location.search);
showInputs(form, inputs);
start(inputs);
