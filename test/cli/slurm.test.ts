// `exacta slurm`: what it refuses before anything is written, and what it writes and submits.

import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { shellLine } from "../../host/node/formats/slurm.ts";
import { loadCommands } from "../../host/node/commands/index.ts";
import { parseLine } from "../../host/node/parser.ts";
import { callCommand } from "./command.ts";

// Slurm runs on systems with POSIX paths and bash.
const isPosix = process.platform !== "win32";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "exacta-slurm-")));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const SWEEP = "phase --bits 4 --trials 1e6 --out results";

describe.runIf(isPosix)("exacta slurm", () => {
  test.each([
    ["--shards 8 -- solve -", "command: expected phase, width, required or tail, got "],
    ["--shards 8 -- theory --bits 4 --out a", "command: expected phase, width, required or tail, got "],
    [
      "--shards 8 -- phase --bits 4 --out a --best",
      'option: expected one that --help lists, got "--best"; perhaps --bits is meant; run exacta phase --help',
    ],
    [
      "--shards 8 -- phase --bits 4",
      "out: expected a folder behind --, which all nodes see, got nothing; add --out results",
    ],
    ["--shards 8 -- phase --bits 4 --out a --shard 1/2", "shard: expected no shard in the sweep, got "],
    [
      "--shards 8 -- phase --bits 4 --out a --extend 9",
      "extend: expected a sweep that is not extended, got ",
    ],
    ["--shards 8 -- phase --bits 4 --out a --until 9", "until: expected a number above 0 and below 1, got 9"],
    ["--shards 8 -- required --bits 99 --out a", "bits: expected "],
    ["--shards 8 -- phase --bits 99 --out a", "bits: expected "],
    ["--shards 8 -- width --width 1e9 --out a", "width: expected "],
    [`--shards 0 -- ${SWEEP}`, "shards: expected an integer in 1..1000000, got 0"],
    [`--shards 8 --cpus-per-task x -- ${SWEEP}`, 'cpus-per-task: expected an integer in 1..4096, got "x"'],
    [`--shards 8 --time 4 -- ${SWEEP}`, "time: expected minutes, "],
    [`--shards 8 --time 4:59 -- ${SWEEP}`, "time: expected minutes, "],
    [`--shards 8 --time 0:04:59 -- ${SWEEP}`, "time: expected minutes, "],
    [`--shards 8 --time long -- ${SWEEP}`, "time: expected minutes, "],
    [`--shards 8 --sbatch account=a -- ${SWEEP}`, "sbatch: expected options of the form --name=value "],
    [`--shards 8 --sbatch --array=0-3 -- ${SWEEP}`, "sbatch: expected options of the form --name=value "],
    [
      `-- ${SWEEP}`,
      "--shards: expected a value, since this option is required, got nothing; for example exacta slurm --shards 64",
    ],
    ["--shards 8", "sweep: expected the command line of a sweep behind --, "],
    [`--shards 8 ${SWEEP}`, 'option: expected one that --help lists, got "--bits"'],
  ])("%s is refused", async (words, message) => {
    const { status, stderr, stdout } = await callCommand(`slurm ${words}`, folder);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.slice(0, message.length)).toBe(message);
    expect([status, stdout]).toEqual([2, ""]);
    expect(existsSync(join(folder, "a"))).toBe(false);
  });

  test.each(["5", "5:00", "0:05:00", "4:00:00", "0-1", "1-0:30"])(
    "The time limit %s is passed on",
    async (time) => {
      const { status, stdout } = await callCommand(`slurm --shards 8 --time ${time} -- ${SWEEP}`, folder);
      expect(stdout).toContain(`\n#SBATCH --time=${time}\n`);
      expect(status).toBe(0);
    },
  );

  test("The script starts this program with the sweep, and options reach the jobs that they are for", async () => {
    const words = "--shards 8 --gpu --partition long --sbatch --account=a --cpus-per-task 4";
    const { stdout, stderr } = await callCommand(`slurm ${words} -- ${SWEEP}`, folder);
    const program = shellLine([process.execPath, process.argv[1]!]);
    expect(stdout).toContain(`\n${program} ${SWEEP} --shard "$SLURM_ARRAY_TASK_ID/8" &\n`);
    const both = "--partition=long --account=a";
    const options = [...stdout.matchAll(/^#SBATCH (.*)$/gm)].map(([, option]) => option);
    expect(options).toContain(`--chdir=${folder}`);
    expect(options.slice(-4).join(" ")).toBe(`--cpus-per-task=4 --gres=gpu:1 ${both}`);
    expect(stdout).toMatch(`--open-mode=append ${both} '--wrap=exec ${program} merge results'`);
    expect(stderr).toMatch(/^the tasks of a node take different GPUs only where /);
    expect(existsSync(join(folder, "results/logs"))).toBe(true);
  });

  test("--script names the file of the script", async () => {
    const { stdout } = await callCommand(`slurm --shards 8 --script job.sh -- ${SWEEP}`, folder);
    expect(stdout).toBe("");
    expect(await readFile(join(folder, "job.sh"), "utf8")).toMatch(
      /^#!\/bin\/bash\n[^]*\n#SBATCH --array=0-7\n/,
    );
  });
});

/** The command lines of exacta in a document: in indented blocks, and in a manifest of Kubernetes. */
function commandLines(document: string): string[][] {
  const shell = [...document.matchAll(/^ {4}(?:parallel .* )?exacta (.*?)(?: ::: .*)?$/gm)];
  const manifests = [...document.matchAll(/^ *command: \[exacta, (.*)\]$/gm)];
  return [
    ...shell.map(([, words]) => words!.split(" ")),
    ...manifests.map(([, words]) => words!.replaceAll('"', "").split(", ")),
  ];
}

test("The command lines of docs/clusters.md are as the commands declare them", async () => {
  const lines = commandLines(await readFile(new URL("../../docs/clusters.md", import.meta.url), "utf8"));
  const commands = await loadCommands();
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    const { command, args } = parseLine(line, commands);
    expect(command.name).toMatch(/^(phase|merge|slurm)$/);
    if (Array.isArray(args["sweep"])) expect(parseLine(args["sweep"], commands).command.name).toBe("phase");
  }
});

/** Puts a stand-in for sbatch into PATH, which appends its arguments to a file. */
async function standInForSbatch(text: string): Promise<void> {
  await writeFile(join(folder, "sbatch"), `#!/bin/bash\nprintf '%s\\n' "$*" >> calls\n${text}\n`);
  await chmod(join(folder, "sbatch"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env["PATH"]}`);
}

describe.runIf(isPosix)("exacta slurm --submit", () => {
  test("It submits the script and then the merge, and prints both ids", async () => {
    await standInForSbatch('echo "$(wc -l < calls)7;cluster"');
    const { status, stdout } = await callCommand(`slurm --shards 8 --submit -- ${SWEEP}`, folder);
    expect(stdout).toBe("array 17\nmerge 27\n");
    const calls = (await readFile(join(folder, "calls"), "utf8")).trim().split("\n");
    expect(calls[0]).toBe("--parsable results/slurm.sh");
    expect(calls[1]).toMatch(/--dependency=afterany:17 .*--wrap=exec .* merge results$/);
    expect(await readFile(join(folder, "results/slurm.sh"), "utf8")).toContain("#SBATCH --array=0-7\n");
    expect(status).toBe(0);
  });

  test("What sbatch refuses is passed on", async () => {
    await standInForSbatch("echo 'sbatch: error: invalid partition' >&2; exit 1");
    const { status, stderr } = await callCommand(`slurm --shards 8 --submit -- ${SWEEP}`, folder);
    expect(stderr).toBe("submit: expected a job that sbatch accepts, got sbatch: error: invalid partition\n");
    expect(status).toBe(2);
  });

  test("A machine without Slurm is named", async () => {
    vi.stubEnv("PATH", folder);
    const { status, stderr } = await callCommand(`slurm --shards 8 --submit -- ${SWEEP}`, folder);
    expect(stderr).toBe(
      "submit: expected Slurm's command sbatch in PATH, got nothing; submit the script where Slurm is\n",
    );
    expect(status).toBe(2);
  });
});
