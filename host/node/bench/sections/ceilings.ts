// The section `ceilings`: the highest rates of this machine, measured by micro-kernels that do the innermost step of a kernel and
// nothing else. Their results are compared with integers that are computed here, so that no compiler can leave the work out.

import copyCode from "../yardsticks/micro/copy.wgsl?raw";
import dotCode from "../yardsticks/micro/dot.wgsl?raw";
import memoryCode from "../yardsticks/micro/memory.wgsl?raw";
import micro from "../yardsticks/micro/micro.wgsl?raw";
import registersCode from "../yardsticks/micro/registers.wgsl?raw";
import shuffleCode from "../yardsticks/micro/shuffle.wgsl?raw";
import hex from "../yardsticks/micro/wasm/ceilings.ts?wasm";
import { cpuSeconds, repeated } from "../measure/measure.ts";
import type { Context, Gpu, Section } from "../context.ts";
import { rowOf, rowsTable } from "../records/rows.ts";
import type { Row } from "../records/record.ts";

/** Words of a column, the state of a micro-kernel. */
const WORDS = 8;
const UNITS = {
  registers: "updates/s",
  memory: "updates/s",
  shuffle: "words/s",
  dot: "MAC/s",
  copy: "B/s",
} as const;
export type Ceiling = keyof typeof UNITS;
const ceilingNames = Object.keys(UNITS) as Ceiling[];

const seed = (column: number, word: number) => Math.imul(WORDS * column + word + 1, 0x9e3779b9) >>> 0;
const next = (z: number) => (Math.imul(z, 1664525) + 1013904223) >>> 0;
const columnOf = (column: number) => Uint32Array.from({ length: WORDS }, (_, word) => seed(column, word));

/** A column of bits after `rounds` rounds: `steps` times R |= R << shift with z shifted in from below, then all words xor z. */
function shifted(column: number, rounds: number, steps: number, shift: number): Uint32Array {
  const words = columnOf(column);
  for (let round = 0, z = 1; round < rounds; round++, z = next(z)) {
    for (let step = 0; step < steps; step++)
      for (let w = WORDS - 1; w >= 0; w--)
        words[w]! |= (words[w]! << shift) | ((w > 0 ? words[w - 1]! : z) >>> (32 - shift));
    for (let w = 0; w < WORDS; w++) words[w]! ^= z;
  }
  return words;
}

/** A column after `rounds` rounds of `steps` times x += x . z on every word, a dot product of signed parts of `bits` bits. */
function dotted(column: number, rounds: number, steps: number, bits: number): Uint32Array {
  const words = columnOf(column);
  const part = (x: number, i: number) => (x << (32 - bits * (i + 1))) >> (32 - bits);
  for (let round = 0, z = 1; round < rounds; round++, z = next(z))
    for (let step = 0; step < steps; step++)
      for (let w = 0; w < WORDS; w++) {
        const x = words[w]!;
        for (let i = 0; i < 32 / bits; i++) words[w]! += Math.imul(part(x, i), part(z, i));
      }
  return words;
}

/** The columns of a subgroup of `size` lanes: each word += that of the lane `shift` further on, then xor a seed of the round. */
function shuffled(size: number, rounds: number, steps: number, shift: number): Uint32Array[] {
  let lanes = Array.from({ length: size }, (_, lane) => columnOf(lane));
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < steps; step++)
      lanes = lanes.map((words, lane) => words.map((x, w) => x + lanes[(lane + shift) % size]![w]!));
    lanes = lanes.map((words, lane) => words.map((x) => x ^ seed(lane, round)));
  }
  return lanes;
}

/** The checksum that an invocation writes of its column. */
const checksum = (words: Uint32Array) =>
  words.reduce((sum, x, w) => (sum + Math.imul(2 * w + 1, x)) >>> 0, 0);

function same(name: string, found: ArrayLike<number>, expected: (i: number) => number): void {
  for (let i = 0; i < found.length; i++)
    if (found[i] !== expected(i))
      throw new Error(`the micro-kernel ${name} answers ${found[i]} at ${i}, expected ${expected(i)}`);
}

/** A micro-kernel that is ready to run. */
interface Micro {
  readonly pass: () => number | Promise<number>;
  /** Throws where its results are wrong. */
  readonly check: () => void | Promise<void>;
}

interface CeilingExports {
  readonly memory: WebAssembly.Memory;
  readonly heapBase: () => number;
  readonly registers: (out: number, rounds: number) => void;
  readonly bitset: (bits: number, bytes: number, rounds: number) => void;
  readonly dot: (out: number, rounds: number) => void;
  readonly copy: (to: number, from: number, bytes: number) => void;
}

/** A round on the CPU: steps in registers, and passes over a bitset that fits into a first-level cache. */
const CPU_STEPS = 16;
const CPU_PASSES = 64;
const CPU_SHIFT = 13;
const BITSET_BYTES = 2 ** 14;
/** Rounds whose results are checked: of columns, and of a bitset. */
const CHECKED_ROUNDS = 99;
const CHECKED_BITSET_ROUNDS = 3;
/** Bytes of a copy on the CPU, more than caches hold. */
const CPU_COPY_BYTES = 2 ** 26;

/** The micro-kernels of the CPU, which run in this thread. */
export async function cpuMicros(): Promise<Record<Exclude<Ceiling, "shuffle">, Micro>> {
  const { instance } = await WebAssembly.instantiate(Buffer.from(hex, "hex"));
  const wasm = instance.exports as WebAssembly.Exports & CeilingExports;
  const base = wasm.heapBase();
  wasm.memory.grow(Math.ceil((base + 2 * CPU_COPY_BYTES) / 65536));
  const words = (length: number) => new Uint32Array(wasm.memory.buffer, base, length);
  /** A micro-kernel on columns in registers. Word i of column c is at 4 i + c of its results. */
  const columns = (name: "registers" | "dot", units: number, result: (column: number) => Uint32Array) => ({
    pass: repeated(units, (times) => cpuSeconds(() => wasm[name](base, times))),
    check() {
      wasm[name](base, CHECKED_ROUNDS);
      const expected = [0, 1, 2, 3].map(result);
      same(name, words(4 * WORDS), (i) => expected[i % 4]![i >> 2]!);
    },
  });
  return {
    registers: columns("registers", 4 * WORDS * CPU_STEPS, (column) =>
      shifted(column, CHECKED_ROUNDS, CPU_STEPS, CPU_SHIFT),
    ),
    memory: {
      pass: repeated((BITSET_BYTES / 4) * CPU_PASSES, (times) =>
        cpuSeconds(() => wasm.bitset(base, BITSET_BYTES, times)),
      ),
      check() {
        words(BITSET_BYTES / 4 + 16).fill(0);
        wasm.bitset(base + 64, BITSET_BYTES, CHECKED_BITSET_ROUNDS);
        const length = BITSET_BYTES / 4;
        const all = (1n << BigInt(32 * length)) - 1n;
        let bits = bigOf(Uint32Array.from({ length }, (_, i) => seed(0, i)));
        for (let round = 0, z = 1; round < CHECKED_BITSET_ROUNDS; round++, z = next(z)) {
          for (let pass = 0; pass < CPU_PASSES; pass++) bits |= (bits << BigInt(CPU_SHIFT)) & all;
          bits ^= bigOf(new Uint32Array(length).fill(z));
        }
        const found = new Uint32Array(wasm.memory.buffer, base + 64, length);
        if (bigOf(found) !== bits)
          throw new Error("the micro-kernel memory answers other bits than it should");
      },
    },
    dot: columns("dot", 4 * WORDS * CPU_STEPS * 2, (column) => dotted(column, CHECKED_ROUNDS, CPU_STEPS, 16)),
    copy: {
      pass: repeated(CPU_COPY_BYTES, (times) =>
        cpuSeconds(() => {
          for (let k = 0; k < times; k++) wasm.copy(base + CPU_COPY_BYTES, base, CPU_COPY_BYTES);
        }),
      ),
      check() {
        const [from, to] = [0, CPU_COPY_BYTES].map((at) =>
          Buffer.from(wasm.memory.buffer, base + at, CPU_COPY_BYTES),
        );
        for (let i = 0; i < CPU_COPY_BYTES; i += 4096) from![i] = i >> 12;
        wasm.copy(base + CPU_COPY_BYTES, base, CPU_COPY_BYTES);
        if (from!.compare(to!) !== 0)
          throw new Error("the micro-kernel copy answers other bytes than it should");
      },
    },
  };
}

/** A bitset as one number, its first word the lowest. */
const bigOf = (words: Uint32Array): bigint =>
  BigInt(`0x${Array.from(words.toReversed(), (word) => word.toString(16).padStart(8, "0")).join("")}`);

/** Rounds of a dispatch on the GPU. */
const GPU_ROUNDS = 16;
const GPU_SHIFT = 13;
/** Invocations of a workgroup. */
const WIDTH = 64;
/** Columns that differ: invocation i begins with column i % COLUMNS. */
const COLUMNS = 64;
/** The most workgroups of a dispatch, enough to fill any device. */
const MAX_GROUPS = 2 ** 14;
/** The most bytes of a copy, more than caches hold. */
const GPU_COPY_BYTES = 2 ** 27;
/** Runs of each spelling by which the fastest is chosen. */
const TURNS = 5;
/** Seconds of a dispatch that is long enough to be measured. */
const DISPATCH_SECONDS = 0.005;

interface GpuMicro {
  readonly code: string;
  /** The constants of each spelling of the same step; the fastest is the ceiling. Default: one spelling without constants. */
  readonly spellings?: readonly Record<string, number>[];
  /** Units of an invocation in a round. */
  readonly units: number;
  readonly check: (found: Uint32Array, rounds: number) => void;
}

/** Checks the checksums of a dispatch, given the final column. */
const byColumn = (name: string, result: (column: number, rounds: number) => Uint32Array) => {
  return (found: Uint32Array, rounds: number) => {
    const expected = Array.from({ length: COLUMNS }, (_, column) => checksum(result(column, rounds)));
    same(name, found, (i) => expected[i % COLUMNS]!);
  };
};

const gpuMicros: Record<Exclude<Ceiling, "copy">, GpuMicro> = {
  registers: {
    code: micro + registersCode,
    spellings: [{ PRODUCTS: 0 }, { PRODUCTS: 1 }],
    units: 16 * WORDS,
    check: byColumn("registers", (column, rounds) => shifted(column, rounds, 16, GPU_SHIFT)),
  },
  memory: {
    code: micro + memoryCode,
    units: 64 * WORDS,
    check: byColumn("memory", (column, rounds) => shifted(column, rounds, 64, GPU_SHIFT)),
  },
  shuffle: {
    code: `enable subgroups;\n${micro}${shuffleCode}`,
    units: 16 * WORDS,
    check(found, rounds) {
      // Only the shader knows the size of subgroups, so any size may match.
      const sizes = [4, 8, 16, 32, 64, 128].map((size) =>
        shuffled(size, rounds, 16, GPU_SHIFT).map(checksum),
      );
      const expected = sizes.find((lanes) => lanes.every((lane, i) => lane === found[i])) ?? sizes[0]!;
      same("shuffle", found, (i) => expected[i % expected.length]!);
    },
  },
  dot: {
    code: `requires packed_4x8_integer_dot_product;\n${micro}${dotCode}`,
    units: 4 * 16 * WORDS,
    check: byColumn("dot", (column, rounds) => dotted(column, rounds, 16, 8)),
  },
};

/** Opens a device, and the micro-kernels of `asked` that it has the features for. `close` destroys the device. */
export async function openGpuMicros(
  { requestAdapter, language }: Gpu,
  asked: readonly Ceiling[] = ceilingNames,
): Promise<{ micros: Partial<Record<Ceiling, Micro>>; close: () => void }> {
  const adapter = (await requestAdapter())!;
  const has = (name: GPUFeatureName) => adapter.features.has(name);
  const device = await adapter.requestDevice({
    requiredFeatures: (["subgroups", "timestamp-query"] as const).filter(has),
  });
  const micros: Partial<Record<Ceiling, Micro>> = {};
  for (const name of asked) {
    if (name === "shuffle" && !has("subgroups")) continue;
    if (name === "dot" && !language.has("packed_4x8_integer_dot_product")) continue;
    micros[name] = await (name === "copy" ? openCopy(device) : openMicro(device, name));
  }
  return { micros, close: () => device.destroy() };
}

async function openMicro(device: GPUDevice, name: Exclude<Ceiling, "copy">): Promise<Micro> {
  const { code, units, check, spellings = [{}] } = gpuMicros[name];
  const shaders: Shader[] = [];
  for (const constants of spellings) {
    const open = (groups: number) =>
      openShader(device, code, constants, groups, GPU_ROUNDS, 4 * groups * WIDTH);
    shaders.push(await grown(open, MAX_GROUPS));
  }
  const shader = await fastest(shaders);
  return {
    pass: repeated(shader.groups * WIDTH * GPU_ROUNDS * units, shader.run),
    async check() {
      for (const spelling of shaders) check(await spelling.results(), GPU_ROUNDS);
    },
  };
}

/** The shader with the highest rate. They take turns, and the shortest time of each counts. */
async function fastest(shaders: readonly Shader[]): Promise<Shader> {
  const seconds = shaders.map(() => Infinity);
  for (let turn = 0; shaders.length > 1 && turn < TURNS; turn++)
    for (const [i, shader] of shaders.entries())
      seconds[i] = Math.min(seconds[i]!, (await shader.run(1)) / shader.groups);
  return shaders[seconds.indexOf(Math.min(...seconds))]!;
}

async function openCopy(device: GPUDevice): Promise<Micro> {
  /** Bytes that a workgroup copies. */
  const bytes = 16 * WIDTH * GPU_ROUNDS;
  const open = (groups: number) => {
    const source = Uint32Array.from({ length: (bytes * groups) / 4 }, (_, i) => seed(0, i));
    return openShader(device, copyCode, {}, groups, GPU_ROUNDS, bytes * groups, source);
  };
  const shader = await grown(open, GPU_COPY_BYTES / bytes);
  return {
    pass: repeated(bytes * shader.groups, shader.run),
    check: async () => same("copy", await shader.results(), (i) => seed(0, i)),
  };
}

/** A shader with a number of workgroups, at most `most`, that keeps the device busy for DISPATCH_SECONDS. */
async function grown(open: (groups: number) => Promise<Shader>, most: number): Promise<Shader> {
  for (let groups = 16; ; groups *= 4) {
    const shader = await open(Math.min(groups, most));
    // The first dispatch may include compilation.
    await shader.run(1);
    if (groups >= most || (await shader.run(1)) >= DISPATCH_SECONDS) return shader;
    shader.close();
  }
}

interface Shader {
  readonly groups: number;
  /** Dispatches `times` times; returns the seconds on the device, or by the clock where it has no timestamps. */
  readonly run: (times: number) => Promise<number>;
  readonly results: () => Promise<Uint32Array>;
  readonly close: () => void;
}

async function openShader(
  device: GPUDevice,
  code: string,
  given: Record<string, number>,
  groups: number,
  rounds: number,
  bytes: number,
  source?: Uint32Array<ArrayBuffer>,
): Promise<Shader> {
  const { COPY_DST, COPY_SRC, MAP_READ, QUERY_RESOLVE, STORAGE, UNIFORM } = GPUBufferUsage;
  const make = (size: number, usage: number) => device.createBuffer({ size, usage });
  const params = make(8, UNIFORM | COPY_DST);
  device.queue.writeBuffer(params, 0, Uint32Array.of(GPU_SHIFT, rounds));
  const results = make(bytes, STORAGE | COPY_SRC);
  const buffers = [params, results];
  if (source) {
    const from = make(bytes, STORAGE | COPY_DST);
    device.queue.writeBuffer(from, 0, source);
    buffers.push(from);
  }
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), constants: { WIDTH, ...given } },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const timed = device.features.has("timestamp-query");
  const [ticks, ticksRead] = [make(16, QUERY_RESOLVE | COPY_SRC), make(16, COPY_DST | MAP_READ)];
  const queries = timed ? device.createQuerySet({ type: "timestamp", count: 2 }) : undefined;
  return {
    groups,
    async run(times) {
      const start = performance.now();
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass(
        queries && {
          timestampWrites: { querySet: queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
        },
      );
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let k = 0; k < times; k++) pass.dispatchWorkgroups(groups);
      pass.end();
      if (queries) {
        encoder.resolveQuerySet(queries, 0, 2, ticks, 0);
        encoder.copyBufferToBuffer(ticks, 0, ticksRead, 0, 16);
      }
      device.queue.submit([encoder.finish()]);
      if (!queries) {
        await device.queue.onSubmittedWorkDone();
        return (performance.now() - start) / 1000;
      }
      await ticksRead.mapAsync(GPUMapMode.READ);
      const [from, to] = new BigUint64Array(ticksRead.getMappedRange().slice(0));
      ticksRead.unmap();
      return Number(to! - from!) / 1e9;
    },
    async results() {
      const staging = make(bytes, COPY_DST | MAP_READ);
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(results, 0, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const words = new Uint32Array(staging.getMappedRange().slice(0));
      staging.destroy();
      return words;
    },
    close() {
      for (const buffer of [...buffers, ticks, ticksRead]) buffer.destroy();
      queries?.destroy();
    },
  };
}

/** Measures the ceilings of the CPU and of the GPU, where these engines are asked for. */
export async function benchCeilings(context: Context): Promise<Section> {
  const rows: Row[] = [];
  async function measure(engine: "cpu" | "gpu", variant: string, micros: Partial<Record<Ceiling, Micro>>) {
    const entries = Object.entries(micros) as [Ceiling, Micro][];
    const passes = Object.fromEntries(entries.map(([name, { pass }]) => [name, pass]));
    const costs = await context.measure(`ceilings of the ${engine}`, passes);
    if (!costs) return;
    for (const [name, { check }] of entries) {
      await check();
      rows.push(
        rowOf({ section: "ceilings", engine, kernel: "", size: name, variant }, UNITS[name], costs[name]!),
      );
    }
  }
  if (context.engines.has("cpu")) await measure("cpu", "one thread", await cpuMicros());
  if (context.gpu) {
    const { micros, close } = await openGpuMicros(context.gpu);
    await measure("gpu", "all of it", micros).finally(close);
  }
  return {
    title: "ceilings: the rates of micro-kernels on this machine",
    rows,
    table: rowsTable(rows),
  };
}
