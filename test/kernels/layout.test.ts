// What is written down more than once about a kernel: its contract, its WGSL and its WebAssembly agree on every field and
// every binding, and every variant of its WGSL is valid.

import { readFileSync } from "node:fs";
import { create } from "webgpu";
import { describe, expect, test } from "vitest";
import { WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";
import type { Feature, VariantName } from "../../host/gpu/launch.ts";
import { launchesOf, variantsOf } from "../../host/gpu/kernels/index.ts";
import { dawn } from "../../host/node/platform/dawn.ts";
import { ensembles } from "../../src/ensemble.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import type { Kernel } from "../../src/kernel.ts";
import { batchWork, type Work, type WorkOf } from "../../src/plan.ts";
import { kernelNames, kernels, type KernelName } from "../../src/kernels/index.ts";

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
  // The reflection takes the `<` of some expressions for a template, so it gets what stands before the first function.
  const declarations = code.slice(0, code.search(/^(\/\/\/.*\n)*fn /m));
  if (code.split("@binding").length !== declarations.split("@binding").length)
    throw new Error("bindings: expected all before the first function");
  const reflect = new WgslReflect(declarations);
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

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const trials = { shader: "shaders/reach.wgsl", offsets: "host/cpu/wasm/params.ts" };
const given = { shader: "shaders/instances.wgsl", offsets: "host/cpu/wasm/instances.ts" };
/** Where WGSL declares what a kernel is bound to, and where WebAssembly has its offsets, or more of them. */
const declared: Record<KernelName, { shader: string; offsets: string }> = {
  reach: trials,
  witness: given,
  count: given,
  smallest: given,
  meet: { ...given, shader: "shaders/meet.wgsl" },
  forward: { shader: "shaders/forward.wgsl", offsets: "host/cpu/wasm/forward.ts" },
  prune: { shader: "shaders/prune.wgsl", offsets: "host/cpu/wasm/prune.ts" },
};

const list = kernelNames.map((name): [KernelName, Kernel] => [name, kernels[name]]);

describe.each(list)("Kernel %s", (name, kernel) => {
  const code = read(declared[name].shader);
  const offsets = read(declared[name].offsets);

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
    expect(() => offsetFields(offsets.replace("usize = 8;", "usize = 12;"))).toThrow(
      "expected offset 8, got 12",
    );
    const swapped = offsets.replace(/^(export const )(\w+)(.*\n\1)(\w+)/m, "$1$4$3$2");
    expect(swapped).not.toBe(offsets);
    expect(offsetFields(swapped).slice(0, kernel.params.length)).not.toEqual(kernel.params);
  });

  test("The contract has one buffer to write", () => {
    expect(contractLayout(kernel).buffers.filter(({ access }) => access === "read_write")).toHaveLength(1);
  });
});

describe("Dawn's compiler", () => {
  // Dawn polls the instance that made a device for as long as the process lives.
  let instance: GPU;

  /** What a compiler without any GPU says against a shader, or "". */
  async function complaints(code: string, constants: Record<string, number>): Promise<string> {
    await dawn();
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

  const trial = plan(phaseConfig({ ensemble: ensembles[0], halfRange: 9, items: { from: 1, to: 8 } }));
  const one = Int32Array.of(1);
  const pass: WorkOf<"forward"> = {
    kernel: "forward",
    params: {
      samples: 1,
      columns: 1,
      group: 1,
      rows: 1,
      rectify: 1,
      shift: 1,
      quantizer: 1,
      relu: 1,
      most: 1,
      wide: 0,
    },
    inputs: { inputs: Int32Array.of(1, 0), units: one, weights: one },
  };
  const { range, bits, threshold } = trial.params;
  const keys = { hiddenLow: 1, hiddenHigh: 2, weightsLow: 3, weightsHigh: 4 };
  const pruned: Work = {
    kernel: "prune",
    params: { ...keys, demands: 1, group: 4, range, bits, threshold, sparse: 0, sums: 200 },
    inputs: { values: new Int32Array(range), demands: Int32Array.of(0, 0, 1, 0) },
  };
  /** Work of a kernel: items 3 and -2, target 1; one weight. */
  function workOf(kernel: KernelName): Work {
    if (kernel === "reach") return batchWork(trial, { first: 0, count: 1 });
    if (kernel === "forward") return pass;
    if (kernel === "prune") return pruned;
    const params = { instances: 1, items: 2, targets: 1, answers: 7, longest: 2 };
    const starts = Uint32Array.of(0, 0, 2, 1);
    if (kernel === "meet") {
      const items = Uint32Array.of(3, 0, -2, -1);
      return { kernel, params, inputs: { items, starts, targets: Uint32Array.of(1, 0, 1, 0, 1, 0, 0, 0) } };
    }
    const inputs = { items: Int32Array.of(3, -2), starts, targets: Int32Array.of(1, 1, 1, 0) };
    return { kernel, params: { ...params, sums: 4, masks: 1, tiles: 0 }, inputs };
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

  const launchOf = (work: Work, subgroup: number, variant?: VariantName) =>
    launchesOf(work, { limits, subgroupMaxSize: subgroup, subgroupMinSize: subgroup, features }, variant)[0]!;

  test.each(kernelNames.flatMap((kernel) => variantsOf(kernel).map((variant) => [kernel, variant] as const)))(
    "Dawn's compiler accepts %s in the %s variant without a warning, for subgroups of every width",
    async (kernel, variant) => {
      for (const subgroup of [4, 16, 32, 64, 128]) {
        const launch = launchOf(workOf(kernel), subgroup, variant);
        expect(launch.variant, `subgroups of ${subgroup}`).toBe(variant);
        expect(await complaints(launch.source, launch.constants), `subgroups of ${subgroup}`).toBe("");
      }
    },
  );

  test("Dawn's compiler accepts forward in two words, packed in two bytes, and in the largest tiles", async () => {
    const shapeFor = (change: Record<string, number>, weight = 1) => {
      const inputs = { ...pass.inputs, weights: Int32Array.of(weight) };
      const params = { ...pass.params, samples: 2 ** 15, rows: 64, ...change };
      return launchOf({ kernel: "forward", params, inputs }, 32);
    };
    const [wide, twice] = [shapeFor({ wide: 1 }), shapeFor({}, 128)];
    expect([wide.variant, twice.variant, twice.constants.WEIGHT_BYTES]).toEqual(["workgroup", "packed", 2]);
    for (const { source, constants } of [wide, twice, shapeFor({})]) {
      expect([constants.ACROSS, constants.DOWN]).toEqual([16, 8]);
      expect(await complaints(source, constants)).toBe("");
    }
  });

  test("Dawn's compiler rejects a barrier in non-uniform control flow, an unknown constant and a misspelled name", async () => {
    const { source, constants } = launchOf(workOf("reach"), 32, "workgroup");
    const skewed = source.replace(
      "  if (lane == 0u) {\n    var sum = 0;",
      "  if (lane == 0u) {\n    workgroupBarrier();\n    var sum = 0;",
    );
    expect(skewed).not.toBe(source);
    expect(await complaints(skewed, constants)).toMatch(/uniform/);
    expect(await complaints(source, { ...constants, NOBODY: 1 })).toMatch(/NOBODY/);
    expect(await complaints(source.replace("fn add64", "fn add65"), constants)).toMatch(/add64/);
  });
});
