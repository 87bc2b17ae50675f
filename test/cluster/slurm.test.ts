// A sweep as an array job on a real Slurm, some of whose tasks are preempted, requeued, stopped, cancelled and killed.

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, until, type Cluster } from "./cluster.ts";

const program = fileURLToPath(new URL("../../dist/node/exacta.js", import.meta.url));

const SHARDS = 8;
/** The tasks live for about 25 s on any number of cores, in which they are disturbed. */
const TRIALS = 5e7 * Math.min(availableParallelism(), SHARDS);
const SWEEP = ["phase", "--bits", "8", "--items", "4..24", "--trials", String(TRIALS), "--engine", "cpu"];
/** A name that a shell and sbatch would both split. */
const RESULTS = `results of "o'neil"`;
const STEP_MS = 120_000;

let folder: string;
let cluster: Cluster;

beforeAll(async () => {
  folder = await mkdtemp("/tmp/exacta-cluster-");
  await mkdir(join(folder, "slurm"));
  cluster = await startCluster(join(folder, "slurm"));
});

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the built program, which must end with 0, and resolves to what it prints on stdout. */
async function exacta(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...words], {
    cwd: folder,
    env: cluster.env,
  });
  return stdout;
}

/** The journals of a shard that have counted something. */
async function journals(shard: number): Promise<string[]> {
  const journal = join(folder, RESULTS, "journal");
  const names = existsSync(journal) ? await readdir(journal) : [];
  return names.filter(
    (name) =>
      name.startsWith(`${shard}of${SHARDS}-`) &&
      readFileSync(join(journal, name), "utf8").trim().includes("\n"),
  );
}

/** The process of exacta that counts a shard. */
async function pidOf(shard: number): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
      return words.includes(RESULTS) && words.includes(`${shard}/${SHARDS}`);
    }),
  );
  return Number(pids[found.indexOf(true)]);
}

async function states(array: string): Promise<string[]> {
  const tasks = Array.from({ length: SHARDS }, (_, task) => cluster.task(`${array}_${task}`));
  return (await Promise.all(tasks)).map(({ JobState }) => JobState!);
}

test("Tasks that are preempted, requeued, stopped, cancelled and killed count what one run counts", async () => {
  const line = ["--submit", "--time", "30", "--", ...SWEEP, "--out", RESULTS];
  const ids = await exacta("slurm", "--shards", String(SHARDS), ...line);
  const [, array, merge] = /^array (\d+)\nmerge (\d+)\n$/.exec(ids)!;
  const task = (shard: number) => `${array}_${shard}`;
  for (let shard = 0; shard < SHARDS; shard++)
    await until(`a journal of shard ${shard}`, STEP_MS, async () => (await journals(shard)).length === 1);

  // All processors are taken, so that this job takes that of a task.
  await cluster.call("sbatch", "--partition=high", "--output=/dev/null", "--wrap=true");
  const restarts = async (shard: number) => Number((await cluster.task(task(shard)))["Restarts"]);
  let preempted = -1;
  await until("a task is preempted", STEP_MS, async () => {
    const all = await Promise.all(Array.from({ length: SHARDS }, (_, shard) => restarts(shard)));
    preempted = all.indexOf(1);
    return preempted >= 0;
  });
  const others = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => shard !== preempted);
  const [requeued, stopped, cancelled, killed] = others as [number, number, number, number];
  await cluster.call("scontrol", "requeue", task(requeued));
  // As Slurm does before a time limit: the shell of the task alone hears it.
  await cluster.call("scancel", "--batch", "--signal=TERM", task(stopped));
  await cluster.call("scancel", task(cancelled));
  process.kill(await pidOf(killed), "SIGKILL");

  await until("the merge ends", STEP_MS, async () => (await cluster.task(merge!))["JobState"] === "FAILED");
  const expected = Array.from({ length: SHARDS }, (_, shard) =>
    shard === cancelled ? "CANCELLED" : shard === killed ? "FAILED" : "COMPLETED",
  );
  expect(await states(array!)).toEqual(expected);
  expect((await cluster.task(task(killed)))["ExitCode"]).toBe("137:0");
  const log = await readFile(join(folder, RESULTS, "logs/merge.log"), "utf8");
  expect((await cluster.task(merge!))["ExitCode"], log).toBe("1:0");
  expect(log).toMatch(/trials \d+\.\.\d+ of \d+ are missing/);
  expect(await Promise.all([preempted, requeued, stopped].map(restarts))).toEqual([1, 1, 1]);
  expect(
    (await Promise.all([preempted, requeued, stopped, cancelled, killed].map(journals))).map(
      ({ length }) => length,
    ),
  ).toEqual([2, 2, 2, 1, 1]);

  const lost = `--array=${cancelled},${killed}`;
  const again = await cluster.call("sbatch", "--parsable", lost, join(folder, RESULTS, "slurm.sh"));
  for (const shard of [cancelled, killed])
    await until(
      `shard ${shard} is counted`,
      STEP_MS,
      async () => (await cluster.task(`${again}_${shard}`))["JobState"] === "COMPLETED",
    );
  await exacta("merge", RESULTS);
  await exacta(...SWEEP, "--out", "one");
  for (const name of ["results.jsonl", "results.csv"])
    expect(await readFile(join(folder, RESULTS, name), "utf8")).toBe(
      await readFile(join(folder, "one", name), "utf8"),
    );
});
