// Devices for tests: adapters whose devices a test may tamper with, and small compute shaders run to the end.

import { requestAdapter } from "../host/open.ts";
import { platform } from "../host/node/platform.ts";

/** The adapter tests compute on; without one they fail, they are never skipped. */
export async function testAdapter(): Promise<GPUAdapter> {
  const adapter = await requestAdapter(platform);
  if (!adapter)
    throw new Error(
      "tests: expected a WebGPU adapter, got none; x64 Linux gets one from @sparticuz/chromium",
    );
  return adapter;
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
