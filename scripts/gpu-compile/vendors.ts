// The compilers of each vendor: what they need of this machine, and what they say of a pipeline.

import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { linkError, LOADER } from "../../host/node/platform/vulkan.ts";
import { RequestError } from "../../src/errors.ts";
import { readAco } from "./aco.ts";
import type { Beliefs, Recorded } from "./compile.ts";
import { cudaOf } from "./cuda.ts";
import type { Instruction } from "./loops.ts";
import { codeOf, readSass } from "./sass.ts";

export type VendorName = "amd" | "nvidia" | "intel";

/** What a compiler says of a pipeline. */
export interface Compiled {
  readonly registers: number;
  /** Accesses to memory, or bytes of it, that registers spill to; none is the aim. */
  readonly spills: number;
  /** Bytes of workgroup memory. */
  readonly sharedBytes: number;
  /** Waves that a processor holds at a time, in the unit of the vendor. */
  readonly occupancy: number;
  readonly instructions: number;
  /** Lanes of a wave. */
  readonly lanes: number;
  readonly code: readonly Instruction[];
}

export interface Vendor {
  readonly driver: "radeon" | "intel";
  /** What the host believes of the device, where it differs from what the driver says. */
  readonly beliefs: Omit<Beliefs, "vendor">;
  /** Environment variables with which the driver serves a GPU that is not there. */
  readonly environment: (chip: string, lanes: number | undefined) => Record<string, string>;
  /** Whether a library that stands for the device must be loaded before all others. */
  readonly needsDevice?: true;
  readonly compiled: (recorded: Recorded, chip: string) => Promise<Compiled>;
  /** The most that a pipeline may spill. */
  readonly mostSpills: (label: string) => number;
  /** The name and the version of the compiler. */
  readonly compiler: (adapter: GPUAdapterInfo) => string;
  /** What the columns of the table count. */
  readonly columns: { readonly registers: string; readonly spills: string; readonly occupancy: string };
}

const cache = fileURLToPath(new URL("../../.cache/gpu-compile/", import.meta.url));
const PACKAGES = "mesa-vulkan-drivers libvulkan-dev spirv-tools gcc libc6-dev, and for Intel libdrm-dev";
/** @returns What to do where something of the machine is missing. */
const install = `Debian has it in one of ${PACKAGES}`;

/** The folder of the files of one chip. */
export function outputFolder(vendor: VendorName, chip: string): string {
  const folder = join(cache, `${vendor}-${chip}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The library of one of Mesa's drivers, by its manifest. @throws {RequestError} It is not installed. */
function driverLibrary(name: Vendor["driver"]): string {
  const folder = "/usr/share/vulkan/icd.d";
  for (const file of [`${name}_icd.x86_64.json`, `${name}_icd.json`]) {
    if (!existsSync(join(folder, file))) continue;
    const { ICD } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { ICD: { library_path: string } };
    const path = ICD.library_path;
    return path.includes("/") ? path : `/usr/lib/x86_64-linux-gnu/${path}`;
  }
  throw new RequestError("driver", `Mesa's Vulkan driver ${name} in ${folder}`, undefined, install);
}

/** Compiles a C source beside this module where it is newer than its library, whose path it returns. */
function library(name: string, flags: readonly string[]): string {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const built = join(cache, `${name}.so`);
  if (existsSync(built) && statSync(built).mtimeMs > statSync(source).mtimeMs) return built;
  mkdirSync(cache, { recursive: true });
  const fresh = `${built}.${process.pid}`;
  const { error, status, stderr } = spawnSync(
    "cc",
    ["-O1", "-shared", "-fPIC", "-o", fresh, source, ...flags],
    {
      encoding: "utf8",
    },
  );
  if (error) throw new RequestError("cc", "a C compiler", undefined, install);
  if (status !== 0)
    throw new RequestError("cc", `a compiler that compiles ${name}.c`, stderr.split("\n")[0], install);
  renameSync(fresh, built);
  return built;
}

/**
 * Sets the environment of this process so that Dawn finds the layer, and through it the compiler of a chip. Returns whether the
 * process must start again for that.
 *
 * @throws {RequestError} The machine lacks something.
 */
export function prepare(vendor: Vendor, chip: string, lanes: number | undefined): boolean {
  if (linkError(LOADER)) throw new RequestError(LOADER, "the Vulkan loader", undefined, install);
  const layer = library("layer", ["-ldl", "-lpthread"]);
  const manifest = join(cache, "layer.json");
  writeFileSync(
    manifest,
    JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path: layer, api_version: "1.3.230" } }),
  );
  Object.assign(process.env, {
    VK_DRIVER_FILES: manifest,
    VK_ICD_FILENAMES: manifest,
    // Mesa's layer that selects devices warns without this folder.
    XDG_RUNTIME_DIR: process.env["XDG_RUNTIME_DIR"] ?? tmpdir(),
    NODEVICE_SELECT: "1",
    GPU_COMPILE_DRIVER: driverLibrary(vendor.driver),
    ...vendor.environment(chip, lanes),
  });
  if (!vendor.needsDevice) return false;
  const preloaded = library("intel", ["-I/usr/include/libdrm", "-ldl"]);
  const isLoaded = process.env["LD_PRELOAD"] === preloaded;
  process.env["LD_PRELOAD"] = preloaded;
  return !isLoaded;
}

const number = (statistics: Recorded["statistics"], name: string): number =>
  Number(statistics.get(name) ?? Number.NaN);

/** Mesa before 23 knows chips of RDNA 3 by the names of their architectures. */
const olderNames: Readonly<Record<string, string>> = {
  navi31: "gfx1100",
  navi32: "gfx1101",
  navi33: "gfx1102",
};

/** The name by which the installed driver knows a chip. @throws {RequestError} It knows none of this name. */
function radvName(chip: string): string {
  const driver = readFileSync(driverLibrary("radeon"));
  const names = [chip, olderNames[chip]].filter((name) => name !== undefined);
  const known = names.find((name) => driver.includes(`\0${name.toUpperCase()}\0`));
  if (!known)
    throw new RequestError(
      "chip",
      "one that this version of Mesa knows: navi10, navi21, navi31, vega10, arcturus, aldebaran, renoir, ...",
      chip,
    );
  return known.toLowerCase();
}

const amd: Vendor = {
  driver: "radeon",
  beliefs: { workgroupBytes: 65_536 },
  environment: (chip, lanes) => ({
    RADV_FORCE_FAMILY: radvName(chip),
    ...(lanes === 32 && { RADV_PERFTEST: "cswave32" }),
  }),
  async compiled({ statistics, listing }) {
    const code = readAco(listing);
    return {
      registers: number(statistics, "VGPRs"),
      spills: number(statistics, "Spilled VGPRs") + number(statistics, "Scratch size"),
      sharedBytes: number(statistics, "LDS size"),
      occupancy: number(statistics, "Subgroups per SIMD"),
      instructions: code.length,
      lanes: number(statistics, "lanes"),
      code,
    };
  },
  compiler: ({ description }) => `ACO of ${description.replace(/^radv: /, "")}`,
  mostSpills: () => 0,
  columns: {
    registers: "VGPRs",
    spills: "VGPRs and bytes spilled",
    occupancy: "waves a SIMD",
  },
};

const run = promisify(execFile);

/** The warps of a kernel that an SM of an H100 holds: at most 64, with 64 Ki registers and 228 KiB, 1 of them for each block. */
function warpsOf(registers: number, sharedBytes: number, invocations: number): number {
  const warps = Math.ceil(invocations / 32);
  const perWarp = 32 * 8 * Math.ceil(registers / 8);
  const blocks = Math.min(
    32,
    Math.floor(64 / warps),
    Math.floor(65_536 / (perWarp * warps)),
    Math.floor(233_472 / (sharedBytes + 1024)),
  );
  return blocks * warps;
}

/** A figure of the words that ptxas prints; 0 where it prints none. */
function printed(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

const nvidia: Vendor = {
  // Tint's SPIR-V is asked of Mesa's driver for AMD, with subgroups of 32 lanes.
  driver: "radeon",
  beliefs: { workgroupBytes: 49_152, subgroupMinSize: 32, subgroupMaxSize: 32 },
  environment: () => ({ RADV_FORCE_FAMILY: "navi21", RADV_PERFTEST: "cswave32" }),
  async compiled({ label, spirv }, chip) {
    const [source, cubin] = [spirv.replace(/\.spv$/, ".cu"), spirv.replace(/\.spv$/, ".cubin")];
    const disassembled = await run("spirv-dis", ["--raw-id", "--no-header", spirv], {
      maxBuffer: 2 ** 28,
    }).catch((cause: unknown) => {
      throw new RequestError("spirv-dis", "SPIRV-Tools", undefined, install, { cause });
    });
    const cuda = cudaOf(disassembled.stdout);
    writeFileSync(source, cuda);
    const flags = ["-w", `-arch=sm_${chip}`, "-O3", "-cubin", "-Xptxas", "-v", "-o", cubin, source];
    const { stderr } = await run("nvcc", flags).catch((cause: unknown) => {
      throw new Error(`nvcc refuses ${label}: ${(cause as Error).message}`, { cause });
    });
    const registers = printed(stderr, /Used (\d+) registers/);
    const sharedBytes = printed(stderr, /(\d+) bytes smem/);
    const code = readSass(codeOf(readFileSync(cubin)));
    return {
      registers,
      spills: printed(stderr, /(\d+) bytes stack frame/),
      sharedBytes,
      occupancy: warpsOf(registers, sharedBytes, printed(cuda, /__launch_bounds__\((\d+)\)/)),
      instructions: code.filter(({ issues }) => issues["issued"]).length,
      lanes: 32,
      code,
    };
  },
  compiler: () =>
    `ptxas of CUDA ${/release ([\d.]+)/.exec(execFileSync("nvcc", ["--version"], { encoding: "utf8" }))?.[1]}`,
  mostSpills: () => 0,
  columns: {
    registers: "registers",
    spills: "bytes of stack",
    occupancy: "warps an SM (H100, modelled)",
  },
};

/** PCI ids of Intel's GPUs. */
const pciIds: Readonly<Record<string, string>> = { icl: "8a52", tgl: "9a49", adl: "46a6", dg2: "56a0" };

const intel: Vendor = {
  driver: "intel",
  beliefs: { workgroupBytes: 65_536 },
  environment(chip) {
    const id = pciIds[chip];
    if (id === undefined) throw new RequestError("chip", `one of ${Object.keys(pciIds).join(", ")}`, chip);
    return { GPU_COMPILE_PCI_ID: id };
  },
  needsDevice: true,
  async compiled({ statistics }) {
    return {
      // Every thread has 128 registers of 32 bytes.
      registers: number(statistics, "lanes"),
      spills: number(statistics, "Fill Count"),
      sharedBytes: number(statistics, "Workgroup Memory Size"),
      occupancy: number(statistics, "Scratch Memory Size"),
      instructions: number(statistics, "Instruction Count"),
      lanes: number(statistics, "lanes"),
      code: [],
    };
  },
  // Fills of accumulators would cost more than packed products gain.
  mostSpills: (label) => (/^forward .*: packed/.test(label) ? 49 : Infinity),
  compiler: ({ description }) => `ANV of ${description.replace(/^.*: /, "")}`,
  columns: { registers: "SIMD lanes", spills: "fills", occupancy: "bytes of scratch" },
};

/** The vendors whose compilers can be asked. */
export const vendors: Readonly<Record<VendorName, Vendor>> = { amd, nvidia, intel };
