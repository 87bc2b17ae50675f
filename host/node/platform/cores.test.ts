// The threads that a scheduler or a control group leaves to a process.

import { describe, expect, test } from "vitest";
import { quotaCores, usableThreads } from "./cores.ts";

const reader = (files: Readonly<Record<string, string>>) => (path: string) => files[path];
const none = reader({});

const v2 = (path: string, files: Readonly<Record<string, string>>) =>
  reader({
    "/proc/self/cgroup": `0::${path}\n`,
    ...Object.fromEntries(
      Object.entries(files).map(([folder, max]) => [`/sys/fs/cgroup${folder}/cpu.max`, max]),
    ),
  });

describe("Quota of control groups", () => {
  test("A quota of version 2 is that of the process's own group or of the smallest around it", () => {
    const path = "/slurm/job_7/step_0";
    expect(quotaCores(v2(path, {}))).toBe(undefined);
    expect(quotaCores(v2(path, { [path]: "max 100000\n" }))).toBe(undefined);
    expect(quotaCores(v2(path, { [path]: "250000 100000\n" }))).toBe(2.5);
    expect(quotaCores(v2(path, { [path]: "max 100000\n", "/slurm": "300000 50000\n" }))).toBe(6);
    expect(quotaCores(v2(path, { [path]: "400000 100000\n", "/slurm/job_7": "50000 100000\n" }))).toBe(0.5);
    expect(quotaCores(v2("/", { "": "50000 100000\n" }))).toBe(0.5);
    expect(quotaCores(v2(path, { "/other": "50000 100000\n" }))).toBe(undefined);
  });

  test("A quota of version 1 is that of the controller cpu, wherever it is mounted with others", () => {
    const files = (controllers: string, folder: string, quota: string) =>
      reader({
        "/proc/self/cgroup": `9:memory:/a\n4:${controllers}:/docker/7f\n0::/\n`,
        [`/sys/fs/cgroup/${controllers}${folder}/cpu.cfs_quota_us`]: quota,
        [`/sys/fs/cgroup/${controllers}${folder}/cpu.cfs_period_us`]: "100000\n",
      });
    expect(quotaCores(files("cpu,cpuacct", "/docker/7f", "150000\n"))).toBe(1.5);
    expect(quotaCores(files("cpu", "", "200000\n"))).toBe(2);
    expect(quotaCores(files("cpu", "/docker", "-1\n"))).toBe(undefined);
    expect(quotaCores(files("cpuacct", "/docker/7f", "150000\n"))).toBe(undefined);
  });

  test("Files that are not as expected set no limit", () => {
    expect(quotaCores(reader({ "/proc/self/cgroup": "nonsense\n" }))).toBe(undefined);
    for (const text of ["", "\n", "0 0", "x y", "100000"])
      expect([text, quotaCores(v2("/a", { "/a": text }))]).toEqual([text, undefined]);
  });
});

describe("Usable threads", () => {
  test("Threads are the fewest of the hardware's, of Slurm's and of the quota's, which is rounded up", () => {
    const quota = v2("/a", { "/a": "250000 100000\n" });
    expect(usableThreads(8, undefined, none)).toBe(8);
    expect(usableThreads(8, "4", none)).toBe(4);
    expect(usableThreads(8, undefined, quota)).toBe(3);
    expect(usableThreads(8, "2", quota)).toBe(2);
    expect(usableThreads(2, "4", quota)).toBe(2);
    expect(usableThreads(8, undefined, v2("/a", { "/a": "1000 100000\n" }))).toBe(1);
  });

  test("A variable of Slurm that is no positive integer is ignored", () => {
    for (const value of ["", "0", "-1", "2.5", "four", " "])
      expect([value, usableThreads(8, value, none)]).toEqual([value, 8]);
  });
});
