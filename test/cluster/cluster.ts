// A Slurm of one node on this machine, from Debian's packages slurm-wlm and munge: without systemd, cgroups and a network. All
// of its files are in one folder; /etc/slurm and /etc/munge are neither read nor written.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { hostname, networkInterfaces, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** How long a daemon may take to answer, and to end. */
const DAEMON_MS = 20_000;

/** Processors that the node offers, whether it has them or not, so that all tasks of an array run at once. */
const CPUS = 8;

/** Seconds from SIGTERM, by which Slurm cancels or preempts a task, to SIGKILL. */
const KILL_WAIT_S = 5;

export interface Cluster {
  /** The environment in which commands of Slurm find this cluster. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs a command of Slurm, and resolves to what it prints. */
  readonly call: (command: string, ...args: readonly string[]) => Promise<string>;
  /** The fields of a task as `scontrol show job` has them. */
  readonly task: (id: string) => Promise<Readonly<Record<string, string>>>;
  /** What the daemons have written, for the message of a test that fails. */
  readonly logs: () => Promise<string>;
  /** Cancels all jobs and ends the daemons. */
  readonly stop: () => Promise<void>;
}

/** Resolves once `holds` does; rejects with `what` after the time. */
export async function until(
  what: string,
  milliseconds: number,
  holds: () => Promise<boolean> | boolean,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds / 1000} s: ${what}`);
    await sleep(100);
  }
}

/** Starts the daemons in a folder, whose path must be short enough for a socket. */
export async function startCluster(folder: string): Promise<Cluster> {
  await addAddress();
  for (const name of ["state", "spool"]) await mkdir(join(folder, name));
  const socket = join(folder, "munge.socket");
  const key = join(folder, "munge.key");
  await writeFile(key, randomBytes(128), { mode: 0o400 });
  await writeFile(
    join(folder, "slurm.conf"),
    configuration(folder, socket, await freePort(), await freePort()),
  );
  const env: NodeJS.ProcessEnv = { ...process.env, SLURM_CONF: join(folder, "slurm.conf") };
  const call = async (command: string, ...args: readonly string[]) =>
    (await promisify(execFile)(command, args, { env, cwd: folder })).stdout.trim();

  const daemons: ChildProcess[] = [];
  const logs: string[] = [];
  const start = (command: string, ...args: readonly string[]) => {
    const log = join(folder, `${command}.log`);
    logs.push(log);
    const output = openSync(log, "a");
    daemons.push(spawn(command, args, { env, cwd: folder, stdio: ["ignore", output, output] }));
  };
  const stop = async () => {
    await call("scancel", "--user", userInfo().username).catch(() => {});
    await sleep(1000);
    for (const daemon of daemons.toReversed()) await end(daemon);
  };
  try {
    const files = ["seed", "pid", "log"].map((name) => `--${name}-file=${join(folder, `munge.${name}`)}`);
    start("munged", "--foreground", "--force", `--key-file=${key}`, `--socket=${socket}`, ...files);
    await until("munged listens", DAEMON_MS, () => existsSync(socket));
    start("slurmctld", "-D", "-i");
    await until("slurmctld answers", DAEMON_MS, () =>
      call("scontrol", "ping").then(
        (text) => text.includes("UP"),
        () => false,
      ),
    );
    start("slurmd", "-D");
    await until("slurmd is idle", DAEMON_MS, async () =>
      (await call("sinfo", "-h", "-o", "%T")).includes("idle"),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    env,
    call,
    stop,
    task: async (id) => fieldsOf(await call("scontrol", "show", "job", "--oneliner", id)),
    logs: async () => (await Promise.all(logs.map((log) => readFile(log, "utf8")))).join("\n"),
  };
}

function configuration(folder: string, socket: string, controlPort: number, nodePort: number): string {
  const [node] = hostname().split(".");
  const user = userInfo().username;
  return `ClusterName=single
SlurmctldHost=${node}(127.0.0.1)
SlurmctldPort=${controlPort}
SlurmdPort=${nodePort}
SlurmUser=${user}
SlurmdUser=${user}
# A requeued task waits until its credential has expired: 120 s by default, 5 s at the least.
AuthInfo=socket=${socket},cred_expire=5
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
KillWait=${KILL_WAIT_S}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
# More processors than the machine has.
SlurmdParameters=config_overrides
NodeName=${node} NodeAddr=127.0.0.1 CPUs=${CPUS} State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 MaxTime=60 State=UP
PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=60 State=UP
`;
}

/**
 * Gives the loopback interface a second address where it is the only interface. Slurm otherwise resolves no name at all, since
 * glibc then leaves out addresses of IPv4 (AI_ADDRCONFIG).
 */
async function addAddress(): Promise<void> {
  const addresses = Object.values(networkInterfaces()).flat();
  if (addresses.some((address) => address?.family === "IPv4" && address.address !== "127.0.0.1")) return;
  for (const args of ["link set lo up", "addr add 127.0.0.2/8 dev lo"])
    await promisify(execFile)("ip", args.split(" "));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = new Promise((resolve) => daemon.once("exit", resolve));
  daemon.kill("SIGTERM");
  const late = setTimeout(() => daemon.kill("SIGKILL"), DAEMON_MS);
  await ended;
  clearTimeout(late);
}

/** `JobId=4 JobState=RUNNING ...` as a record. */
function fieldsOf(line: string): Record<string, string> {
  return Object.fromEntries([...line.matchAll(/(\S+?)=(\S*)/g)].map(([, name, value]) => [name!, value!]));
}
