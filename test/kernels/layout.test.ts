// A kernel's contract, its WGSL and its WebAssembly agree on every field and every binding and on the constants that they share,
// and every program that is linked from its WGSL is valid.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { create } from "webgpu";
import { describe, expect, test } from "vitest";
import { WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";
import type { DeviceProfile, Feature } from "../../host/gpu/launch.ts";
import { launchesOf, sampleWork, variantsOf, sampleLaunch } from "../../host/gpu/kernels/index.ts";
import { openGpu } from "../../host/node/platform/dawn.ts";
import type { Kernel } from "../../src/kernel.ts";
import { kernelNames, kernels, type KernelName } from "../../src/kernels/index.ts";
import { quantizers } from "../../src/network.ts";

/** Everything that is bound after the uniform parameters, as a contract would put it. */
interface Layout {
  readonly params: readonly string[];
  readonly buffers: readonly { readonly name: string; readonly type: string; readonly access: string }[];
}

function contractLayout(kernel: Kernel): Layout {
  return {
    params: kernel.params,
    buffers: Object.entries(kernel.buffers).map(([name, { type, access }]) => ({ name, type, access })),
  };
}

/** The layout of a shader. Throws where it is nothing that a contract can describe. */
function shaderLayout(code: string): Layout {
  const reflect = new WgslReflect(code);
  const struct = reflect.structs.find(({ name }) => name === "Params")!;
  struct.members.forEach(({ name, type, offset }, i) => {
    if (type.name !== "u32" || offset !== 4 * i)
      throw new Error(`Params.${name}: expected u32 at ${4 * i}, got ${type.name} at ${offset}`);
  });
  const [uniform, ...others] = reflect.uniforms;
  if (others.length > 0 || uniform?.binding !== 0 || uniform.type.name !== "Params")
    throw new Error("uniforms: expected Params alone, at binding 0");
  const storage = reflect.storage.toSorted((a, b) => a.binding - b.binding);
  return {
    params: struct.members.map(({ name }) => name),
    buffers: storage.map(({ name, group, binding, access, type }, i) => {
      if (group !== 0 || binding !== i + 1)
        throw new Error(`${name}: expected group 0, binding ${i + 1}, got ${group}, ${binding}`);
      const element =
        "format" in type ? (type.format as { name: string; format?: { name: string } }) : undefined;
      return { name, type: element?.format?.name ?? element?.name ?? "", access };
    }),
  };
}

function agrees(code: string, kernel: Kernel): boolean {
  try {
    return JSON.stringify(shaderLayout(code)) === JSON.stringify(contractLayout(kernel));
  } catch {
    return false;
  }
}

/** The fields of a file of byte offsets, in its order. Throws where an offset is not its field's place. */
function offsetFields(text: string): string[] {
  return [...text.matchAll(/^export const (\w+): usize = (\d+);$/gm)].map(([, name, offset], i) => {
    if (Number(offset) !== 4 * i) throw new Error(`${name}: expected offset ${4 * i}, got ${offset}`);
    return name!.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  });
}

const fileOf = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(fileOf(path), "utf8");

/** The first text of `paths`, or of the modules that they import by `imported`, in which `declaration` occurs. */
function declaringText(
  paths: readonly string[],
  declaration: RegExp,
  imported: RegExp,
  pathOf: (name: string) => string,
): string {
  const texts = paths.map(read);
  const names = texts.flatMap((text) => [...text.matchAll(imported)].map(([, name]) => pathOf(name!)));
  const found = [...texts, ...names.filter((path) => existsSync(fileOf(path))).map(read)].find((text) =>
    declaration.test(text),
  );
  if (found === undefined) throw new Error(`${paths.join(", ")}: expected ${declaration}, got none`);
  return found;
}

/** The module of a kernel's folder, or one that the folder imports, that declares the parameters and buffers; without imports. */
function shaderText(kernel: KernelName): string {
  const folder = `shaders/${kernel}`;
  const paths = readdirSync(fileOf(folder)).map((name) => `${folder}/${name}`);
  const imported = /import package::(\w+::\w+)::/g;
  const pathOf = (name: string) => `shaders/${name.replace("::", "/")}.wesl`;
  return declaringText(paths, /^struct Params \{/m, imported, pathOf).replaceAll(
    /^.*import package::.*\n/gm,
    "",
  );
}

/** The AssemblyScript of a kernel, or a module that it imports, that declares the offsets of the parameters, or more of them. */
function offsetsText(kernel: KernelName): string {
  const imported = /from "\.\/(\w+)"/g;
  const declaration = /^export const \w+: usize = 0;$/m;
  return declaringText(
    [`host/cpu/wasm/${kernel}.ts`],
    declaration,
    imported,
    (name) => `host/cpu/wasm/${name}.ts`,
  );
}

const list = kernelNames.map((name): [KernelName, Kernel] => [name, kernels[name]]);

describe.each(list)("Kernel %s", (name, kernel) => {
  const code = shaderText(name);
  const offsets = offsetsText(name);

  test("The WGSL has the parameters and buffers of the contract", () => {
    expect(shaderLayout(code)).toEqual(contractLayout(kernel));
    expect(agrees(code, kernel)).toBe(true);
  });

  test("The WebAssembly has the parameters of the contract", () => {
    expect(offsetFields(offsets).slice(0, kernel.params.length)).toEqual(kernel.params);
  });

  test("A shader that differs in one field or one binding does not match the contract", () => {
    const [first, second] = kernel.params;
    const { name: buffer, type } = contractLayout(kernel).buffers[0]!;
    const changed = [
      [`  ${first}: u32,\n  ${second}: u32,`, `  ${second}: u32,\n  ${first}: u32,`],
      [`  ${second}: u32,\n`, ""],
      [`  ${second}: u32,`, `  ${second}: i32,`],
      ["@binding(1)", "@binding(3)"],
      [`${buffer}: array<${type}>`, `${buffer}: array<${type === "u32" ? "i32" : "u32"}>`],
      [`var<storage, read> ${buffer}`, `var<storage, read_write> ${buffer}`],
      [`  ${first}: u32,`, `  @size(16) ${first}: u32,`],
    ] as const;
    for (const [from, to] of changed) {
      expect(code).toContain(from);
      expect(agrees(code.replace(from, to), kernel), `${from} becomes ${to}`).toBe(false);
    }
  });

  test("WebAssembly that differs in one offset does not match the contract", () => {
    expect(() => offsetFields(offsets.replace("usize = 4;", "usize = 12;"))).toThrow(
      "expected offset 4, got 12",
    );
    const swapped = offsets.replace(/^(export const )(\w+)(.*\n\1)(\w+)/m, "$1$4$3$2");
    expect(swapped).not.toBe(offsets);
    expect(offsetFields(swapped).slice(0, kernel.params.length)).not.toEqual(kernel.params);
  });

  test("The contract has one buffer to write", () => {
    expect(contractLayout(kernel).buffers.filter(({ access }) => access === "read_write")).toHaveLength(1);
  });
});

/** The value of an integer constant in TypeScript, AssemblyScript or WGSL. Throws where the text has none of that name. */
function constantIn(text: string, name: string): number {
  const [, value] =
    new RegExp(`^(?:export )?const ${name}(?:: \\w+)? = (0x[0-9a-f]+|\\d+)u?;$`, "m").exec(text) ?? [];
  if (!value) throw new Error(`${name}: expected a constant, got none`);
  return Number(value);
}

/** Constants on which languages must agree, by name, and the files that declare them. */
const shared: readonly (readonly [name: string, ...files: string[]])[] = [
  ["MAX_ITEMS", "src/ensemble.ts", "shaders/lib/draw.wesl", "host/cpu/wasm/reach.ts"],
  ["BLOCKS_PER_ATTEMPT", "src/ensemble.ts", "shaders/lib/draw.wesl", "host/cpu/wasm/draw.ts"],
  ["NO_SIZE", "src/kernels/smallest.ts", "shaders/lib/rows.wesl", "host/cpu/wasm/smallest.ts"],
  ["TARGET_WORDS", "src/kernels/instances.ts", "shaders/instances/table.wesl"],
  ["WIDE_TARGET_WORDS", "src/kernels/meet.ts", "shaders/meet/lists.wesl"],
  ["DEMAND_WORDS", "src/kernels/prune.ts", "shaders/prune/subset.wesl"],
  ["HEADER_WORDS", "host/gpu/kernels/instances.ts", "shaders/instances/table.wesl"],
  ["PREFIX_BITS", "host/gpu/kernels/witness.ts", "shaders/witness/table.wesl"],
  ["ENTRY_WORDS", "host/gpu/kernels/meet.ts", "shaders/meet/lists.wesl"],
  ["RESULT_WORDS", "host/gpu/kernels/meet.ts", "shaders/meet/lists.wesl"],
  ["BELOW_WORDS", "host/gpu/kernels/reach.ts", "shaders/reach/thread.wesl"],
  ["ABOVE_WORDS", "host/gpu/kernels/reach.ts", "shaders/reach/thread.wesl"],
  ["ITEM_WORDS", "host/gpu/kernels/tail.ts", "shaders/tail/signs.wesl"],
  ["ITEMS_OF_KEY", "src/kernels/tail.ts", "shaders/tail/signs.wesl", "host/cpu/wasm/tail.ts"],
  ["REGISTER_BLOCK_BITS", "host/gpu/kernels/reach.ts", "shaders/reach/fourWords.wesl"],
  ["SAMPLES_PER_INVOCATION", "host/gpu/kernels/forward.ts", "shaders/forward/tile.wesl"],
  ["ROWS_PER_HALF", "host/gpu/kernels/forward.ts", "shaders/forward/tile.wesl"],
  ...["BEGIN", "STEP", "SCAN", "FINISH"].map(
    (phase) => [phase, "host/gpu/kernels/instances.ts", "shaders/instances/tiles.wesl"] as const,
  ),
  ...["FLOOR", "NEAREST", "AWAY"].map(
    (quantizer) =>
      [
        quantizer,
        "host/cpu/wasm/forward.ts",
        "shaders/forward/contract.wesl",
        "shaders/pool/contract.wesl",
      ] as const,
  ),
];

/** The distinct values of a constant in some texts. */
const valuesOf = (name: string, texts: readonly string[]) => [
  ...new Set(texts.map((text) => constantIn(text, name))),
];

describe("Constants of several languages", () => {
  test.each(shared)("%s has one value in all files that declare it", (name, ...files) => {
    const texts = files.map(read);
    expect(valuesOf(name, texts)).toHaveLength(1);
    // Another value in one of the files is noticed.
    for (const [i, text] of texts.entries()) {
      const changed = text.replace(new RegExp(`(const ${name}\\b.*) = .*;`), "$1 = 12345;");
      expect(valuesOf(name, texts.with(i, changed)), files[i]).toHaveLength(2);
    }
  });

  test("A quantizer's constant is its index in the list of quantizers", () => {
    const text = read("shaders/forward/contract.wesl");
    for (const name of ["FLOOR", "NEAREST", "AWAY"])
      expect(constantIn(text, name)).toBe((quantizers as readonly string[]).indexOf(name.toLowerCase()));
  });

  test("The header of a list of `meet` fits into the words that the host reserves", () => {
    const reserved = constantIn(read("host/gpu/kernels/instances.ts"), "HEADER_WORDS");
    expect(constantIn(read("shaders/meet/lists.wesl"), "HEADER_WORDS")).toBeLessThanOrEqual(reserved);
  });

  test("A constant that a file does not declare is an error", () => {
    expect(() => constantIn("const OTHER = 3u;", "NAME")).toThrow("NAME: expected a constant, got none");
  });
});

describe("Dawn's compiler", () => {
  // Dawn polls the instance that made a device for as long as the process lives.
  let instance: GPU;

  /** What a compiler without any GPU says against a shader, or "". */
  async function complaints(code: string, constants: Record<string, number>): Promise<string> {
    await openGpu();
    instance ??= create(["backend=null"]);
    const device = await (await instance.requestAdapter())!.requestDevice({
      requiredFeatures: ["subgroups"],
    });
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    const failure = await device
      .createComputePipelineAsync({ layout: "auto", compute: { module, constants } })
      .then(
        () => "",
        (error: Error) => error.message,
      );
    await device.popErrorScope();
    device.destroy();
    return [...messages.map(({ type, message }) => `${type}: ${message}`), failure]
      .filter(Boolean)
      .join("\n");
  }

  const features: ReadonlySet<Feature> = new Set(["subgroups", "packed"]);
  const limits = {
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupsPerDimension: 65535,
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
  } as GPUSupportedLimits;

  const profile = (subgroup: number): DeviceProfile => ({
    limits,
    subgroupMaxSize: subgroup,
    subgroupMinSize: subgroup,
    features,
  });

  test.each(kernelNames.flatMap((kernel) => variantsOf(kernel).map((variant) => [kernel, variant] as const)))(
    "Dawn's compiler accepts %s in the %s variant without a warning, for subgroups of every width",
    async (kernel, variant) => {
      for (const subgroup of [4, 16, 32, 64, 128]) {
        const launch = sampleLaunch(kernel, variant, profile(subgroup))!;
        expect(launch.variant, `subgroups of ${subgroup}`).toBe(variant);
        expect(await complaints(launch.source, launch.constants), `subgroups of ${subgroup}`).toBe("");
      }
    },
  );

  test("Dawn's compiler accepts forward in two words, packed in two bytes, and in the largest tiles", async () => {
    const shapeFor = (change: Record<string, number>, weight = 1) => {
      const layer = sampleWork("forward");
      const inputs = { ...layer.inputs, weights: Int32Array.of(weight) };
      const params = { ...layer.params, samples: 2 ** 15, rows: 64, ...change };
      return launchesOf({ kernel: "forward", params, inputs }, profile(32))[0]!;
    };
    const [wide, twice] = [shapeFor({ wide: 1 }), shapeFor({}, 128)];
    expect([wide.variant, twice.variant, twice.constants.WEIGHT_BYTES]).toEqual(["workgroup", "packed", 2]);
    for (const { source, constants } of [wide, twice, shapeFor({})]) {
      expect([constants.ACROSS, constants.DOWN]).toEqual([16, 8]);
      expect(await complaints(source, constants)).toBe("");
    }
  });

  test("Dawn's compiler accepts forward with windows, and pool in two words", async () => {
    const [layer, windows] = [sampleWork("forward"), sampleWork("pool")];
    const launches = [
      ...[0, 1].flatMap((wide) =>
        launchesOf({ ...layer, params: { ...layer.params, biased: 1, wide } }, profile(32)),
      ),
      ...launchesOf({ ...windows, params: { ...windows.params, wide: 1 } }, profile(32)),
    ];
    expect(new Set(launches.map(({ constants }) => constants.WINDOWS))).toEqual(new Set([1, undefined]));
    for (const { source, constants } of launches) expect(await complaints(source, constants)).toBe("");
  });

  test("Dawn's compiler rejects a barrier in non-uniform control flow, an unknown constant and a misspelled name", async () => {
    const { source, constants } = sampleLaunch("reach", "workgroup", profile(32))!;
    const skewed = source.replace(
      "  if (localIndex == 0u) {\n    let misses",
      "  if (localIndex == 0u) {\n    workgroupBarrier();\n    let misses",
    );
    expect(skewed).not.toBe(source);
    expect(await complaints(skewed, constants)).toMatch(/uniform/);
    expect(await complaints(source, { ...constants, UNKNOWN: 1 })).toMatch(/UNKNOWN/);
    expect(await complaints(source.replace("fn addToTally", "fn addToTallies"), constants)).toMatch(
      /addToTally/,
    );
  });
});
