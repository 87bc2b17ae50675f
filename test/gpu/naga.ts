// A program for Deno, whose WebGPU is wgpu with the shader compiler naga, as in Firefox. The test beside it builds and runs it.
//
// Its argument is the path of a Task in JSON. It prints one JSON object for each program and each piece of work.

import { readFile } from "node:fs/promises";
import { gpuRunner } from "../../host/gpu/runner.ts";
import type { VariantName } from "../../host/gpu/launch.ts";
import type { Runner } from "../../host/runner.ts";
import { PATIENT_MS, poisonStorage, rewriteShaders, tampered } from "./tamper.ts";
import { emulatedAdapter } from "./subgroups.ts";
import { subgroupWorks, variantWorks } from "./works.ts";

export interface Program {
  readonly name: string;
  readonly code: string;
}

/** A task of this program: by default it runs the work for every variant that needs no subgroups. */
export interface Task {
  /** Programs to compile first. */
  readonly programs?: readonly Program[];
  /** Run the work for a variant that needs subgroups, emulated with these sizes. */
  readonly emulated?: { readonly variant: VariantName; readonly minSize: number; readonly maxSize: number };
  /** Run only work whose title begins with this. */
  readonly only?: string;
  /** A text that is replaced in every shader, and the text that replaces it. */
  readonly fault?: readonly [replace: string, by: string];
}

/** The line for a program: its name, and the errors of naga. */
export interface CompiledProgram {
  readonly program: string;
  readonly errors: readonly string[];
}

/** The line for a piece of work: its words or an error, and the programs that were compiled for it. */
export interface RunWork {
  readonly title: string;
  readonly words?: readonly number[];
  readonly error?: string;
  readonly programs: readonly string[];
}

const print = (result: CompiledProgram | RunWork) => console.log(JSON.stringify(result));

async function compile(programs: readonly Program[]): Promise<void> {
  const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
  for (const { name, code } of programs) {
    device.pushErrorScope("validation");
    const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
    const error = await device.popErrorScope();
    const errors = messages.map(({ type, message }) => `${type}: ${message}`);
    print({ program: name, errors: error && errors.length === 0 ? [error.message] : errors });
  }
  device.destroy();
}

const {
  programs = [],
  emulated,
  only = "",
  fault,
} = JSON.parse(await readFile(process.argv[2]!, "utf8")) as Task;
await compile(programs);

const compiled: string[] = [];
const requestAdapter = async () => {
  const adapter = await navigator.gpu.requestAdapter();
  return adapter && emulated ? emulatedAdapter(adapter, emulated) : adapter;
};
const tamperedAdapter = tampered(requestAdapter, (device) => {
  poisonStorage(device, 0xdeadbeef);
  rewriteShaders(device, (code) => {
    compiled.push(...programs.filter((program) => program.code === code).map(({ name }) => name));
    return fault ? code.replace(fault[0], () => fault[1]) : code;
  });
});

const runners = new Map<string, Promise<Runner>>();
for (const { title, variant, capacityBits, work } of emulated
  ? subgroupWorks(emulated.variant)
  : variantWorks) {
  if (!title.startsWith(only)) continue;
  const key = `${variant} ${capacityBits}`;
  const runner =
    runners.get(key) ??
    gpuRunner(tamperedAdapter, {
      variant,
      language: navigator.gpu.wgslLanguageFeatures,
      maxDispatchMilliseconds: PATIENT_MS,
      ...(capacityBits !== undefined && { capacityBits }),
    });
  runners.set(key, runner);
  compiled.length = 0;
  try {
    const { words } = await (await runner).run(work);
    print({ title, words: [...words], programs: [...compiled] });
  } catch (error) {
    print({ title, error: (error as Error).message, programs: [...compiled] });
    runners.delete(key);
  }
}
for (const runner of runners.values()) (await runner).close();
process.exit(0);
