// The launches that devices with other limits than the test adapter's are offered, and their buffers. Nothing here runs on a GPU.

import { create } from "webgpu";
import { describe, expect, test } from "vitest";
import { BufferPool } from "../../host/gpu/buffers.ts";
import { adapterKey, profileOf } from "../../host/gpu/device.ts";
import { launchesOf, launchLabel, sampleWork } from "../../host/gpu/kernels/index.ts";
import { openGpu } from "../../host/node/platform/dawn.ts";
import {
  maxStorageWords,
  type DeviceProfile,
  type Launch,
  type ShaderProgram,
} from "../../host/gpu/launch.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { batchWork, type WorkOf } from "../../src/plan.ts";
import { batchWords } from "../oracle.ts";

const KIB = 1024;

/** The limits that WebGPU guarantees, and those that are usual with 32 KiB of workgroup memory. */
const limitsOf = (workgroupKib: 16 | 32) =>
  ({
    maxComputeWorkgroupStorageSize: workgroupKib * KIB,
    maxComputeInvocationsPerWorkgroup: workgroupKib === 16 ? 256 : 1024,
    maxComputeWorkgroupSizeX: workgroupKib === 16 ? 256 : 1024,
    maxComputeWorkgroupsPerDimension: 65535,
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
  }) as GPUSupportedLimits;

const infoOf = (subgroupMinSize: number, subgroupMaxSize: number) =>
  ({
    vendor: "",
    architecture: "",
    device: "",
    description: "",
    subgroupMinSize,
    subgroupMaxSize,
  }) as GPUAdapterInfo;

/** A device; without subgroups its adapter reports the sizes that WebGPU prescribes then. */
function device(lanes: number | undefined, workgroupKib: 16 | 32): DeviceProfile {
  const opened = { limits: limitsOf(workgroupKib), features: new Set(lanes ? ["subgroups"] : []) };
  return profileOf(opened as unknown as GPUDevice, lanes ? infoOf(lanes, lanes) : infoOf(4, 128), {
    language: new Set(["packed_4x8_integer_dot_product"]),
  });
}

const devices = ([8, 32, 64, undefined] as const).flatMap((lanes) =>
  ([16, 32] as const).map((kib) => ({ lanes, kib, name: `${lanes ?? "unknown"} lanes and ${kib} KiB` })),
);

const trialsOf = (bits: number, from = bits + 6, count = 1e6): WorkOf<"reach"> =>
  batchWork(plan(phaseConfig({ bits, items: { from, to: bits + 6 }, targets: [0] })), { first: 0, count });

const BITS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16];
const trials = BITS.flatMap((bits) => [trialsOf(bits), trialsOf(bits, 0), trialsOf(bits, bits, 50)]);
const instances = ([4, 12, 30] as const).flatMap((n) =>
  (["witness", "count", "smallest"] as const).map((kernel) => {
    const items = Array.from({ length: n }, (_, i) => 3 * i + 1);
    return batchWords({
      kernel,
      instances: Array.from({ length: 2000 }, () => ({ items, targets: [[9, 9, 9]] })),
    });
  }),
);
const works = [...trials, ...instances];

/** The value of an expression of `override` and `const` declarations; those in `constants` have the values given there. */
function valueOf(expression: string, code: string, constants: Record<string, number>): number {
  const text = expression.replaceAll(/\b[A-Za-z_]\w*/g, (name) => {
    if (name in constants) return String(constants[name]);
    const [, declared] = new RegExp(`\\b(?:override|const) ${name}(?:: \\w+)? = (.*);`).exec(code) ?? [];
    if (declared === undefined) throw new Error(`${name}: expected an override or a constant, got none`);
    return `(${valueOf(declared, code, constants)})`;
  });
  const number = text.replaceAll(/\b(\d+)u\b/g, "$1");
  if (!/^[\d\s()+*/-]+$/.test(number)) throw new Error(`${expression}: expected arithmetic, got ${number}`);
  // oxlint-disable-next-line no-new-func, no-implied-eval -- arithmetic on numbers, as the line above makes sure.
  return Number(new Function(`return ${number}`)());
}

/** The bytes of a WGSL type, rounded up to its alignment of 4, 8 or 16. */
function bytesOf(type: string, code: string, constants: Record<string, number>): number {
  const array = /^array<(.*), ([^,<>]+)>$/.exec(type);
  if (array) return bytesOf(array[1]!, code, constants) * valueOf(array[2]!, code, constants);
  const atomic = /^atomic<(.*)>$/.exec(type);
  if (atomic) return bytesOf(atomic[1]!, code, constants);
  const vector = /^vec([234])[uif]$/.exec(type);
  if (vector) return vector[1] === "2" ? 8 : 16;
  if (["u32", "i32"].includes(type)) return 4;
  const [, alias] = new RegExp(`\\balias ${type} = (.*);`).exec(code) ?? [];
  if (alias) return bytesOf(alias, code, constants);
  const [, members] = new RegExp(`\\bstruct ${type} {([^}]*)}`).exec(code) ?? [];
  if (members === undefined) throw new Error(`${type}: expected a type with a size, got none`);
  return [...members.matchAll(/^ *\w+: (.*),$/gm)].reduce(
    (sum, [, type]) => sum + bytesOf(type!, code, constants),
    0,
  );
}

/** The bytes of workgroup memory of a program; Dawn starts every variable at a multiple of 16. */
const workgroupBytes = ({ source, constants }: ShaderProgram): number =>
  [...source.matchAll(/\bvar<workgroup> \w+: (.*);/g)].reduce(
    (sum, [, type]) => sum + 16 * Math.ceil(bytesOf(type!, source, constants) / 16),
    0,
  );

const programsOf = (launch: Launch): ShaderProgram[] => [
  launch,
  ...(launch.fallback ? [launch.fallback] : []),
];

/** The invocations of a workgroup. */
const invocationsOf = ({ source, constants }: ShaderProgram): number =>
  /@workgroup_size\(([^)]*)\)/
    .exec(source)![1]!
    .split(",")
    .reduce((product, side) => product * valueOf(side, source, constants), 1);

describe("Launches for devices of other sizes", () => {
  // Dawn polls the instance that made a device for as long as the process lives.
  let instance: GPU;

  test.each(devices)("Every launch for $name has a label of its own", ({ lanes, kib }) => {
    const profile = device(lanes, kib);
    for (const work of works) {
      const labels = launchesOf(work, profile).map(launchLabel);
      expect(labels.length, JSON.stringify(work.params)).toBeGreaterThan(0);
      expect(new Set(labels).size, `${labels.join(", ")} of ${JSON.stringify(work.params)}`).toBe(
        labels.length,
      );
    }
  });

  test.each(devices)("No launch for $name exceeds a limit", ({ lanes, kib }) => {
    const { limits, ...profile } = device(lanes, kib);
    for (const work of works)
      for (const launch of launchesOf(work, { limits, ...profile })) {
        const name = `${launchLabel(launch)} of ${JSON.stringify(work.params)}`;
        expect(launch.scratchBytes, name).toBeLessThanOrEqual(limits.maxStorageBufferBindingSize);
        expect(launch.variant === "subgroup" && lanes === undefined, name).toBe(false);
        for (const program of programsOf(launch)) {
          expect(workgroupBytes(program), name).toBeLessThanOrEqual(limits.maxComputeWorkgroupStorageSize);
          expect(invocationsOf(program), name).toBeLessThanOrEqual(limits.maxComputeInvocationsPerWorkgroup);
          expect(Math.max(program.workgroups, program.workgroupRows), name).toBeLessThanOrEqual(
            limits.maxComputeWorkgroupsPerDimension,
          );
        }
      }
  });

  test("Dawn counts the same bytes of workgroup memory", async () => {
    await openGpu();
    instance = create(["backend=null"]);
    const gpu = await (await instance.requestAdapter())!.requestDevice({ requiredFeatures: ["subgroups"] });
    const launches = [
      launchesOf(trialsOf(8), device(32, 16), "thread")[0]!,
      launchesOf(trialsOf(12), device(32, 16), "workgroup")[0]!,
      launchesOf(instances[0]!, device(32, 16), "thread")[0]!,
      launchesOf(sampleWork("forward"), device(32, 16), "packed")[0]!,
    ];
    for (const { source, constants } of launches) {
      // Dawn names the bytes of a program that takes too many.
      const large = { ...constants, ...(constants.WORDS ? { WORDS: 5000 } : { DEPTH: 256 }) };
      const compute = { module: gpu.createShaderModule({ code: source }), constants: large };
      const refused = gpu.createComputePipelineAsync({ layout: "auto", compute });
      const bytes = workgroupBytes({ source, constants: large, workgroups: 1, workgroupRows: 1 });
      await expect(refused).rejects.toThrow(`workgroup storage (${bytes} bytes)`);
    }
    gpu.destroy();
  });

  test.each([
    [8, 16, 10],
    [8, 32, 10],
    [32, 16, 8],
    [32, 32, 10],
    [64, 16, 7],
    [64, 32, 8],
    ["unknown", 16, 8],
    ["unknown", 32, 10],
  ] as const)(
    "A device of %s lanes with %i KiB is offered thread up to half ranges of %i bits",
    (lanes, kib, most) => {
      const bits = BITS.filter((bits) => bits >= 5 && bits <= most);
      const served = bits.filter((bits) =>
        launchesOf(trialsOf(bits), device(typeof lanes === "number" ? lanes : undefined, kib)).some(
          ({ variant }) => variant === "thread",
        ),
      );
      expect(served).toEqual(bits);
    },
  );
});

describe("Profiles and keys of adapters", () => {
  test("An adapter without the feature subgroups is taken to have 32 lanes, whatever it reports", () => {
    const opened = { limits: limitsOf(16), features: new Set<string>() };
    const sizesOf = ({ subgroupMinSize, subgroupMaxSize }: DeviceProfile) => [
      subgroupMinSize,
      subgroupMaxSize,
    ];
    expect(sizesOf(profileOf(opened as unknown as GPUDevice, infoOf(4, 128), {}))).toEqual([4, 32]);
    opened.features.add("subgroups");
    expect(sizesOf(profileOf(opened as unknown as GPUDevice, infoOf(16, 128), {}))).toEqual([16, 128]);
    expect(sizesOf(profileOf(opened as unknown as GPUDevice, infoOf(0, 0), {}))).toEqual([4, 32]);
  });

  test("Adapters without names have keys of their own where their limits or features differ", () => {
    const adapter = (limits: GPUSupportedLimits, ...features: string[]) =>
      ({ info: infoOf(4, 128), limits, features: new Set(features) }) as unknown as GPUAdapter;
    const keys = [
      adapter(limitsOf(16)),
      adapter(limitsOf(32)),
      adapter(limitsOf(32), "subgroups"),
      adapter(limitsOf(32), "timestamp-query"),
    ].map(adapterKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(adapterKey(adapter(limitsOf(32), "a", "b"))).toBe(adapterKey(adapter(limitsOf(32), "b", "a")));
  });
});

describe("Buffer sizes", () => {
  /** A device with these limits that creates nothing, and the sizes it is asked for. */
  function recording(limits: Partial<GPUSupportedLimits>): { gpu: GPUDevice; sizes: number[] } {
    const sizes: number[] = [];
    const gpu = {
      limits,
      features: new Set(),
      createBuffer: ({ size }: GPUBufferDescriptor) => (sizes.push(size), { size }),
      pushErrorScope: () => {},
      popErrorScope: () => Promise.resolve(null),
    };
    return { gpu: gpu as unknown as GPUDevice, sizes };
  }

  test.each([2 ** 31 - 1, 2 ** 32 - 1, 2 ** 28])(
    "Buffers for sizes close to a limit of %i bytes are multiples of 4 within it",
    async (limit) => {
      await openGpu();
      const limits = { maxBufferSize: limit, maxStorageBufferBindingSize: limit } as GPUSupportedLimits;
      const scratchBytes = 4 * maxStorageWords({ ...device(32, 16), limits });
      expect(scratchBytes).toBeGreaterThan(limit - 512);
      for (const bytes of [scratchBytes, scratchBytes - 1024, 4 * Math.floor(limit * 0.23)]) {
        const { gpu, sizes } = recording(limits);
        const set = await new BufferPool(gpu).acquire({ outputBytes: 256, scratchBytes: bytes });
        expect(set!.scratch!.size).toBeGreaterThanOrEqual(bytes);
        await new BufferPool(gpu).acquire({ outputBytes: 4 * Math.floor(limit * 0.23), scratchBytes: 0 });
        expect(sizes.filter((size) => size % 4 !== 0 || size > limit)).toEqual([]);
      }
    },
  );
});
