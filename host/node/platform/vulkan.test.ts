// Systems that lack something, made of a folder of manifests. Tests give every process a Vulkan loader on x64 Linux.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasSoftware, software } from "../../../scripts/software.ts";
import { linkError, missingForVulkan } from "./vulkan.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-vulkan-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function manifest(path: string, library: string): Promise<string> {
  const file = join(folder, path);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path: library } }));
  return file;
}

describe.runIf(hasSoftware)("Diagnosis of Vulkan", () => {
  test("A library that loads causes no error, and a missing one is named", async () => {
    expect(linkError("libc.so.6")).toBeUndefined();
    expect(linkError("libnone.so.1")).toMatch(/^libnone\.so\.1: cannot open shared object file/);
  });

  test("Without a manifest every folder that the loader searches is named, in its order", () => {
    const [sentence] = missingForVulkan({
      HOME: `${folder}/home`,
      XDG_CONFIG_DIRS: `${folder}/a:${folder}/b`,
      XDG_DATA_DIRS: `${folder}/c`,
      VK_ADD_DRIVER_FILES: `${folder}/d`,
    });
    const paths = ["d", "home/.config/vulkan/icd.d", "a/vulkan/icd.d", "b/vulkan/icd.d"].map(
      (path) => `${folder}/${path}`,
    );
    const after = ["home/.local/share/vulkan/icd.d", "c/vulkan/icd.d"].map((path) => `${folder}/${path}`);
    expect(sentence).toContain(`no manifest at ${[...paths, "/etc/vulkan/icd.d", ...after].join(", ")}`);
  });

  test("A missing library that a driver links is named", async () => {
    const file = await manifest("data/vulkan/icd.d/some.json", "../driver.so");
    const { dawnEnv } = await software();
    const driver = await readFile(join(dawnEnv["LD_LIBRARY_PATH"]!, "libvk_swiftshader.so"), "latin1");
    const damaged = driver.replace("\0libpthread.so.0\0", "\0libXnone.so.6\0\0\0");
    await writeFile(join(folder, "data/vulkan/driver.so"), damaged, "latin1");
    const [sentence] = missingForVulkan({ XDG_CONFIG_DIRS: "/none", XDG_DATA_DIRS: join(folder, "data") });
    expect(sentence).toMatch(
      `the driver of ${file} does not load: libXnone.so.6: cannot open shared object file`,
    );
    expect(sentence).toContain("libx11-6");
  });

  test("Environment variables name manifests, the newer variable first, and a library's path is relative to its manifest", async () => {
    const [one, other] = [await manifest("one.json", "./one.so"), await manifest("other.json", "./other.so")];
    const [sentence] = missingForVulkan({ VK_DRIVER_FILES: one, VK_ICD_FILENAMES: other });
    expect(sentence).toContain(
      `the driver of ${one} does not load: ${folder}/one.so: cannot open shared object file`,
    );
    const [older] = missingForVulkan({ VK_ICD_FILENAMES: other });
    expect(older).toContain(`${folder}/other.so`);
  });

  test("A malformed manifest is named", async () => {
    const file = join(folder, "none.json");
    await writeFile(file, "{}");
    expect(missingForVulkan({ VK_DRIVER_FILES: file })[0]).toContain(`the driver of ${file} does not load: `);
  });

  test("A driver that loads comes first, then drivers that do not load, then device files", async () => {
    const { dawnEnv } = await software();
    const loading = dawnEnv["VK_DRIVER_FILES"]!;
    const sentences = missingForVulkan({ VK_DRIVER_FILES: loading });
    expect(sentences[0]).toMatch(
      `the driver of ${loading} loads but offers nothing that Dawn takes (Mesa 22 is too old`,
    );
    expect(sentences.join("\n")).not.toContain("does not load");
    const broken = await manifest("broken.json", "./broken.so");
    const both = missingForVulkan({ VK_DRIVER_FILES: `${broken}:${loading}` });
    expect(both.slice(0, 2)).toEqual([
      sentences[0],
      expect.stringContaining(`the driver of ${broken} does not load`),
    ]);
    expect(both.slice(2)).toEqual(sentences.slice(1));
    expect(missingForVulkan({ VK_DRIVER_FILES: broken })[0]).toContain(
      `the driver of ${broken} does not load`,
    );
  });
});
