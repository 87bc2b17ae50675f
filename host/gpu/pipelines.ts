// Compiled pipelines, each compiled once for a device.

import { kernels, type KernelName } from "../../src/kernels/index.ts";
import { programsOf, type Launch, type ShaderProgram } from "./launch.ts";

/** The layouts of the two bind groups of every shader: the buffers of the contract, and the buffers of the variant. */
export type Layouts = readonly [contract: GPUBindGroupLayout, variant: GPUBindGroupLayout];

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layouts: Layouts;
}

export class PipelineCache {
  readonly #device: GPUDevice;
  /** By constants and source, which also fix the layouts. */
  readonly #pipelines = new Map<string, Promise<Pipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The pipelines of the programs of a launch, compiled if they are new. */
  get(kernel: KernelName, launch: Launch): Promise<Pipeline[]> {
    return Promise.all(programsOf(launch).map((program) => this.#of(kernel, launch, program)));
  }

  #of(kernel: KernelName, launch: Launch, program: ShaderProgram): Promise<Pipeline> {
    const key = `${JSON.stringify(program.constants)}\n${program.source}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) this.#pipelines.set(key, (pipeline = this.#compile(kernel, launch, program)));
    return pipeline;
  }

  async #compile(
    kernel: KernelName,
    { variant, scratchBytes }: Launch,
    { source, constants }: ShaderProgram,
  ): Promise<Pipeline> {
    const layouts = this.#layouts(kernel, scratchBytes > 0);
    const pipeline = await this.#device.createComputePipelineAsync({
      label: `${kernel}.${variant}`,
      layout: this.#device.createPipelineLayout({ bindGroupLayouts: [...layouts] }),
      compute: { module: this.#device.createShaderModule({ code: source }), constants },
    });
    return { pipeline, layouts };
  }

  /** Group 0 holds the parameters and the buffers of the contract; group 1 the scratch memory and the dispatch's uniform. */
  #layouts(kernel: KernelName, hasScratch: boolean): Layouts {
    const accesses = Object.values(kernels[kernel].buffers).map(({ access }) => access);
    const contract: GPUBufferBindingLayout[] = [
      { type: "uniform" },
      ...accesses.map((access): GPUBufferBindingLayout => ({
        type: access === "read" ? "read-only-storage" : "storage",
      })),
    ];
    return [
      this.#layout(contract),
      this.#layout([
        hasScratch ? { type: "storage" } : undefined,
        { type: "uniform", hasDynamicOffset: true },
      ]),
    ];
  }

  /** The layout of a bind group; binding i has the i-th buffer, if there is one. */
  #layout(buffers: readonly (GPUBufferBindingLayout | undefined)[]): GPUBindGroupLayout {
    const visibility = GPUShaderStage.COMPUTE;
    return this.#device.createBindGroupLayout({
      entries: buffers.flatMap((buffer, binding) => (buffer ? [{ binding, visibility, buffer }] : [])),
    });
  }
}
