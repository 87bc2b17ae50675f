// The tables of what compilers made of the pipelines, and of what the model makes of them, as Markdown.

import type { KernelName } from "../../src/kernels/index.ts";
import type { Recorded } from "./compile.ts";
import { add, innermost, loopsOf, type Counts, type Loop } from "./loops.ts";
import { gpus, rolesOf, warpClocks, waveCounts } from "./model.ts";
import { vendors, type Compiled } from "./vendors.ts";
import { oneSize } from "./works.ts";

/** One pipeline with what was read and modelled. */
export interface Row {
  readonly label: string;
  readonly kernel: KernelName;
  readonly compiled: Omit<Compiled, "code">;
  /** The loop in which most work is done, and what it stands for. */
  readonly hot: { readonly what: string; readonly issues: Counts } | undefined;
  /** Each innermost loop, in the order of the code. */
  readonly loops: readonly Counts[];
  /** The throughput of one size of `reach`; the reason why there is none; undefined for other work. */
  readonly model: Model | string | undefined;
}

interface Model {
  /** What a wave issues for `trials` trials. */
  readonly counts: Counts;
  readonly trials: number;
}

export function rowOf({ label, work, launch }: Recorded, { code, ...compiled }: Compiled): Row {
  const loops = loopsOf(code);
  return {
    label,
    kernel: work.kernel,
    compiled,
    hot: hotLoop(work.kernel, loops),
    loops: innermost(loops).map(({ issues }) => issues),
    model: modelOf(),
  };

  function modelOf(): Model | string | undefined {
    if (code.length === 0 || work.kernel !== "reach" || work.params.itemsFrom !== work.params.itemsTo)
      return undefined;
    if (label.endsWith("fallback") || launch.variant === "storage") return undefined;
    if (launch.variant === "subgroup") return "the model has no exchange between lanes";
    const isAlone = ["registers", "thread", "placed"].includes(launch.variant);
    const perTrial = isAlone ? 1 : launch.constants["WIDTH"]!;
    const plan = oneSize(Math.log2(work.params.halfRange));
    const counts = waveCounts(code, loops, { plan, lanes: compiled.lanes, perTrial });
    // A workgroup narrower than a wave leaves the other lanes of the wave idle.
    const trials = isAlone ? compiled.lanes : Math.min(compiled.lanes / perTrial, 1);
    return typeof counts === "string" ? counts : { counts, trials };
  }
}

/** What loops of `reach` stand for. */
const ROLE_NAMES = { step: "a step of an item", item: "an item" } as const;

/** Puts loops by their accesses to workgroup memory, and those with equally many by what they issue. */
const weight = ({ issues, does }: Loop) =>
  1000 * ((does["loads"] ?? 0) + (does["stores"] ?? 0)) + (issues["slots"] ?? issues["issued"] ?? 0);

function hotLoop(kernel: KernelName, loops: readonly Loop[]): Row["hot"] {
  if (kernel === "reach") {
    const roles = [...(rolesOf(loops)?.of ?? [])];
    for (const role of ["step", "item"] as const) {
      const found = roles.find(([, of]) => of === role);
      if (found) return { what: ROLE_NAMES[role], issues: found[0].issues };
    }
  }
  const [heaviest] = innermost(loops).toSorted((a, b) => weight(b) - weight(a));
  return heaviest && { what: "the innermost loop with most accesses", issues: heaviest.issues };
}

/** A sentence for each pipeline that spills more than it may. */
export const spillsOf = (rows: readonly Row[], mostSpills: (label: string) => number): string[] =>
  rows
    .filter(({ label, compiled }) => compiled.spills > mostSpills(label))
    .map(({ label, compiled }) => `${label} spills registers to memory: ${compiled.spills}`);

interface Report {
  readonly vendor: keyof typeof vendors;
  readonly chip: string;
  readonly compiler: string;
  readonly rows: readonly Row[];
}

/** What a loop issues, as the table names it. */
function issuesText(vendor: Report["vendor"], hot: Row["hot"]): string {
  if (!hot) return "no loop";
  const { issues } = hot;
  const of = (name: string) => issues[name] ?? 0;
  if (vendor === "amd") return `${of("slots")} / ${of("lds")} / ${of("drains")}`;
  return `${of("issued")}: ${of("alu")} / ${of("imad")} / ${of("xu")} / ${of("lsu")}`;
}

const table = (rows: readonly (readonly (string | number)[])[]): string =>
  rows
    .flatMap((row, i) => [`| ${row.join(" | ")} |`, ...(i === 0 ? [`|${" --- |".repeat(row.length)}`] : [])])
    .join("\n");

const HOT = {
  amd: "hot loop: slots / LDS instructions / full drains",
  nvidia: "hot loop: issued: ALU / IMAD / XU / LSU",
  // Loops are not read in its listings.
  intel: undefined,
} as const;

/** The tables of one chip. */
export function reportOf({ vendor, chip, compiler, rows }: Report): string {
  const { columns } = vendors[vendor];
  const hotLoops = HOT[vendor];
  const pipelines = table([
    [
      "pipeline",
      columns.registers,
      columns.spills,
      "bytes shared",
      columns.occupancy,
      "instructions",
      ...(hotLoops ? [hotLoops] : []),
    ],
    ...rows.map(({ label, compiled, hot }) => [
      label,
      compiled.registers,
      compiled.spills,
      compiled.sharedBytes,
      compiled.occupancy,
      compiled.instructions,
      ...(hotLoops ? [issuesText(vendor, hot)] : []),
    ]),
  ]);
  const spilling = rows.filter(({ compiled }) => compiled.spills > 0).length;
  const read = `Read in the machine code of ${compiler} for ${vendor} ${chip}: ${rows.length} pipelines, ${spilling} of which spill registers to memory.`;
  const modelled = rows.filter(({ model }) => model !== undefined);
  if (modelled.length === 0) return `${read}\n\n${pipelines}`;
  return `${read}\n\n${pipelines}\n\n${modelText(vendor, modelled)}`;
}

function modelText(vendor: Report["vendor"], rows: readonly Row[]): string {
  const shown = gpus.filter(({ counts }) => counts === vendor);
  const cycles = vendor === "nvidia" ? ["issue", "ALU", "IMAD", "XU", "LSU"] : ["slots", "LDS words"];
  const head = [
    "pipeline",
    ...cycles,
    ...shown.map(({ name, own }) => `${name}, ${own ? "modelled" : "estimated"}`),
  ];
  const body = rows.map(({ label, compiled, model }) => {
    if (model === undefined || typeof model === "string")
      return [label, ...cycles.map(() => ""), `not modelled: ${model}`, ...shown.slice(1).map(() => "")];
    const clocks =
      vendor === "nvidia" ? warpClocks(model.counts) : add({}, { slots: 0, ldsWords: 0, ...model.counts });
    const figures = vendor === "nvidia" ? Object.values(clocks) : [clocks["slots"]!, clocks["ldsWords"]!];
    return [
      label,
      ...figures.map((clock) => Math.round(clock / Math.min(model.trials, 1))),
      ...shown.map(({ rate }) => significant(rate(model.counts, model.trials, compiled.lanes) / 1e9)),
    ];
  });
  const unit =
    vendor === "nvidia"
      ? "Cycles of a sub-partition of an SM, for all trials of a warp, or for one trial if it takes several warps. Then modelled throughput in 10^9 trials/s."
      : "Issue slots and words of workgroup memory, for all trials of a wave, or for one trial if it takes several waves. Then modelled throughput in 10^9 trials/s.";
  return `${unit}\n\n${table([head, ...body])}`;
}

/** A number with three significant digits. */
const significant = (value: number): string => Number(value.toPrecision(3)).toString();

/** The document with the report of a chip between its two marks. @throws {Error} The document has no such marks. */
export function withReport(document: string, chip: string, report: string): string {
  const [begin, end] = [`<!-- ${chip} -->\n`, `\n<!-- end of ${chip} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/gpu.md: no marks ${begin.trim()} and ${end.trim()}`);
  return `${document.slice(0, from)}${begin}\n${report}\n${document.slice(to)}`;
}
