// Devices of a process that share their pipelines. Compiling takes a software adapter most of the time of tests, and WebGPU keeps
// pipelines for one device alone.

/** An object that has the properties of another one, but its own ones, to which each one that a test assigns belongs. */
function viewOf<T extends object>(object: T, own: Partial<T>): T {
  return new Proxy(own as T, {
    get(own, name) {
      if (name in own) return Reflect.get(own, name) as unknown;
      const value: unknown = Reflect.get(object, name, object);
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}

type Listener = (event: GPUUncapturedErrorEvent) => void;

/** A device with its modules by their code, and its pipelines by their code and constants. */
class Compiled {
  readonly device: GPUDevice;
  /** What the devices that share it do where it refuses something. */
  readonly listeners = new Set<Listener>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #codes = new WeakMap<GPUShaderModule, string>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice) {
    this.device = device;
    device.addEventListener("uncapturederror", (event) => {
      for (const listener of this.listeners) listener(event);
    });
  }

  module(descriptor: GPUShaderModuleDescriptor): GPUShaderModule {
    const { code } = descriptor;
    const module = this.#modules.get(code) ?? this.device.createShaderModule(descriptor);
    this.#modules.set(code, module);
    this.#codes.set(module, code);
    return module;
  }

  /** The code and the constants of a kernel fix its layout. */
  pipeline(descriptor: GPUComputePipelineDescriptor): Promise<GPUComputePipeline> {
    const { module, constants } = descriptor.compute;
    const key = `${JSON.stringify(constants)}\n${this.#codes.get(module)}`;
    const pipeline = this.#pipelines.get(key) ?? this.device.createComputePipelineAsync(descriptor);
    this.#pipelines.set(key, pipeline);
    return pipeline;
  }
}

/** The devices that are shared, by what was required of them. */
const devices = new Map<string, Promise<Compiled>>();

/** A device of its own to all appearances. When it is destroyed, its buffers are. */
function deviceOf(compiled: Compiled): GPUDevice {
  const { device } = compiled;
  const buffers = new Set<GPUBuffer>();
  const added = new Set<Listener>();
  return viewOf(device, {
    queue: viewOf(device.queue, {}),
    createShaderModule: (descriptor) => compiled.module(descriptor),
    createComputePipelineAsync: (descriptor) => compiled.pipeline(descriptor),
    createBuffer(descriptor) {
      const buffer = device.createBuffer(descriptor);
      buffers.add(buffer);
      return buffer;
    },
    addEventListener: ((_: string, listener: Listener) => {
      compiled.listeners.add(listener);
      added.add(listener);
    }) as GPUDevice["addEventListener"],
    destroy() {
      for (const listener of added) compiled.listeners.delete(listener);
      for (const buffer of buffers) buffer.destroy();
      buffers.clear();
      return undefined;
    },
  });
}

/** Answers the adapters of `requestAdapter`, which open devices that share their pipelines, and so must not be lost. */
export const sharing =
  (requestAdapter: () => Promise<GPUAdapter>): (() => Promise<GPUAdapter>) =>
  async () => {
    const adapter = await requestAdapter();
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const key = JSON.stringify(descriptor);
      const compiled = devices.get(key) ?? requestDevice(descriptor).then((device) => new Compiled(device));
      devices.set(key, compiled);
      return deviceOf(await compiled);
    };
    return adapter;
  };
