// exacta slurm: a sweep as an array job of Slurm, whose tasks count its shards.

import { execFile } from "node:child_process";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { integer, parse } from "../../../src/check.ts";
import { Described, RequestError } from "../../../src/errors.ts";
import { readNumber } from "../formats/arguments.ts";
import { prepareFile, prepareFolder, writeFiles } from "../formats/files.ts";
import {
  arrayScript,
  LOG_FOLDER,
  mergeSubmission,
  STOP_BEFORE_LIMIT_S,
  type ArrayJob,
} from "../formats/slurm.ts";
import { outputOf, writeResult } from "../output.ts";
import { parseLine } from "../parser.ts";
import { command, flag, requiredValue, value, type ArgumentsOf } from "./command.ts";
import { phaseCommand } from "./phase.ts";
import { requiredCommand } from "./required.ts";
import { tailCommand } from "./tail.ts";
import { widthCommand } from "./width.ts";

/** The commands whose sweeps have shards. */
const sweeps = [phaseCommand, widthCommand, requiredCommand, tailCommand];

const SCRIPT_NAME = "slurm.sh";
const MAX_TASKS = 1_000_000;
const MAX_CPUS = 4096;
/** A task with less time would be asked to stop before it has counted much. */
const MIN_TIME_S = 300;

const options = {
  shards: requiredValue("number", "tasks of the array, each of which counts a shard"),
  submit: flag("submit the array and the merge, and print both ids"),
  script: value("file", "for the batch script", `stdout; with --submit ${SCRIPT_NAME} in the sweep's --out`),
  cpusPerTask: value("number", "processors of a task, and so its threads", "1"),
  time: value(
    "time",
    "limit of a task, such as 30 (minutes), 8:00:00 or 2-12 (days-hours)",
    "the partition's",
  ),
  partition: value("name", "partition of both jobs", "the cluster's"),
  gpu: flag("a GPU for each task"),
  sbatch: value(
    "options",
    'further options of sbatch for both jobs, such as "--account=a --qos=low"',
    "none",
  ),
};
type Options = ArgumentsOf<typeof options>;

export const slurmCommand = command({
  name: "slurm",
  summary: "Writes or submits an array job of Slurm that counts a sweep in shards, and its merge.",
  manual: `
Makes a batch script of the command line of a sweep: \`phase\`, \`width\`, \`required\` or \`tail\`, with \`--out\`, for a folder that all nodes see.
Each task counts a shard and writes its journal there; the merge, a job of its own, begins when all tasks have ended, judges by
the journals, and names what is missing. The sweep is checked before anything is written or submitted.

Before its time limit a task writes its journal and requeues itself; Slurm requeues a task that is preempted or whose node fails. A task
that was killed is submitted again: \`sbatch --array=3,7 ${SCRIPT_NAME}\`. Tasks go on where their journals end. A task that is cancelled
stays cancelled; \`scancel --signal=TERM\` makes it begin anew. [clusters.md](clusters.md) has more, also on other schedulers.

A task uses one GPU. Where it sees several of one name, Dawn cannot tell them apart, and all tasks of a node would take the first: Slurm
must hide the others (\`ConstrainDevices=yes\` in \`cgroup.conf\`). CUDA_VISIBLE_DEVICES does not hide them from Vulkan.`,
  examples: [
    "exacta slurm --shards 64 --time 4:00:00 --submit -- phase --bits 8 --trials 1e11 --out results",
    "exacta slurm --shards 8 --gpu -- phase --bits 8 --trials 1e11 --out results --engine gpu > slurm.sh",
  ],
  operands: {
    sweep: {
      summary: "the command line of a sweep",
      expected: "the command line of a sweep behind --, such as phase --bits 6 --out results",
      takes: "line",
    },
  },
  options,
  run: runSlurm,
});

async function runSlurm(args: Options & { readonly sweep: readonly string[] }): Promise<number> {
  const job = arrayJob(args);
  const script = arrayScript(job);
  const file = args.script ?? (args.submit ? join(job.folder, SCRIPT_NAME) : undefined);
  // Slurm starts no task whose log has no folder.
  await prepareFolder(join(job.folder, LOG_FOLDER), []);
  if (args.gpu)
    outputOf({}).note(
      "the tasks of a node take different GPUs only where Slurm hides from each task those of the others: exacta slurm --help",
    );
  if (file === undefined) await writeResult(script);
  else {
    await prepareFile(file, [], "script");
    await writeFiles(dirname(file), { [basename(file)]: script });
  }
  if (args.submit) await submit(job, file!);
  return 0;
}

/**
 * The jobs that the arguments describe.
 * @throws {RequestError} An argument of this command or of the sweep is wrong.
 */
function arrayJob(args: Options & { readonly sweep: readonly string[] }): ArrayJob {
  const shards = parse(integer(1, MAX_TASKS), readNumber(args.shards), "shards");
  const cpus = parse(integer(1, MAX_CPUS), readNumber(args.cpusPerTask ?? "1"), "cpusPerTask");
  if (args.time !== undefined) checkTime(args.time);
  return {
    program: [process.execPath, process.argv[1]!],
    line: args.sweep,
    folder: checkSweep(args.sweep, shards),
    workFolder: process.cwd(),
    shards,
    taskOptions: [
      `--cpus-per-task=${cpus}`,
      ...(args.time === undefined ? [] : [`--time=${args.time}`]),
      ...(args.gpu ? ["--gres=gpu:1"] : []),
    ],
    options: [
      ...(args.partition === undefined ? [] : [`--partition=${args.partition}`]),
      ...readOptions(args.sbatch),
    ],
  };
}

/**
 * The folder of a sweep's results.
 * @throws {RequestError} The command line is not one of a sweep that has shards.
 */
function checkSweep(line: readonly string[], shards: number): string {
  const { command, args } = parseLine(line, sweeps);
  const { out, shard, extend } = args;
  if (shard !== undefined)
    throw new RequestError("shard", "no shard in the sweep", shard, "each task gets its own");
  if (extend !== undefined)
    throw new RequestError("extend", "a sweep that is not extended", extend, {
      option: "trials",
      because: "since a task that goes on would extend it again",
    });
  if (typeof out !== "string")
    throw new RequestError("out", "a folder behind --, which all nodes see", out, "add --out results");
  command.check!({ ...args, shard: `0/${shards}` });
  return out;
}

/** @throws {RequestError} The text is no time of Slurm, or one that is too short. */
function checkTime(text: string): void {
  const [, days, first = "0", second = "0", third = "0"] =
    /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text) ?? [];
  const [a, b, c] = [Number(first), Number(second), Number(third)];
  // Without days and with less than two colons, the first number has minutes.
  const isHours = days !== undefined || text.split(":").length === 3;
  const seconds = Number(days ?? 0) * 86_400 + (isHours ? a * 3600 + b * 60 + c : a * 60 + b);
  if (seconds < MIN_TIME_S)
    throw new RequestError(
      "time",
      "minutes, hours:minutes:seconds or days-hours, at least 5 minutes",
      text,
      `a task is asked to stop ${STOP_BEFORE_LIMIT_S} s before its limit`,
    );
}

/** @throws {RequestError} A word is no option, or one that would change what a task counts or when the merge begins. */
function readOptions(text = ""): string[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const refused = words.find((word) => !/^--[a-z]/.test(word) || /^--(array|dependency|wrap)\b/.test(word));
  if (refused !== undefined)
    throw new RequestError(
      "sbatch",
      "options of the form --name=value other than --array, --dependency and --wrap",
      refused,
    );
  return words;
}

/** Submits both jobs and prints their ids. */
async function submit(job: ArrayJob, file: string): Promise<void> {
  const array = await sbatch(["sbatch", "--parsable", file]);
  await writeResult(`array ${array}\n`);
  await writeResult(`merge ${await sbatch(mergeSubmission(job, array))}\n`);
}

/**
 * Calls sbatch, and resolves to the id of the job.
 * @throws {RequestError} There is no sbatch, or it refuses the job.
 */
async function sbatch([program, ...words]: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program!, words);
    // In a federation the name of the cluster follows.
    return stdout.trim().replace(/;.*/, "");
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: string };
    if (code === "ENOENT")
      throw new RequestError(
        "submit",
        "Slurm's command sbatch in PATH",
        undefined,
        "submit the script where Slurm is",
      );
    throw new RequestError(
      "submit",
      "a job that sbatch accepts",
      new Described((stderr ?? "").trim().replace(/\s*\n\s*/g, "; ")),
    );
  }
}
