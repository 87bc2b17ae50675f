// Devices for tests: adapters whose devices a test tampers with, and small compute shaders run to the end.

import { requestAdapter } from "../../host/open.ts";
import type { DeviceProfile } from "../../host/gpu/launch.ts";
import { dawn } from "../../host/node/platform/dawn.ts";
import { platform } from "../../host/node/platform/index.ts";

/** The adapter tests compute on; without one they fail, they are never skipped. */
export async function testAdapter(): Promise<GPUAdapter> {
  const adapter = await requestAdapter(platform);
  if (!adapter)
    throw new Error(
      "tests: expected a WebGPU adapter, got none; x64 Linux gets one from @sparticuz/chromium",
    );
  return adapter;
}

/** The language features of Dawn's WGSL. Packed products are among them on every device, or the tests fail. */
export async function testLanguage(): Promise<ReadonlySet<string>> {
  const { wgslLanguageFeatures } = (await dawn())!;
  if (!wgslLanguageFeatures.has("packed_4x8_integer_dot_product"))
    throw new Error("tests: expected packed products in Dawn's WGSL, got none");
  return wgslLanguageFeatures;
}

/** Milliseconds of a dispatch that tests of kernels allow: the narrow workgroups of a software adapter take long by estimate. */
export const PATIENT_MS = 1e4;

/** The profile of the test adapter, with every feature that launches can use. */
export async function testProfile(): Promise<DeviceProfile> {
  const { limits, info, features } = await testAdapter();
  await testLanguage();
  return {
    limits,
    subgroupMaxSize: info.subgroupMaxSize || 32,
    subgroupMinSize: info.subgroupMinSize || 4,
    features: new Set([...(features.has("subgroups") ? ["subgroups" as const] : []), "packed"]),
    maxDispatchMilliseconds: PATIENT_MS,
  };
}

/** Answers adapters whose every device passes through `tamper` first. */
export function tamperedAdapter(tamper: (device: GPUDevice) => void): () => Promise<GPUAdapter> {
  return async () => {
    const adapter = await testAdapter();
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor);
      tamper(device);
      return device;
    };
    return adapter;
  };
}

/**
 * Makes a device fill the storage buffers that a host never writes, which are outputs and scratch, with a word before each
 * piece of work. A piece of work ends when its result is mapped; its buffers are those of the bind groups it sets.
 */
export function poisonStorage(device: GPUDevice, word: number): void {
  const scratch = new Set<GPUBuffer>();
  const bound = new WeakMap<GPUBindGroup, GPUBuffer[]>();
  let poisoned = new Set<GPUBuffer>();
  const { queue } = device;
  const writeBuffer = queue.writeBuffer.bind(queue);
  const written = (buffer: GPUBuffer, ...rest: [number, GPUAllowSharedBufferSource, number?, number?]) => {
    scratch.delete(buffer);
    writeBuffer(buffer, ...rest);
  };
  Object.defineProperty(device, "queue", {
    value: Object.defineProperty(queue, "writeBuffer", { value: written }),
  });
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    if (descriptor.usage & GPUBufferUsage.STORAGE) scratch.add(buffer);
    if (descriptor.usage & GPUBufferUsage.MAP_READ) {
      const mapAsync = buffer.mapAsync.bind(buffer);
      buffer.mapAsync = (...range) => {
        poisoned = new Set();
        return mapAsync(...range);
      };
    }
    return buffer;
  };
  const createBindGroup = device.createBindGroup.bind(device);
  device.createBindGroup = (descriptor) => {
    const group = createBindGroup(descriptor);
    bound.set(
      group,
      [...descriptor.entries].map(({ resource }) => (resource as GPUBufferBinding).buffer),
    );
    return group;
  };
  const poison = (group: GPUBindGroup) => {
    for (const buffer of bound.get(group)!) {
      if (!scratch.has(buffer) || poisoned.has(buffer)) continue;
      poisoned.add(buffer);
      writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(word));
    }
  };
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (pass) => {
      const began = beginComputePass(pass);
      const setBindGroup = began.setBindGroup.bind(began) as (...bindings: unknown[]) => undefined;
      began.setBindGroup = (index: number, group: GPUBindGroup, ...offsets: unknown[]) => {
        poison(group);
        return setBindGroup(index, group, ...offsets);
      };
      return began;
    };
    return encoder;
  };
}

/** Makes a device compile other shaders than it is given. */
export function rewriteShaders(device: GPUDevice, rewrite: (code: string) => string): void {
  const createShaderModule = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) =>
    createShaderModule({ ...descriptor, code: rewrite(descriptor.code) });
}

/**
 * Runs `main` of a shader, a workgroup for each `step` words of input: binding 0 is the input, binding 1 the output of as
 * many words, poisoned before.
 */
export async function runShader(
  code: string,
  input: Uint32Array<ArrayBuffer>,
  step: number,
): Promise<Uint32Array> {
  const device = await (await testAdapter()).requestDevice();
  const { COPY_DST, COPY_SRC, MAP_READ, STORAGE } = GPUBufferUsage;
  const buffer = (usage: number) => device.createBuffer({ size: input.byteLength, usage });
  const [source, output, staging] = [
    buffer(STORAGE | COPY_DST),
    buffer(STORAGE | COPY_SRC | COPY_DST),
    buffer(MAP_READ | COPY_DST),
  ];
  device.queue.writeBuffer(source, 0, input);
  device.queue.writeBuffer(output, 0, new Uint32Array(input.length).fill(0xdeadbeef));
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }) },
  });
  const entries = [source, output].map((resource, binding) => ({ binding, resource: { buffer: resource } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(input.length / step);
  pass.end();
  encoder.copyBufferToBuffer(output, 0, staging, 0, input.byteLength);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const words = new Uint32Array(staging.getMappedRange().slice(0));
  device.destroy();
  return words;
}

/** Where the bracket that opens at `open` is closed. */
function closing(code: string, open: number): number {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if (code[i] === "[" || code[i] === "(") depth++;
    if ((code[i] === "]" || code[i] === ")") && --depth === 0) return i;
  }
  throw new Error(`tests: no bracket closes "${code.slice(open, open + 40)}"`);
}

/**
 * A shader that answers something else as soon as one of its indices is not below the length of its array. Implementations
 * change such an index, or the value that it finds, so that no other test would see one.
 */
export function watchIndices(code: string): string {
  const arrays = [...code.matchAll(/\bvar(?:<[^>]*>)? (\w+): array<(?:[^<>,;]|<[^<>]*>)*(?:, ([^;]*))?>;/g)];
  const lengths = new Map(
    arrays.map(([, name, length]) => [name!, length ? `u32(${length})` : `arrayLength(&${name})`]),
  );
  const [, output, type] = /@group\(0\)[^;]* var<storage, read_write> (\w+): array<([^;]*)>;/.exec(code)!;
  const watched = (text: string): string => {
    let done = "";
    for (let rest = text; ;) {
      const found = [...rest.matchAll(/\b(\w+)\[/g)].find(([, name]) => lengths.has(name!));
      if (!found) return done + rest;
      const open = found.index + found[0].length - 1;
      const close = closing(rest, open);
      const index = `within(u32(${watched(rest.slice(open + 1, close))}), ${lengths.get(found[1]!)})`;
      done += `${rest.slice(0, open)}[${index}]`;
      rest = rest.slice(close + 1);
    }
  };
  const answer =
    type === "u32"
      ? `atomicStore(&astray, 1u);\n    ${output}[0] = 0x5ca1ab1eu`
      : `atomicAdd(&${output}[0], 0x10001u)`;
  const spoilt = watched(code).replaceAll(
    new RegExp(`^(\\s*${output}\\[.*\\]) = (.*);$`, "gm"),
    "$1 = select($2, 0x5ca1ab1eu, atomicLoad(&astray) == 1u);",
  );
  return `${spoilt}
var<workgroup> astray: atomic<u32>;
fn within(index: u32, length: u32) -> u32 {
  if (index >= length) {
    ${answer};
  }
  return index;
}
`;
}

/** Answers adapters whose devices watch the indices of what they run, on storage filled with `word` before. */
export const watchedAdapter = (word: number): (() => Promise<GPUAdapter>) =>
  tamperedAdapter((device) => {
    poisonStorage(device, word);
    rewriteShaders(device, watchIndices);
  });
