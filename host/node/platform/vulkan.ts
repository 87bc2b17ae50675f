// Finds what a Linux system lacks for Dawn to find an adapter. It needs the Vulkan loader, the manifest of a
// driver (https://vulkan.lunarg.com/doc/view/latest/linux/LoaderDriverInterface.html), the library it names, and
// device files that this user may open.

import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { constants as os } from "node:os";
import { dirname, join, resolve } from "node:path";

export const LOADER = "libvulkan.so.1";

/** Bun and Deno refuse a library that was loaded in words of their own. Of their sentences only the linker's own are believed. */
const isNode = !process.versions["bun"] && !process.versions["deno"];

/** The error of the system's linker for a library that it cannot load, in one line; undefined for one that it can. */
export function linkError(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library, os.dlopen.RTLD_NOW);
    return undefined;
  } catch (error) {
    const [sentence = ""] = (error as Error).message.split("\n");
    // Node refuses a library that was loaded, because it is not an addon.
    const isLoaded = isNode
      ? sentence.startsWith("Module did not self-register")
      : !sentence.includes("cannot open shared object file");
    return isLoaded ? undefined : sentence;
  }
}

/** Files and folders in which the loader looks for manifests, in its order. Variables separate paths by colons. */
function manifestPaths(env: NodeJS.ProcessEnv): string[] {
  const paths = (variable: string, otherwise = "") =>
    (env[variable] || otherwise).split(":").filter((path) => path !== "");
  const named = paths("VK_DRIVER_FILES", env["VK_ICD_FILENAMES"]);
  if (named.length > 0) return named;
  const home = (folder: string) => env["HOME"] && join(env["HOME"], folder);
  const folders = [
    ...paths("XDG_CONFIG_HOME", home(".config")),
    ...paths("XDG_CONFIG_DIRS", "/etc/xdg"),
    "/etc",
    ...paths("XDG_DATA_HOME", home(".local/share")),
    ...paths("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
  ];
  return [...paths("VK_ADD_DRIVER_FILES"), ...folders.map((folder) => join(folder, "vulkan/icd.d"))];
}

/** The manifests at a path, which is a manifest or a folder of manifests. */
function manifestsAt(path: string): string[] {
  if (path.endsWith(".json")) return existsSync(path) ? [path] : [];
  return filesIn(path, /\.json$/);
}

function filesIn(folder: string, name: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => name.test(file))
      .map((file) => join(folder, file));
  } catch {
    // The loader cannot read a folder that is missing or closed to this user either.
    return [];
  }
}

/** The error of the driver of a manifest; undefined for a driver that loads. */
function driverError(manifest: string): string | undefined {
  try {
    const { ICD } = JSON.parse(readFileSync(manifest, "utf8")) as { ICD: { library_path: string } };
    const named = ICD.library_path;
    // The loader looks a bare name up like any library; it resolves a path from the manifest.
    return linkError(named.includes("/") ? resolve(dirname(manifest), named) : named);
  } catch (error) {
    return (error as Error).message;
  }
}

/** The manifests of all drivers that the loader finds. */
export const driverManifests = (env: NodeJS.ProcessEnv): string[] => manifestPaths(env).flatMap(manifestsAt);

/** The device files of GPUs: of the kernel's own drivers, NVIDIA's, those of phones, and Windows's around a Linux. */
export const gpuFiles = (folder = "/dev"): string[] => [
  ...filesIn(folder, /^(nvidia|nvhost|nvgpu|mali|kgsl|dxg)/),
  ...filesIn(join(folder, "dri"), /./),
];

/** What the graphics drivers of this system open, and whether this user may. */
function deviceErrors(): string[] {
  const files = [...filesIn("/dev", /^nvidia(ctl|\d+)$/), ...filesIn("/dev/dri", /^renderD\d+$/)];
  if (files.length === 0)
    return [
      "there is no device file of a GPU, neither /dev/nvidia0 nor /dev/dri/renderD128 (a container must be given them)",
    ];
  return files.flatMap((file) => {
    try {
      accessSync(file, constants.R_OK | constants.W_OK);
      return [];
    } catch (error) {
      return [`this user may not open ${file}: ${(error as NodeJS.ErrnoException).code}`];
    }
  });
}

/** Everything that this Linux system lacks for Dawn to find an adapter, a sentence each; never empty. */
export function missingForVulkan(env: NodeJS.ProcessEnv = process.env): string[] {
  const loaderError = linkError(LOADER);
  if (loaderError) return [`the Vulkan loader does not load: ${loaderError} (Debian has it in libvulkan1)`];
  const paths = manifestPaths(env);
  const manifests = paths.flatMap(manifestsAt);
  const devices = deviceErrors();
  if (manifests.length === 0)
    return [
      `no Vulkan driver is installed: no manifest at ${paths.join(", ")}` +
        (existsSync("/dev/nvidiactl")
          ? " (a container gets NVIDIA's with NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility)"
          : ""),
      ...devices,
    ];
  const errors = manifests.map((manifest) => ({ manifest, error: driverError(manifest) }));
  const broken = errors.flatMap(({ manifest, error }) => {
    if (!error) return [];
    const remedy = /^libX\w+\.so/.test(error)
      ? " (Debian has the X11 client libraries in libx11-6 and libxext6)"
      : "";
    return [`the driver of ${manifest} does not load: ${error}${remedy}`];
  });
  const loading = errors.filter(({ error }) => !error).map(({ manifest }) => manifest);
  // A driver that loads may be a software one, which needs no device file, so that is said first.
  const refused =
    loading.length > 0
      ? [
          `the driver of ${loading.join(", ")} loads but offers nothing that Dawn takes ` +
            "(Mesa 22 is too old for Dawn, Mesa 25 works; VK_LOADER_DEBUG=error,driver says more)",
        ]
      : [];
  return [...refused, ...broken, ...devices];
}
