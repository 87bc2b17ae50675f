// A WebGPU adapter and a browser for machines without a GPU: SwiftShader and headless Chromium from the development dependency
// @sparticuz/chromium, unpacked once into the cache folder of the project.

import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";

export interface Software {
  /** Environment variables with which Node has to start so that Dawn finds SwiftShader and no other adapter. */
  readonly dawnEnv: Record<string, string>;
  /** The path of headless Chromium. */
  readonly chromium: string;
  /** Environment variables that Chromium needs on a bare system, without those of `dawnEnv`. */
  readonly browserEnv: Record<string, string>;
}

/** Whether the binaries of the package run here. Elsewhere tests use the GPU and the browser of the machine. */
export const hasSoftware = process.platform === "linux" && process.arch === "x64";

const cache = fileURLToPath(new URL("../.cache/", import.meta.url));

// The package's own fonts.conf names folders of a cloud service.
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
`;

/**
 * Unpacks the binaries at the first call, which takes some seconds and 210 MB. Processes may call it at the same time.
 *
 * @throws {Error} `hasSoftware` is false.
 */
export async function software(): Promise<Software> {
  if (!hasSoftware)
    throw new Error(
      `software WebGPU: expected x64 Linux, got ${process.arch} ${process.platform}; use this machine's own GPU and browser`,
    );
  const packaged = resolve(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")), "../..");
  const { version } = JSON.parse(await readFile(join(packaged, "package.json"), "utf8")) as {
    version: string;
  };
  const home = join(cache, `software-${version}`);
  if (!existsSync(home)) await unpack(join(packaged, "bin"), home);
  // The manifest of another driver, and after a colon the folders of its libraries.
  const [named, ...folders] = (process.env["EXACTA_TEST_DRIVER"] ?? "").split(":");
  const icd = named || join(home, "vk_swiftshader_icd.json");
  const libraries = [...folders, home].join(":");
  return {
    dawnEnv: { LD_LIBRARY_PATH: libraries, VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd },
    chromium: join(home, "chromium"),
    browserEnv: { LD_LIBRARY_PATH: join(home, "lib"), FONTCONFIG_FILE: join(home, "fonts.conf") },
  };
}

/** Unpacks into a folder beside `home` and renames it: the first process wins, and `home` is always complete. */
async function unpack(archives: string, home: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(`${home}-`);
  try {
    await Promise.all(
      (await readdir(archives)).map((name) => unpackArchive(join(archives, name), name, fresh)),
    );
    await writeFile(join(fresh, "fonts.conf"), FONTS);
    await rename(fresh, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function unpackArchive(file: string, name: string, folder: string): Promise<void> {
  const bytes = await promisify(brotliDecompress)(await readFile(file));
  const stem = name.replace(/\.br$/, "");
  const entries = stem.endsWith(".tar") ? tarFiles(bytes) : [{ path: stem, mode: 0o755, bytes }];
  for (const entry of entries) {
    const path = resolve(folder, entry.path);
    if (!path.startsWith(folder + sep)) throw new Error(`${file}: ${entry.path} is outside the archive`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, entry.bytes);
    await chmod(path, entry.mode & 0o755);
  }
}

/** The regular files of a ustar archive. Throws for long names and links, which these archives do not have. */
function* tarFiles(tar: Uint8Array): Generator<{ path: string; mode: number; bytes: Uint8Array }> {
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const text = (from: number, length: number) =>
      new TextDecoder().decode(tar.subarray(at + from, at + from + length)).replace(/\0.*$/s, "");
    const [path, size, type] = [text(0, 100), parseInt(text(124, 12), 8), text(156, 1)];
    if (type === "0" || type === "")
      yield { path, mode: parseInt(text(100, 8), 8), bytes: tar.subarray(at + 512, at + 512 + size) };
    else if (type !== "5") throw new Error(`tar: expected a file or a folder, got type ${type} at ${path}`);
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
