// Batch scripts as bash runs them: with stand-ins for exacta and for the commands of Slurm.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import { arrayScript, mergeSubmission, shellLine, type ArrayJob } from "./slurm.ts";

// Slurm runs on systems with POSIX paths and bash.
const isPosix = process.platform !== "win32";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-slurm-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const job: ArrayJob = {
  program: ["/opt/node js/bin/node", "/opt/exacta.js"],
  line: ["phase", "--bits", "6", "--targets", "0,-M", "--out", "re'sults"],
  folder: "re'sults",
  workFolder: `/home/"a" user`,
  shards: 64,
  taskOptions: ["--cpus-per-task=4"],
  options: ["--account=a"],
};

/** The options of a script, as sbatch finds them. */
function directives(script: string): string[] {
  return [...script.matchAll(/^#SBATCH (.*)$/gm)].map(([, option]) => option!);
}

test.runIf(isPosix)("A shell reads every word back as it was", () => {
  const words = [
    "a",
    "",
    "a b",
    "it's",
    "''",
    '"',
    "$HOME `ls` $(ls)",
    "\\",
    "*",
    "~",
    "!x",
    "#",
    "a\nb",
    "ü",
    "--out=x y",
    ";&|<>",
  ];
  const read = execFileSync("bash", ["-c", `printf '%s\\0' ${shellLine(words)}`], { encoding: "utf8" });
  expect(read.split("\0").slice(0, -1)).toEqual(words);
});

describe("The batch script", () => {
  test("It asks for an array that can be requeued and hears of its time limit", () => {
    expect(directives(arrayScript(job))).toEqual([
      "--job-name=exacta-phase",
      "--array=0-63",
      String.raw`"--chdir=/home/\"a\" user"`,
      `"--output=re'sults/logs/%a.log"`,
      "--open-mode=append",
      "--requeue",
      "--signal=B:TERM@120",
      "--cpus-per-task=4",
      "--account=a",
    ]);
  });

  test("Its comments have the command that submits the merge", () => {
    expect(arrayScript(job)).toContain(`\n#   ${shellLine(mergeSubmission(job, "ID"))}\n`);
  });

  test("The merge waits for any end of the array, and has the options of both jobs", () => {
    expect(mergeSubmission(job, "17")).toEqual([
      "sbatch",
      "--parsable",
      "--job-name=exacta-merge",
      "--dependency=afterany:17",
      `--chdir=/home/"a" user`,
      "--output=re'sults/logs/merge.log",
      "--open-mode=append",
      "--account=a",
      String.raw`--wrap=exec '/opt/node js/bin/node' /opt/exacta.js merge 're'\''sults'`,
    ]);
  });

  test.each(["50%", "a\\b", "a\nb"])("A folder that Slurm would read otherwise is refused: %j", (path) => {
    expect(() => arrayScript({ ...job, folder: path })).toThrow(RequestError);
    expect(() => arrayScript({ ...job, workFolder: path })).toThrow(RequestError);
  });
});

/** Stands in for exacta: writes its arguments, says that it listens, and ends by a signal or with a status. */
const STAND_IN = `
const { appendFileSync } = require("node:fs");
const [, , name, ...words] = process.argv;
process.on("SIGTERM", () => {
  appendFileSync("events", "TERM\\n");
  setTimeout(() => process.exit(75), 300);
});
appendFileSync("events", JSON.stringify(words) + "\\n");
if (name !== "wait") process.exit(Number(name));
setInterval(() => {}, 1000);
`;

/** Runs the script of a task of 3/8 with bash; Slurm says of the task that it is in this state. */
async function runScript(
  program: string,
  state: string,
): Promise<{ status: Promise<number | null>; pid: number }> {
  await writeFile(join(folder, "exacta.cjs"), STAND_IN);
  const commands = {
    squeue: `[ "$*" = "--noheader --jobs=17_3 --format=%T" ] && echo ${state}`,
    scontrol: 'echo "scontrol $*" >> events',
  };
  for (const [name, text] of Object.entries(commands)) {
    await writeFile(join(folder, name), `#!/bin/bash\n${text}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const line = ["phase", "--out", "it's here"];
  const script = arrayScript({ ...job, program: [process.execPath, "exacta.cjs", program], line, shards: 8 });
  const child = spawn("bash", ["-c", script], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      PATH: `${folder}${delimiter}${process.env["PATH"]}`,
      SLURM_ARRAY_JOB_ID: "17",
      SLURM_ARRAY_TASK_ID: "3",
    },
  });
  return { pid: child.pid!, status: new Promise((resolve) => child.on("exit", resolve)) };
}

async function events(): Promise<string[]> {
  return (await readFile(join(folder, "events"), "utf8")).trim().split("\n");
}

const CALL = JSON.stringify(["phase", "--out", "it's here", "--shard", "3/8"]);

describe.runIf(isPosix)("A task", () => {
  test.each([0, 1, 2, 137])(
    "It ends with the status %i of exacta and does not requeue itself",
    async (status) => {
      const task = await runScript(String(status), "RUNNING");
      expect(await task.status).toBe(status);
      expect(await events()).toEqual([CALL]);
    },
  );

  test.each([
    ["RUNNING", ["scontrol requeue 17_3"]],
    ["COMPLETING", []],
  ])(
    "A signal to its shell stops exacta, and where Slurm says %s the task requeues itself or not",
    async (state, requeued) => {
      const task = await runScript("wait", state);
      await expect.poll(() => existsSync(join(folder, "events")), { timeout: 20_000 }).toBe(true);
      process.kill(task.pid, "SIGTERM");
      expect(await task.status).toBe(75);
      expect(await events()).toEqual([CALL, "TERM", ...requeued]);
    },
  );

  test("Exacta that SIGTERM ended before it could listen begins anew", async () => {
    const task = await runScript("143", "RUNNING");
    expect(await task.status).toBe(143);
    expect(await events()).toEqual([CALL, "scontrol requeue 17_3"]);
  });
});
