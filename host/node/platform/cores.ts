// How many threads a process may keep busy, where a scheduler or a container leaves it less than the machine.

/** The content of a file; undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

const CGROUPS = "/sys/fs/cgroup";

/** The folders of a path, the deepest first: `/a/b`, `/a`, and the root, which is empty. */
function foldersOf(path: string): string[] {
  const names = path.split("/").filter(Boolean);
  return Array.from({ length: names.length + 1 }, (_, up) =>
    names
      .slice(0, names.length - up)
      .map((name) => `/${name}`)
      .join(""),
  );
}

/** The cores that a quota of microseconds in a period allows; undefined where it is no number, which means no limit. */
function coresOf(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota) / Number(period);
  return cores > 0 && Number.isFinite(cores) ? cores : undefined;
}

/**
 * The cores, perhaps half a one, that the control groups of this process allow; undefined where they set no limit. A group may
 * be limited by any group around it. In a container the path of the group may be one of the host, so that only its root is there.
 */
export function quotaCores(read: ReadText): number | undefined {
  const quotas = (read("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
    // Such as `0::/user.slice` in version 2, and `4:cpu,cpuacct:/slurm/job_7` in version 1.
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === "")
      return foldersOf(path).map((folder) => {
        const [quota, period] = (read(`${CGROUPS}${folder}/cpu.max`) ?? "").trim().split(" ");
        return coresOf(quota, period);
      });
    if (!controllers.split(",").includes("cpu")) return [];
    return foldersOf(path).map((folder) => {
      const group = `${CGROUPS}/${controllers}${folder}`;
      return coresOf(read(`${group}/cpu.cfs_quota_us`), read(`${group}/cpu.cfs_period_us`));
    });
  });
  const limits = quotas.filter((cores) => cores !== undefined);
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

/**
 * The threads that keep busy what a process may use: at least 1 and at most `available`, the hardware threads that the system
 * lets it run on.
 * @param cpusPerTask The variable SLURM_CPUS_PER_TASK.
 */
export function usableThreads(available: number, cpusPerTask: string | undefined, read: ReadText): number {
  const task = /^[1-9]\d*$/.test(cpusPerTask ?? "") ? Number(cpusPerTask) : Infinity;
  return Math.max(1, Math.min(available, task, Math.ceil(quotaCores(read) ?? Infinity)));
}
