// exacta paper: the figures of the field in one folder, each by the command that draws it alone.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { outputOf } from "../output.ts";
import { exhibits } from "../paper/exhibits.ts";
import { paperPage, type Shown } from "../paper/page.ts";
import { command, flag, STOPPED_STATUS, value, type ArgumentsOf, type Call } from "./command.ts";
import { runOptions, withEngine } from "./run.ts";

const PAGE = "index.html";

const options = {
  out: value("folder", `for ${PAGE} and a folder for each figure`, "paper"),
  quick: flag("draw few trials: less than a minute on two CPU cores, instead of about four"),
  ...runOptions,
};

export const paperCommand = command({
  name: "paper",
  summary: "Draws the figures of the field in one folder, each with the statement that it tests.",
  manual: `
Runs the experiments of [experiments.md](experiments.md) one after another, each into a folder of its own, and writes a page that walks
through their figures: what is stated, what is seen, the command that draws the figure alone, and a digest of its numbers. A run that
is stopped writes the page with the figures that are done. The same command on the same folder goes on with what is missing, figure by
figure and inside a figure. With \`--json\` a line for each figure is printed.`,
  examples: ["exacta paper --quick --out paper"],
  statusOne: "a figure could not be drawn",
  statusStopped: "a signal stopped the run; the same command goes on",
  options,
  run: runPaper,
});

async function runPaper(args: ArgumentsOf<typeof options>, { stop }: Call): Promise<number> {
  const { out = "paper", quick = false, engine, threads, adapter, progress, quiet } = args;
  const output = outputOf(args);
  await prepareFolder(out, [PAGE]);
  // An engine that does not open is refused before the first figure.
  await withEngine(args, { output, stop }, async () => {});
  const passed = [
    ...(engine === undefined ? [] : ["--engine", engine]),
    ...(threads === undefined ? [] : ["--threads", threads]),
    ...(adapter === undefined ? [] : ["--adapter", adapter]),
    ...(progress === undefined ? [] : ["--progress", progress]),
    ...(quiet ? ["--quiet"] : []),
  ];
  const shown: Shown[] = [];
  for (const [i, exhibit] of exhibits.entries()) {
    const words = (quick ? exhibit.quick : exhibit.command).split(" ");
    output.note(`figure ${i + 1} of ${exhibits.length}: exacta ${words.join(" ")}`);
    const name = quick ? `${exhibit.name}-quick` : exhibit.name;
    const folder = join(out, name);
    const started = performance.now();
    const status = await runAlone([...words, "--out", folder, ...passed], stop);
    if (stop.aborted || status !== 0) {
      output.warn(
        stop.aborted
          ? `stopped early; the same command goes on in ${out}`
          : `exacta ${words.join(" ")} ended with status ${status}`,
      );
      if (shown.length > 0) {
        await writeFiles(out, { [PAGE]: paperPage(shown, quick, exhibits.slice(i)) });
        output.note(`${join(out, PAGE)} has the first ${shown.length} of ${exhibits.length} figures`);
      }
      return stop.aborted ? STOPPED_STATUS : 1;
    }
    const [report, results] = await Promise.all(
      ["report.html", "results.jsonl"].map((file) => readFile(join(folder, file), "utf8")),
    );
    const seconds = (performance.now() - started) / 1000;
    const alone = `exacta ${words.join(" ")} --out ${name}`;
    shown.push({ exhibit, folder: name, command: alone, report: report!, results: results!, seconds });
    output.finding({ kind: "figure", name, command: alone, seconds });
  }
  await writeFiles(out, { [PAGE]: paperPage(shown, quick) });
  output.text(`${join(out, PAGE)} walks through ${shown.length} experiments\n`);
  return 0;
}

/** Runs a command of this program as a process of its own, without its results, and resolves to its exit status. */
async function runAlone(words: readonly string[], stop: AbortSignal): Promise<number> {
  const child = spawn(process.execPath, [process.argv[1]!, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const end = () => child.kill("SIGTERM");
  stop.addEventListener("abort", end);
  const [status] = (await once(child, "exit")) as [number | null];
  stop.removeEventListener("abort", end);
  return status ?? 1;
}
