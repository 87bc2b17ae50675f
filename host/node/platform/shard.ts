// The shard of a sweep that a process counts: named on the command line, or by the array job that started it.

import { RequestError } from "../../../src/errors.ts";

/** One of `count` disjoint shares of a sweep. */
export interface Shard {
  /** 0..count - 1. */
  readonly index: number;
  /** 1..1,000,000. */
  readonly count: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_SHARDS = 1_000_000;

const SHARD = "i/n with i in 0..n-1 and n in 1..1000000, or auto";

/** The variables from which `auto` can read a shard; the scheduler that may run inside another one comes first. */
const arrays: readonly { readonly task: string; readonly read: (read: Reader) => Shard | undefined }[] = [
  { task: "SLURM_ARRAY_TASK_ID", read: slurmShard },
  { task: "PBS_ARRAY_INDEX", read: (read) => shardFromZero(read, "PBS_ARRAY_INDEX", "PBS_ARRAY_COUNT") },
  { task: "SGE_TASK_ID", read: sgeShard },
  {
    task: "JOB_COMPLETION_INDEX",
    read: (read) => shardFromZero(read, "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"),
  },
];

/** Reads a variable that holds an integer of 0..2^53 - 1. */
type Reader = (name: string, remedy?: string) => number;

/**
 * The shard that a text names: `3/64`, or `auto` for the one that an array job of Slurm, PBS or Grid Engine or an Indexed Job of
 * Kubernetes gives its task in the environment.
 * @throws {RequestError} The text names no shard, or the environment does not.
 */
export function shardOf(text: string, environment: Environment): Shard {
  if (text === "auto") return shardOfTask(environment);
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (!isShard(shard)) throw new RequestError("shard", SHARD, text);
  return shard;
}

function shardOfTask(environment: Environment): Shard {
  // Grid Engine says "undefined" to a job that is no array.
  const array = arrays.find(({ task }) => (environment[task] || "undefined") !== "undefined");
  const tasks = arrays.map(({ task }) => task).join(", ");
  if (!array)
    throw new RequestError("shard", `a variable of an array job in the environment: ${tasks}`, undefined, {
      option: "shard",
      value: "i/n",
      because: "outside an array job",
    });
  const shard = array.read((name, remedy) => readVariable(environment, name, remedy));
  if (!shard || !isShard(shard))
    throw new RequestError(
      array.task,
      `a task of one whole array of at most ${MAX_SHARDS} tasks`,
      environment[array.task],
      { option: "shard", value: "i/n", because: "which names the shard of each task" },
    );
  return shard;
}

function readVariable(environment: Environment, name: string, remedy?: string): number {
  const text = environment[name];
  const value = /^\d+$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new RequestError(name, "an integer of at least 0 in the environment", text, remedy);
  return value;
}

/** Slurm: the array is MIN, MIN + STEP, ..., MAX. A list such as 1,5,7 has other counts and gives no shard. */
function slurmShard(read: Reader): Shard | undefined {
  const shard = shardOfSteps(
    read("SLURM_ARRAY_TASK_ID"),
    read("SLURM_ARRAY_TASK_MIN"),
    read("SLURM_ARRAY_TASK_MAX"),
    read("SLURM_ARRAY_TASK_STEP"),
  );
  return shard.count === read("SLURM_ARRAY_TASK_COUNT") ? shard : undefined;
}

function sgeShard(read: Reader): Shard {
  return shardOfSteps(
    read("SGE_TASK_ID"),
    read("SGE_TASK_FIRST"),
    read("SGE_TASK_LAST"),
    read("SGE_TASK_STEPSIZE"),
  );
}

function shardOfSteps(id: number, from: number, to: number, step: number): Shard {
  return { index: (id - from) / step, count: Math.floor((to - from) / step) + 1 };
}

/** PBS and Kubernetes give the index of a task but not the number of tasks, which a variable of the user's holds. */
function shardFromZero(read: Reader, index: string, count: string): Shard {
  const remedy = `the job sets ${count} to its number of tasks, which are numbered from 0`;
  return { index: read(index), count: read(count, remedy) };
}

function isShard({ index, count }: Shard): boolean {
  return Number.isInteger(index) && index >= 0 && index < count && count <= MAX_SHARDS;
}
