// The text of `--shard`, and environments as schedulers make them.

import { describe, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import { shardOf } from "./shard.ts";

/** What Slurm gives the tasks of `sbatch --array=10-24:2`. */
const slurm = {
  SLURM_ARRAY_TASK_ID: "14",
  SLURM_ARRAY_TASK_MIN: "10",
  SLURM_ARRAY_TASK_MAX: "24",
  SLURM_ARRAY_TASK_STEP: "2",
  SLURM_ARRAY_TASK_COUNT: "8",
};

/** What Grid Engine gives the tasks of `qsub -t 1-10:3`. */
const gridEngine = { SGE_TASK_ID: "7", SGE_TASK_FIRST: "1", SGE_TASK_LAST: "10", SGE_TASK_STEPSIZE: "3" };

function refusal(text: string, environment: Readonly<Record<string, string>> = {}): string {
  try {
    shardOf(text, environment);
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
  return "nothing is refused";
}

describe("The shard of a process", () => {
  test("A text names a shard, whatever the environment says", () => {
    expect(shardOf("0/1", slurm)).toEqual({ index: 0, count: 1 });
    expect(shardOf("63/64", slurm)).toEqual({ index: 63, count: 64 });
  });

  test.each(["", "64/64", "-1/4", "1/0", "0/0", "1.5/4", "1/4/2", "1", "a/b", " 1/4", "0/1000001", "Auto"])(
    'The text "%s" names no shard',
    (text) => {
      expect(refusal(text, slurm)).toBe(
        `shard: expected i/n with i in 0..n-1 and n in 1..1000000, or auto, got ${JSON.stringify(text)}`,
      );
    },
  );

  test.each([
    ["Slurm", slurm, { index: 2, count: 8 }],
    ["Grid Engine", gridEngine, { index: 2, count: 4 }],
    ["PBS", { PBS_ARRAY_INDEX: "3", PBS_ARRAY_COUNT: "4" }, { index: 3, count: 4 }],
    ["Kubernetes", { JOB_COMPLETION_INDEX: "0", JOB_COMPLETIONS: "64" }, { index: 0, count: 64 }],
    ["Slurm in a pod of Kubernetes", { JOB_COMPLETION_INDEX: "0", ...slurm }, { index: 2, count: 8 }],
    [
      "Kubernetes in a job of Grid Engine without an array",
      { JOB_COMPLETION_INDEX: "1", JOB_COMPLETIONS: "2", SGE_TASK_ID: "undefined" },
      { index: 1, count: 2 },
    ],
  ])("--shard auto reads the shard that %s gives", (_, environment, shard) => {
    expect(shardOf("auto", environment)).toEqual(shard);
  });

  test("--shard auto names the variables that it looks for where there is none", () => {
    expect(refusal("auto", { PATH: "/bin" })).toBe(
      "shard: expected a variable of an array job in the environment: SLURM_ARRAY_TASK_ID, PBS_ARRAY_INDEX, " +
        'SGE_TASK_ID, JOB_COMPLETION_INDEX, got nothing; use shard: "i/n", outside an array job',
    );
  });

  test("--shard auto names the variable that is missing beside the one that it found", () => {
    expect(refusal("auto", { JOB_COMPLETION_INDEX: "3" })).toBe(
      "JOB_COMPLETIONS: expected an integer of at least 0 in the environment, got nothing; the job sets " +
        "JOB_COMPLETIONS to its number of tasks, which are numbered from 0",
    );
    expect(refusal("auto", { PBS_ARRAY_INDEX: "3" })).toMatch(/^PBS_ARRAY_COUNT: /);
    expect(refusal("auto", { ...slurm, SLURM_ARRAY_TASK_MAX: "many" })).toMatch(
      /^SLURM_ARRAY_TASK_MAX: .* got "many"$/,
    );
  });

  test.each([
    ["a task between the steps of its array", { ...slurm, SLURM_ARRAY_TASK_ID: "13" }],
    [
      "a task of a list, whose numbers no step makes",
      { ...slurm, SLURM_ARRAY_TASK_STEP: "1", SLURM_ARRAY_TASK_COUNT: "3" },
    ],
    ["a task below its array", { ...slurm, SLURM_ARRAY_TASK_ID: "8" }],
    ["a task above its array", { PBS_ARRAY_INDEX: "4", PBS_ARRAY_COUNT: "4" }],
    ["a task of an array without steps", { ...gridEngine, SGE_TASK_STEPSIZE: "0" }],
    ["a task of an array that is too long", { JOB_COMPLETION_INDEX: "0", JOB_COMPLETIONS: "1000001" }],
  ])("--shard auto refuses %s", (_, environment) => {
    expect(refusal("auto", environment)).toMatch(
      /^[A-Z_]+: expected a task of one whole array of at most 1000000 tasks, got "\d+"; use shard: "i\/n", /,
    );
  });
});
