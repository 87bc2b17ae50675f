// Ways to tamper with devices of any implementation of WebGPU. Nothing here is of Node.

/** Milliseconds of a dispatch that tests of kernels allow: the narrow workgroups of a software adapter take long by estimate. */
export const PATIENT_MS = 1e4;

/** Answers adapters whose every device passes through `tamper` first; null where there is no adapter. */
export function tampered<Adapter extends GPUAdapter | null>(
  requestAdapter: () => Promise<Adapter>,
  tamper: (device: GPUDevice) => void,
): () => Promise<Adapter> {
  return async () => {
    const adapter = await requestAdapter();
    if (!adapter) return adapter;
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor);
      tamper(device);
      return device;
    };
    return adapter;
  };
}

/** Makes a device claim that a dispatch has at most `most` workgroups in each direction. */
export function limitWorkgroups(device: GPUDevice, most: number): void {
  const limits = new Proxy(device.limits, {
    get: (limits, name: keyof GPUSupportedLimits) =>
      name === "maxComputeWorkgroupsPerDimension" ? most : limits[name],
  });
  Object.defineProperty(device, "limits", { value: limits });
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
