// Translates the SPIR-V that Tint makes into CUDA C++, for NVIDIA's compiler: a label for each block, an assignment for each
// result, copies for phis. Only instructions that Tint makes of these kernels are known; any other one is an error.
//
// NVIDIA's Vulkan driver has another front end, so the machine code of a driver may differ. The translation is compiled, not run.

type Type =
  | { readonly kind: "void" | "function" }
  | { readonly kind: "scalar"; readonly name: "u32" | "i32" | "bool" }
  | { readonly kind: "vector" | "array"; readonly element: Type; readonly count: number }
  | { readonly kind: "struct"; readonly name: string; readonly members: readonly Type[] }
  | { readonly kind: "pointer"; readonly storage: string; readonly to: Type };

interface Instruction {
  readonly result?: string;
  readonly op: string;
  readonly operands: readonly string[];
}

interface Block {
  readonly label: string;
  readonly instructions: Instruction[];
}

interface FunctionBody {
  readonly result: string;
  readonly returns: Type;
  readonly parameters: { readonly id: string; readonly type: Type }[];
  readonly blocks: Block[];
}

/** Elements of an array of unknown length: more than a binding can have. */
const RUNTIME_LENGTH = 2 ** 28;
const ALL_LANES = "0xffffffffu";

const u = (value: string) => `(u32)(${value})`;
const s = (value: string) => `(i32)(${value})`;
const binary = (operator: string, cast: (value: string) => string) => (a: string, b: string) =>
  `${cast(a)} ${operator} ${cast(b)}`;
const shift = (operator: string, cast: (value: string) => string) => (a: string, b: string) =>
  `${cast(a)} ${operator} (${u(b)} & 31u)`;
const plain = (operator: string) => (a: string, b: string) => `(${a}) ${operator} (${b})`;
const call =
  (name: string, cast: (value: string) => string) =>
  (...values: string[]) =>
    `${name}(${values.map(cast).join(", ")})`;
const lanes =
  (name: string) =>
  (value: string, ...rest: string[]) =>
    `${name}(${[ALL_LANES, u(value), ...rest.map(u)].join(", ")})`;
const group =
  (reduce: string, name: string) =>
  (operation: string, value: string): string => {
    const scans: Record<string, string> = {
      Reduce: `${reduce}(${ALL_LANES}, ${u(value)})`,
      InclusiveScan: `scan<${name}>(${u(value)}, true)`,
      ExclusiveScan: `scan<${name}>(${u(value)}, false)`,
    };
    const found = scans[operation];
    if (!found) throw new Error(`SPIR-V: the group operation ${operation} is not translated`);
    return found;
  };

/** Operations on scalars, or on vectors element by element. */
const elementwise: Readonly<Record<string, (...values: string[]) => string>> = {
  OpIAdd: binary("+", u),
  OpISub: binary("-", u),
  OpIMul: binary("*", u),
  OpUDiv: binary("/", u),
  OpUMod: binary("%", u),
  OpSDiv: binary("/", s),
  OpSRem: binary("%", s),
  OpSNegate: (a) => `0u - ${u(a)}`,
  OpBitwiseAnd: binary("&", u),
  OpBitwiseOr: binary("|", u),
  OpBitwiseXor: binary("^", u),
  OpNot: (a) => `~${u(a)}`,
  OpShiftLeftLogical: shift("<<", u),
  OpShiftRightLogical: shift(">>", u),
  OpShiftRightArithmetic: shift(">>", s),
  OpBitCount: (a) => `__popc(${u(a)})`,
  OpBitcast: (a) => a,
  OpIEqual: binary("==", u),
  OpINotEqual: binary("!=", u),
  OpULessThan: binary("<", u),
  OpULessThanEqual: binary("<=", u),
  OpUGreaterThan: binary(">", u),
  OpUGreaterThanEqual: binary(">=", u),
  OpSLessThan: binary("<", s),
  OpSLessThanEqual: binary("<=", s),
  OpSGreaterThan: binary(">", s),
  OpSGreaterThanEqual: binary(">=", s),
  OpLogicalAnd: plain("&&"),
  OpLogicalOr: plain("||"),
  OpLogicalEqual: plain("=="),
  OpLogicalNotEqual: plain("!="),
  OpLogicalNot: (a) => `!(${a})`,
  OpSelect: (condition, a, b) => `(${condition}) ? ${a} : ${b}`,
  OpSDot: (a, b) => `__dp4a(${s(a)}, ${s(b)}, 0)`,
  OpUDot: (a, b) => `__dp4a(${u(a)}, ${u(b)}, 0u)`,
  UMin: call("min", u),
  UMax: call("max", u),
  SMin: call("min", s),
  SMax: call("max", s),
  SAbs: call("abs", s),
  SSign: (a) => `(${s(a)} > 0) - (${s(a)} < 0)`,
  UClamp: (a, low, high) => `min(max(${u(a)}, ${u(low)}), ${u(high)})`,
  SClamp: (a, low, high) => `min(max(${s(a)}, ${s(low)}), ${s(high)})`,
  FindUMsb: (a) => `31 - __clz(${s(a)})`,
  FindILsb: (a) => `__ffs(${s(a)}) - 1`,
  OpGroupNonUniformShuffle: lanes("__shfl_sync"),
  OpGroupNonUniformShuffleXor: lanes("__shfl_xor_sync"),
  OpGroupNonUniformShuffleUp: lanes("__shfl_up_sync"),
  OpGroupNonUniformShuffleDown: lanes("__shfl_down_sync"),
  OpGroupNonUniformBroadcast: lanes("__shfl_sync"),
  OpGroupNonUniformBroadcastFirst: (value) => `__shfl_sync(${ALL_LANES}, ${u(value)}, 0)`,
  OpGroupNonUniformIAdd: group("__reduce_add_sync", "Add"),
  OpGroupNonUniformUMax: group("__reduce_max_sync", "Max"),
  OpGroupNonUniformUMin: group("__reduce_min_sync", "Min"),
  OpGroupNonUniformSMax: group("(u32)reduceMaxSigned", "MaxSigned"),
  OpGroupNonUniformSMin: group("(u32)reduceMinSigned", "MinSigned"),
  OpGroupNonUniformBitwiseOr: group("__reduce_or_sync", "Or"),
  OpGroupNonUniformBitwiseAnd: group("__reduce_and_sync", "And"),
  OpGroupNonUniformAny: (value) => `__any_sync(${ALL_LANES}, ${value})`,
  OpGroupNonUniformAll: (value) => `__all_sync(${ALL_LANES}, ${value})`,
  OpGroupNonUniformElect: () => "laneIndex() == 0u",
};

/** Atomic operations that return the word before: pointer, scope, semantics, value. */
const atomics: Readonly<Record<string, string>> = {
  OpAtomicIAdd: "atomicAdd",
  OpAtomicOr: "atomicOr",
  OpAtomicAnd: "atomicAnd",
  OpAtomicXor: "atomicXor",
  OpAtomicUMax: "atomicMax",
  OpAtomicUMin: "atomicMin",
  OpAtomicExchange: "atomicExch",
};

/** The inputs of a shader for workgroups of `size` invocations. */
const builtins = (size: readonly number[]): Readonly<Record<string, string>> => ({
  LocalInvocationIndex: `threadIdx.x + ${size[0]}u * threadIdx.y`,
  LocalInvocationId: "{{threadIdx.x, threadIdx.y, threadIdx.z}}",
  WorkgroupId: "{{blockIdx.x, blockIdx.y, blockIdx.z}}",
  NumWorkgroups: "{{gridDim.x, gridDim.y, gridDim.z}}",
  SubgroupSize: "32u",
  SubgroupLocalInvocationId: "laneIndex()",
  SubgroupId: `(threadIdx.x + ${size[0]}u * threadIdx.y) / 32u`,
  NumSubgroups: `${Math.ceil(size.reduce((a, b) => a * b, 1) / 32)}u`,
});

const PRELUDE = `typedef unsigned u32;
typedef int i32;
template <class T, int N> struct Aligned { static const int bytes = alignof(T); };
template <> struct Aligned<u32, 2> { static const int bytes = 8; };
template <> struct Aligned<i32, 2> { static const int bytes = 8; };
template <> struct Aligned<u32, 4> { static const int bytes = 16; };
template <> struct Aligned<i32, 4> { static const int bytes = 16; };
template <class T, int N> struct alignas(Aligned<T, N>::bytes) Vector { T e[N]; };
template <class T, int N> struct Array { T e[N]; };
struct Add { static __device__ u32 of(u32 a, u32 b) { return a + b; } static const u32 none = 0u; };
struct Or { static __device__ u32 of(u32 a, u32 b) { return a | b; } static const u32 none = 0u; };
struct And { static __device__ u32 of(u32 a, u32 b) { return a & b; } static const u32 none = ~0u; };
struct Max { static __device__ u32 of(u32 a, u32 b) { return max(a, b); } static const u32 none = 0u; };
struct Min { static __device__ u32 of(u32 a, u32 b) { return min(a, b); } static const u32 none = ~0u; };
struct MaxSigned { static __device__ u32 of(u32 a, u32 b) { return max((i32)a, (i32)b); } static const u32 none = 1u << 31; };
struct MinSigned { static __device__ u32 of(u32 a, u32 b) { return min((i32)a, (i32)b); } static const u32 none = ~0u >> 1; };
__device__ __forceinline__ u32 laneIndex() { u32 lane; asm("mov.u32 %0, %%laneid;" : "=r"(lane)); return lane; }
__device__ __forceinline__ i32 reduceMaxSigned(u32 lanes, u32 value) { return __reduce_max_sync(lanes, (i32)value); }
__device__ __forceinline__ i32 reduceMinSigned(u32 lanes, u32 value) { return __reduce_min_sync(lanes, (i32)value); }
template <class Operation> __device__ __forceinline__ u32 scan(u32 value, bool inclusive) {
  const u32 lane = laneIndex();
#pragma unroll
  for (u32 step = 1u; step < 32u; step *= 2u) {
    const u32 below = __shfl_up_sync(~0u, value, step);
    if (lane >= step) value = Operation::of(value, below);
  }
  if (inclusive) return value;
  const u32 before = __shfl_up_sync(~0u, value, 1u);
  return lane == 0u ? Operation::none : before;
}
template <class T> __device__ __forceinline__ void clearShared(T &shared, u32 index, u32 invocations) {
  for (u32 i = index; i < sizeof(T) / 4u; i += invocations) ((u32 *)&shared)[i] = 0u;
}
`;

function nameOf(type: Type): string {
  switch (type.kind) {
    case "scalar":
    case "struct":
      return type.name;
    case "vector":
      return `Vector<${nameOf(type.element)}, ${type.count}>`;
    case "array":
      return `Array<${nameOf(type.element)}, ${type.count}>`;
    case "pointer":
      return `${nameOf(type.to)} *`;
    default:
      return "void";
  }
}

const elementOf = (type: Type): Type => (type.kind === "vector" ? type.element : type);

/** The instruction of a line of `spirv-dis --raw-id --no-header`. */
function parseLine(line: string): Instruction | undefined {
  const found = /^\s*(?:%(\d+) = )?(Op\w+)\s*(.*)$/.exec(line);
  if (!found) return undefined;
  const [, result, op, rest] = found;
  const operands = [...rest!.matchAll(/"[^"]*"|\S+/g)].map(([word]) => word.replace(/^%/, ""));
  return { op: op!, operands, ...(result !== undefined && { result }) };
}

/**
 * The CUDA C++ of a compute shader, given its disassembly. The kernel is called `main_`.
 *
 * @throws {Error} The shader has an instruction that is not translated.
 */
export function cudaOf(disassembly: string): string {
  return new Translation(disassembly.split("\n").flatMap((line) => parseLine(line) ?? [])).program();
}

class Translation {
  readonly #types = new Map<string, Type>();
  /** The types of values. */
  readonly #typeOf = new Map<string, Type>();
  /** Expressions of values, and of what pointers point to. */
  readonly #values = new Map<string, string>();
  readonly #structs: string[] = [];
  readonly #shared: string[] = [];
  /** Members of the program: those that the kernel sets come first. */
  readonly #buffers: { readonly declaration: string; readonly name: string }[] = [];
  readonly #members: string[] = [];
  readonly #clears: string[] = [];
  readonly #functions: FunctionBody[] = [];
  readonly #builtins = new Map<string, string>();
  readonly #readOnly = new Set<string>();
  #size: readonly number[] = [1, 1, 1];
  #entry = "";

  constructor(instructions: readonly Instruction[]) {
    for (const instruction of instructions) this.#read(instruction);
  }

  program(): string {
    const parameters = this.#buffers.map(({ declaration }) => declaration).join(", ");
    const invocations = this.#size.reduce((a, b) => a * b, 1);
    return `${PRELUDE}
${this.#structs.join("\n")}
${this.#shared.join("\n")}
struct Program {
${[...this.#buffers.map(({ declaration }) => `${declaration};`), ...this.#members].join("\n")}
${this.#functions.map((body) => this.#function(body)).join("\n")}
};
extern "C" __global__ void __launch_bounds__(${invocations}) main_(${parameters}) {
  Program program{${this.#buffers.map(({ name }) => name).join(", ")}};
${this.#clears.map((variable) => `  clearShared(${variable}, threadIdx.x + ${this.#size[0]}u * threadIdx.y, ${invocations}u);`).join("\n")}
  ${this.#clears.length > 0 ? "__syncthreads();" : ""}
  program.f${this.#entry}();
}
`;
  }

  #type(id: string): Type {
    const type = this.#types.get(id);
    if (!type) throw new Error(`SPIR-V: type %${id} is not declared`);
    return type;
  }

  #value(id: string): string {
    return this.#values.get(id) ?? `v${id}`;
  }

  /** Element i of a vector, or the scalar itself. */
  #element(id: string, i: number): string {
    return this.#typeOf.get(id)?.kind === "vector" ? `${this.#value(id)}.e[${i}]` : this.#value(id);
  }

  #constant(result: string, typeId: string, expression: string): void {
    this.#typeOf.set(result, this.#type(typeId));
    this.#values.set(result, expression);
  }

  #read(instruction: Instruction): void {
    const { op, operands, result = "" } = instruction;
    const [a = "", b = ""] = operands;
    const body = this.#functions.at(-1);
    switch (op) {
      case "OpEntryPoint":
        this.#entry = b;
        return;
      case "OpExecutionMode":
        if (b === "LocalSize") this.#size = operands.slice(2).map(Number);
        return;
      case "OpDecorate":
        if (b === "BuiltIn") this.#builtins.set(a, operands[2]!);
        if (b === "NonWritable") this.#readOnly.add(a);
        return;
      case "OpTypeVoid":
        this.#types.set(result, { kind: "void" });
        return;
      case "OpTypeFunction":
        this.#types.set(result, { kind: "function" });
        return;
      case "OpTypeBool":
        this.#types.set(result, { kind: "scalar", name: "bool" });
        return;
      case "OpTypeInt":
        if (a !== "32") throw new Error(`SPIR-V: expected integers of 32 bits, got ${a}`);
        this.#types.set(result, { kind: "scalar", name: b === "1" ? "i32" : "u32" });
        return;
      case "OpTypeVector":
        this.#types.set(result, { kind: "vector", element: this.#type(a), count: Number(b) });
        return;
      case "OpTypeArray":
        this.#types.set(result, { kind: "array", element: this.#type(a), count: parseInt(this.#value(b)) });
        return;
      case "OpTypeRuntimeArray":
        this.#types.set(result, { kind: "array", element: this.#type(a), count: RUNTIME_LENGTH });
        return;
      case "OpTypeStruct": {
        const members = operands.map((id) => this.#type(id));
        const fields = members.map((member, i) => `${nameOf(member)} m${i};`);
        this.#structs.push(`struct S${result} { ${fields.join(" ")} };`);
        this.#types.set(result, { kind: "struct", name: `S${result}`, members });
        return;
      }
      case "OpTypePointer":
        this.#types.set(result, { kind: "pointer", storage: a, to: this.#type(b) });
        return;
      case "OpConstant": {
        const type = this.#type(a);
        this.#constant(result, a, nameOf(type) === "u32" ? `${b}u` : Number(b) < 0 ? `(i32)(${b}ll)` : b);
        return;
      }
      case "OpConstantTrue":
      case "OpConstantFalse":
        this.#constant(result, a, String(op === "OpConstantTrue"));
        return;
      case "OpConstantNull":
      case "OpUndef":
        this.#constant(result, a, `${nameOf(this.#type(a))}{}`);
        return;
      case "OpConstantComposite":
        this.#constant(result, a, this.#composite(this.#type(a), operands.slice(1)));
        return;
      case "OpFunction":
        this.#functions.push({ result, returns: this.#type(a), parameters: [], blocks: [] });
        return;
      case "OpFunctionParameter": {
        const type = this.#type(a);
        this.#typeOf.set(result, type);
        if (type.kind === "pointer") this.#values.set(result, `(*v${result})`);
        body?.parameters.push({ id: result, type });
        return;
      }
      case "OpLabel":
        body?.blocks.push({ label: result, instructions: [] });
        return;
      default:
        if (result && /^\d+$/.test(a) && this.#types.has(a)) this.#typeOf.set(result, this.#type(a));
        if (op === "OpVariable" && !body) this.#global(result, this.#type(a), operands.length > 2);
        else body?.blocks.at(-1)?.instructions.push(instruction);
    }
  }

  /** Declares a variable of the module. */
  #global(id: string, pointer: Type, isCleared: boolean): void {
    if (pointer.kind !== "pointer") throw new Error(`SPIR-V: variable %${id} is no pointer`);
    const type = nameOf(pointer.to);
    switch (pointer.storage) {
      case "Workgroup":
        this.#shared.push(`__shared__ ${type} shared${id};`);
        this.#values.set(id, `shared${id}`);
        if (isCleared) this.#clears.push(`shared${id}`);
        return;
      case "Private":
        this.#members.push(`${type} private${id}{};`);
        this.#values.set(id, `private${id}`);
        return;
      case "Uniform":
        this.#shared.push(`__constant__ ${type} uniform${id};`);
        this.#values.set(id, `uniform${id}`);
        return;
      case "StorageBuffer": {
        const name = `buffer${id}`;
        const constness = this.#readOnly.has(id) ? "const " : "";
        this.#buffers.push({ name, declaration: `${constness}${type} *__restrict__ ${name}` });
        this.#values.set(id, `(*${name})`);
        return;
      }
      case "Input": {
        const builtin = this.#builtins.get(id) ?? "";
        const value = builtins(this.#size)[builtin];
        if (value === undefined) throw new Error(`SPIR-V: the input ${builtin} is not translated`);
        this.#members.push(`${type} input${id} = ${value};`);
        this.#values.set(id, `input${id}`);
        return;
      }
      default:
        throw new Error(`SPIR-V: variables in ${pointer.storage} are not translated`);
    }
  }

  /** A value made of parts; those of a vector may be vectors. */
  #composite(type: Type, parts: readonly string[]): string {
    if (type.kind === "struct") return `${nameOf(type)}{${parts.map((id) => this.#value(id)).join(", ")}}`;
    const elements = parts.flatMap((id) => {
      const part = this.#typeOf.get(id);
      if (type.kind !== "vector" || part?.kind !== "vector") return [this.#value(id)];
      return Array.from({ length: part.count }, (_, i) => this.#element(id, i));
    });
    return `${nameOf(type)}{{${elements.join(", ")}}}`;
  }

  /** What lies in a value, or in what a pointer points to, behind indices. `at` yields the expression of an index of an array. */
  #path(value: string, type: Type, indices: readonly string[], at: (index: string) => string): string {
    let [expression, inside] = [value, type];
    for (const index of indices) {
      if (inside.kind === "struct") {
        const member = parseInt(at(index));
        expression += `.m${member}`;
        inside = inside.members[member]!;
      } else if (inside.kind === "vector" || inside.kind === "array") {
        expression += `.e[${at(index)}]`;
        inside = inside.element;
      } else throw new Error(`SPIR-V: ${nameOf(inside)} has no parts`);
    }
    return expression;
  }

  #function({ result, returns, parameters, blocks }: FunctionBody): string {
    const declarations: string[] = [];
    const code: string[] = [];
    const phis = new Map(
      blocks.map(({ label, instructions }) => [label, instructions.filter(({ op }) => op === "OpPhi")]),
    );
    /** Goes from one block to another. All phis of a block change at once. */
    const jump = (from: string, to: string): string => {
      const copies = phis.get(to)!.map((phi) => {
        const source = phi.operands.findIndex((id, i) => i > 0 && i % 2 === 0 && id === from);
        if (source < 0) throw new Error(`SPIR-V: phi %${phi.result} knows no block %${from}`);
        const type = nameOf(this.#typeOf.get(phi.result!)!);
        return { type, phi: phi.result!, value: this.#value(phi.operands[source - 1]!) };
      });
      const reads = copies.map(({ type, phi, value }) => `${type} n${phi} = ${value};`);
      const writes = copies.map(({ phi }) => `v${phi} = n${phi};`);
      return `{ ${[...reads, ...writes].join(" ")} goto L${to}; }`;
    };
    for (const { label, instructions } of blocks) {
      code.push(`L${label}:;`);
      for (const instruction of instructions) {
        const { op, operands, result: id } = instruction;
        const [a = "", b = "", c = ""] = operands;
        if (op === "OpVariable") {
          const pointer = this.#type(a);
          if (pointer.kind !== "pointer") throw new Error(`SPIR-V: variable %${id} is no pointer`);
          declarations.push(`${nameOf(pointer.to)} local${id};`);
          this.#values.set(id!, `local${id}`);
          if (c) code.push(`local${id} = ${this.#value(c)};`);
        } else if (op === "OpAccessChain") {
          const base = this.#typeOf.get(b)!;
          if (base.kind !== "pointer") throw new Error(`SPIR-V: %${b} is no pointer`);
          const path = this.#path(this.#value(b), base.to, operands.slice(2), (index) => this.#value(index));
          this.#values.set(id!, path);
        } else if (op === "OpPhi") declarations.push(`${nameOf(this.#typeOf.get(id!)!)} v${id};`);
        else if (op === "OpBranch") code.push(jump(label, a));
        else if (op === "OpBranchConditional")
          code.push(`if (${this.#value(a)}) ${jump(label, b)} else ${jump(label, c)}`);
        else if (op === "OpSwitch") {
          const cases = operands.flatMap((value, i) =>
            i >= 2 && i % 2 === 0 ? [`case ${value}: ${jump(label, operands[i + 1]!)}`] : [],
          );
          code.push(`switch (${this.#value(a)}) { ${cases.join(" ")} default: ${jump(label, b)} }`);
        } else {
          const statement = this.#statement(instruction);
          if (statement !== undefined) code.push(statement);
          else {
            const type = this.#typeOf.get(id!)!;
            if (type.kind === "void") code.push(`${this.#whole(instruction, type)};`);
            else {
              declarations.push(`${nameOf(type)} v${id};`);
              code.push(`v${id} = ${this.#whole(instruction, type)};`);
            }
          }
        }
      }
    }
    const declared = parameters.map(({ id, type }) => `${nameOf(type)} v${id}`);
    const text = [...declarations, ...code].join("\n");
    return `__device__ __forceinline__ ${nameOf(returns)} f${result}(${declared.join(", ")}) {\n${text}\n}`;
  }

  /** An instruction without a result; undefined where it has one. */
  #statement({ op, operands, result }: Instruction): string | undefined {
    const [a = "", b = "", , d = ""] = operands;
    switch (op) {
      case "OpSelectionMerge":
      case "OpLoopMerge":
      case "OpFunctionEnd":
        return "";
      case "OpReturn":
        return "return;";
      case "OpReturnValue":
        return `return ${this.#value(a)};`;
      case "OpUnreachable":
        return "__builtin_unreachable();";
      case "OpStore":
        return `${this.#value(a)} = ${this.#value(b)};`;
      case "OpControlBarrier":
        return "__syncthreads();";
      case "OpMemoryBarrier":
        return "__threadfence_block();";
      case "OpAtomicStore":
        return `*(volatile u32 *)&${this.#value(a)} = ${u(this.#value(d))};`;
      default:
        if (result === undefined) throw new Error(`SPIR-V: ${op} is not translated`);
        return undefined;
    }
  }

  /** The value of an instruction, scalar or not. */
  #whole({ op, operands }: Instruction, type: Type): string {
    const [, a = "", b = "", , d = ""] = operands;
    const parts = operands.slice(2);
    const atomic = atomics[op];
    if (atomic) return `(${nameOf(type)})${atomic}((u32 *)&${this.#value(a)}, ${u(this.#value(d))})`;
    switch (op) {
      case "OpLoad":
      case "OpCopyObject":
        return this.#value(a);
      case "OpAtomicLoad":
        return `(${nameOf(type)})*(volatile u32 *)&${this.#value(a)}`;
      case "OpFunctionCall": {
        const values = parts.map((id) =>
          this.#typeOf.get(id)?.kind === "pointer" ? `&${this.#value(id)}` : this.#value(id),
        );
        return `f${a}(${values.join(", ")})`;
      }
      case "OpCompositeConstruct":
        return this.#composite(type, operands.slice(1));
      case "OpCompositeExtract":
        return this.#path(this.#value(a), this.#typeOf.get(a)!, parts, (index) => index);
      case "OpVectorExtractDynamic":
        return `${this.#value(a)}.e[${this.#value(b)}]`;
      case "OpVectorShuffle": {
        const first = this.#typeOf.get(a)!;
        const count = first.kind === "vector" ? first.count : 1;
        const elements = operands
          .slice(3)
          .map(Number)
          .map((i) => (i < count ? this.#element(a, i) : this.#element(b, i - count)));
        return `${nameOf(type)}{{${elements.join(", ")}}}`;
      }
      case "OpAny":
      case "OpAll": {
        const vector = this.#typeOf.get(a)!;
        const count = vector.kind === "vector" ? vector.count : 1;
        const elements = Array.from({ length: count }, (_, i) => this.#element(a, i));
        return elements.join(op === "OpAny" ? " || " : " && ");
      }
      case "OpArrayLength":
        return `${RUNTIME_LENGTH}u`;
      case "OpGroupNonUniformBallot":
        return `${nameOf(type)}{{__ballot_sync(${ALL_LANES}, ${this.#value(b)}), 0u, 0u, 0u}}`;
      case "OpSelect":
        if (type.kind === "struct" || type.kind === "array")
          return `${this.#value(a)} ? ${this.#value(b)} : ${this.#value(operands[3]!)}`;
        return this.#elements(op, operands.slice(1), type);
      case "OpExtInst":
        return this.#elements(b, operands.slice(3), type);
      case "OpSDot":
      case "OpUDot":
        return this.#elements(op, operands.slice(1, 3), type);
      default:
        // The first operand of operations on a subgroup is its scope.
        return this.#elements(op, operands.slice(op.startsWith("OpGroup") ? 2 : 1), type);
    }
  }

  #elements(op: string, values: readonly string[], type: Type): string {
    const operation = elementwise[op];
    if (!operation) throw new Error(`SPIR-V: ${op} is not translated`);
    const element = nameOf(elementOf(type));
    const at = (i: number) => {
      // A group operation is a word, not a value.
      const parts = values.map((id) => (/^\d+$/.test(id) ? this.#element(id, i) : id));
      return `(${element})(${operation(...parts)})`;
    };
    if (type.kind !== "vector") return at(0);
    return `${nameOf(type)}{{${Array.from({ length: type.count }, (_, i) => at(i)).join(", ")}}}`;
  }
}
