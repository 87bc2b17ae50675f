// Batch scripts for Slurm: the array job that counts the shards of a sweep, and the job that merges them.

import { RequestError } from "../../../src/errors.ts";
import { STOPPED_STATUS } from "../commands/command.ts";

/** A sweep as an array job of Slurm. */
export interface ArrayJob {
  /** The words that start exacta: a path of Node and one of the program. */
  readonly program: readonly string[];
  /** The command line of the sweep, without `--shard`. */
  readonly line: readonly string[];
  /** The folder of results, as the command line names it. */
  readonly folder: string;
  /** The folder in which the jobs run, absolute. */
  readonly workFolder: string;
  /** The number of shards, one for each task. */
  readonly shards: number;
  /** Options of sbatch for the tasks alone. */
  readonly taskOptions: readonly string[];
  /** Options of sbatch for the tasks and the merge. */
  readonly options: readonly string[];
}

/** The folder of the logs, in the folder of results. */
export const LOG_FOLDER = "logs";

/** How long before a time limit Slurm asks a task to stop: the journal is written within seconds. */
export const STOP_BEFORE_LIMIT_S = 120;

/** What a shell says of a program that SIGTERM ended before it could answer, 128 + 15. */
const TERMINATED_STATUS = 143;

/** A word as bash and other POSIX shells read it literally. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Words as a command line of a POSIX shell. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

/** An option as sbatch reads it in a script, where its quotes are not those of a shell. */
function sbatchWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/**
 * The options of both jobs that name files.
 * @throws {RequestError} Slurm reads a character of the paths as its own.
 */
function fileOptions({ folder, workFolder }: ArrayJob, log: string): string[] {
  for (const path of [folder, workFolder])
    if (/[%\\\n\r]/.test(path))
      throw new RequestError(
        "out",
        String.raw`paths without %, \ and line ends, which Slurm replaces in names of files`,
        path,
      );
  return [`--chdir=${workFolder}`, `--output=${folder}/${LOG_FOLDER}/${log}.log`, "--open-mode=append"];
}

/**
 * The batch script of the tasks.
 * @throws {RequestError} Slurm reads a character of the paths as its own.
 */
export function arrayScript(job: ArrayJob): string {
  const { program, line, shards } = job;
  const options = [
    `--job-name=exacta-${line[0]}`,
    `--array=0-${shards - 1}`,
    ...fileOptions(job, "%a"),
    "--requeue",
    `--signal=B:TERM@${STOP_BEFORE_LIMIT_S}`,
    ...job.taskOptions,
    ...job.options,
  ];
  return `#!/bin/bash
# Counts ${shards} shards of this sweep, one in each task:
#   ${shellLine(["exacta", ...line])}
# sbatch prints the id of the array, in whose place the merge has ID:
#   sbatch --parsable SCRIPT
#   ${shellLine(mergeSubmission(job, "ID"))}
# Submitted again, whole or as sbatch --array=3,7 SCRIPT, tasks go on where their journals end.
${options.map((option) => `#SBATCH ${sbatchWord(option)}`).join("\n")}

task=\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
# In the background, so that this shell answers a signal: Slurm kills all processes of a task whose shell ends.
${shellLine([...program, ...line])} --shard "$SLURM_ARRAY_TASK_ID/${shards}" &
exacta=$!
# A signal before the time limit comes to this shell alone. It also ends the wait, which is then begun again.
trap 'signalled=1; kill -TERM "$exacta"' TERM
signalled=1
while [ -n "$signalled" ]; do
  signalled=
  wait "$exacta"
  status=$?
done
# ${STOPPED_STATUS} says that a signal stopped the sweep, and ${TERMINATED_STATUS} that it came before exacta could listen. A task that Slurm itself is ending,
# since it was cancelled or preempted, is not RUNNING: Slurm requeues preempted tasks, and a requeue would bring cancelled ones back.
case $status in
  ${STOPPED_STATUS} | ${TERMINATED_STATUS})
    [ "$(squeue --noheader --jobs="$task" --format=%T)" = RUNNING ] && scontrol requeue "$task"
    ;;
esac
exit "$status"
`;
}

/**
 * The command line that submits the merge. It waits for the end of all tasks, whatever their status, and judges by the journals:
 * Slurm says TIMEOUT of a task that ends with 0 while it is being preempted, so that \`afterok\` would wait for ever.
 * @param array The id of the array job.
 * @throws {RequestError} Slurm reads a character of the paths as its own.
 */
export function mergeSubmission(job: ArrayJob, array: string): string[] {
  return [
    "sbatch",
    "--parsable",
    `--job-name=exacta-merge`,
    `--dependency=afterany:${array}`,
    ...fileOptions(job, "merge"),
    ...job.options,
    `--wrap=exec ${shellLine([...job.program, "merge", job.folder])}`,
  ];
}
