// The record of the machine that a bench runs on.

import { spawnSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { version } from "../../../../package.json";
import { adapterName } from "../../../gpu/device.ts";
import { hardwareThreads } from "../../platform/threads.ts";
import type { Machine } from "./record.ts";

/** Describes this machine, the adapter and the options of a run. */
export function machineOf(adapter: GPUAdapter | null, options: Readonly<Record<string, unknown>>): Machine {
  const commit = commitOf(dirname(fileURLToPath(import.meta.url)));
  return {
    kind: "bench-machine",
    cpu: cpus()[0]?.model.trim() ?? process.arch,
    cores: hardwareThreads(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    node: process.version,
    ...(adapter ? { adapter: adapterName(adapter.info) } : {}),
    version,
    ...(commit === undefined ? {} : { commit }),
    date: new Date().toISOString(),
    options: { ...options },
  };
}

/** The commit of the checkout that contains a folder; undefined for a package that is installed in some other checkout. */
function commitOf(folder: string): string | undefined {
  const git = (...args: string[]) => spawnSync("git", ["-C", folder, ...args], { encoding: "utf8" });
  const top = git("rev-parse", "--show-toplevel").stdout?.trim();
  if (
    !top ||
    git("ls-files", "--error-unmatch", join(top, "host/node/bench/yardsticks/native/reach.c")).status !== 0
  )
    return undefined;
  return git("describe", "--always", "--dirty", "--exclude=*").stdout.trim() || undefined;
}

/** The name of the file of a run: day, processor, adapter, and commit or version. */
export function fileName({ date, cpu, cores, adapter, commit, version }: Machine): string {
  const parts = [date.slice(0, 10), `${cpu}-x${cores}`, adapter ?? "", commit ?? version];
  return `${parts
    .filter(Boolean)
    .map((part) => part.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, "-"))
    .join("_")}.jsonl`;
}
