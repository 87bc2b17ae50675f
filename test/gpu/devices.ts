// Devices for tests: adapters whose devices a test tampers with (tamper.ts), and small compute shaders run to the end.

import { requestAdapter } from "../../host/open.ts";
import { profileOf } from "../../host/gpu/device.ts";
import type { DeviceProfile } from "../../host/gpu/launch.ts";
import { openGpu } from "../../host/node/platform/dawn.ts";
import { platform } from "../../host/node/platform/index.ts";
import { sharing } from "./shared.ts";
import { limitWorkgroups, PATIENT_MS, poisonStorage, rewriteShaders, tampered } from "./tamper.ts";

export { limitWorkgroups, PATIENT_MS, poisonStorage, rewriteShaders, tampered };

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
  const { wgslLanguageFeatures } = (await openGpu())!;
  if (!wgslLanguageFeatures.has("packed_4x8_integer_dot_product"))
    throw new Error("tests: expected packed products in Dawn's WGSL, got none");
  return wgslLanguageFeatures;
}

/** The profile of the test adapter, with every feature that launches can use. */
export async function testProfile(): Promise<DeviceProfile> {
  const adapter = await testAdapter();
  return profileOf(adapter, adapter.info, {
    language: await testLanguage(),
    maxDispatchMilliseconds: PATIENT_MS,
  });
}

/** Answers the test adapter, whose every device passes through `tamper` first. */
export const tamperedAdapter = (tamper: (device: GPUDevice) => void): (() => Promise<GPUAdapter>) =>
  tampered(testAdapter, tamper);

/** The test adapter, whose devices share their pipelines, and so must not be lost. */
export const sharedAdapter = sharing(testAdapter);

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
 * change such an index, or the value that it finds, so that no other test would see one. An index that a shader holds below a
 * constant by `min(index, MAX_..._INDEX)` is watched before it is held.
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
  return `${spoilt.replaceAll(/\bmin\(([^(),]+), (MAX_\w+_INDEX)\)/g, "within(u32($1), $2 + 1u)")}
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
  tampered(sharedAdapter, (device) => {
    poisonStorage(device, word);
    rewriteShaders(device, watchIndices);
  });
