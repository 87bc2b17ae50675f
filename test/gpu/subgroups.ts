// Subgroups of any size on an adapter without them, for tests: one subgroup to a workgroup, whose lanes exchange values in
// workgroup memory. Barriers then stand in control flow that is uniform in the subgroup, which naga compiles and Tint refuses.

/** How a lane computes its `result` from the values of all lanes, which are in `shared`, and from the argument `other`. */
const OPERATIONS: Record<string, string> = {
  subgroupAdd: "for (var i = 0u; i < LANES; i++) { result += shared[i]; }",
  subgroupExclusiveAdd: "for (var i = 0u; i < emulatedLane; i++) { result += shared[i]; }",
  subgroupInclusiveAdd: "for (var i = 0u; i <= emulatedLane; i++) { result += shared[i]; }",
  subgroupOr: "for (var i = 0u; i < LANES; i++) { result |= shared[i]; }",
  subgroupMax: "result = shared[0]; for (var i = 1u; i < LANES; i++) { result = max(result, shared[i]); }",
  subgroupShuffle: "result = shared[other];",
  subgroupShuffleUp: "result = shared[emulatedLane - other];",
  subgroupShuffleDown: "result = shared[emulatedLane + other];",
  subgroupShuffleXor: "result = shared[emulatedLane ^ other];",
  subgroupBroadcast: "result = shared[other];",
  subgroupBroadcastFirst: "result = shared[0];",
};

/** The arguments of the call whose bracket opens at `open`, and where it closes. */
function argumentsAt(code: string, open: number): { args: string[]; close: number } {
  const args: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let i = open; i < code.length; i++) {
    if ("([".includes(code[i]!)) depth++;
    if (")]".includes(code[i]!)) depth--;
    if (depth > 0 && !(depth === 1 && code[i] === ",")) continue;
    if (i > from) args.push(code.slice(from, i).trim());
    from = i + 1;
    if (depth === 0) return { args, close: i };
  }
  throw new Error(`no bracket closes ${code.slice(open, open + 40)}`);
}

/** The type of an expression, as far as it can be read from the declarations before `at`. */
function typeOf(expression: string, code: string, at: number): string {
  const literal = /^\(*-?(?:0x[\da-f]+|\d+)(u?)\b/.exec(expression);
  if (literal) return literal[1] ? "u32" : "i32";
  const [, name = "", next = ""] = /^[(!~-]*(\w+)(.?)/.exec(expression) ?? [];
  if (next === "(") {
    if (["u32", "i32", "vec2u", "vec4u", "vec4i"].includes(name)) return name;
    if (name === "countOneBits" || ["abs", "min", "max", "select", "bitcast"].includes(name))
      return typeOf(argumentsAt(expression, expression.indexOf("(")).args[0]!, code, at);
    const [, result] = new RegExp(`\\bfn ${name}\\([^{]*\\) -> (\\w+) {`).exec(code) ?? [];
    if (result) return aliased(result, code);
  }
  // A local variable or a parameter, or else a variable of the module.
  const declared = `\\b(?:(?:let|var)(?:<[^>]*>)? )?${name}(?:: (?:array<)?(\\w+)[,;) ]| = (.*);)`;
  const found =
    [...code.slice(0, at).matchAll(new RegExp(declared, "g"))].findLast(
      ([text]) => /^(let|var)/.test(text) || text.includes(":"),
    ) ?? new RegExp(declared).exec(code);
  if (found?.[1]) return aliased(found[1], code);
  if (found?.[2]) return typeOf(found[2], code, found.index);
  throw new Error(`the type of ${expression} is not known`);
}

const aliased = (type: string, code: string): string =>
  new RegExp(`\\balias ${type} = (\\w+);`).exec(code)?.[1] ?? type;

/**
 * A shader whose subgroups of `lanes` lanes are emulated. Its workgroups must have as many invocations.
 * @throws {Error} where it uses an operation or a type that this does not know.
 */
function emulateSubgroups(code: string, lanes: number): string {
  let text = code.replace("enable subgroups;", "").replace(/diagnostic\(off, subgroup_uniformity\);/, "");
  const used = new Map<string, string>();
  for (;;) {
    // The last call first, so that the arguments of a call have no further calls.
    const call = [...text.matchAll(/\b(subgroup[A-Z]\w*)\(/g)].at(-1);
    if (!call) break;
    const [whole, operation] = call as unknown as [string, string];
    const body = OPERATIONS[operation];
    if (!body) throw new Error(`${operation} is not emulated`);
    const { args, close } = argumentsAt(text, call.index + whole.length - 1);
    const type = typeOf(args[0]!, text, call.index);
    const name = `${operation.replace("subgroup", "emulated")}_${type}`;
    const parameter = args.length > 1 ? ", other: u32" : "";
    used.set(
      name,
      `fn ${name}(value: ${type}${parameter}) -> ${type} {
  var result: ${type};
  shared_${type}[emulatedLane] = value;
  workgroupBarrier();
  ${body.replaceAll("shared[", `shared_${type}[`).replaceAll("LANES", `${lanes}u`)}
  workgroupBarrier();
  return result;
}`,
    );
    text = `${text.slice(0, call.index)}${name}(${args.join(", ")})${text.slice(close + 1)}`;
  }
  const types = new Set([...used.keys()].map((name) => name.split("_")[1]!));
  return [
    asMain(text, lanes),
    "var<private> emulatedLane: u32;",
    ...[...types].map((type) => `var<workgroup> shared_${type}: array<${type}, ${lanes}>;`),
    ...used.values(),
    "",
  ].join("\n");
}

/** The shader with a `main` that takes the size and the lane from its local index. */
function asMain(code: string, lanes: number): string {
  const [head, parameters] = /\bfn main\(([^{]*)\) \{/.exec(code) as unknown as [string, string];
  const named = (builtin: string) => new RegExp(`@builtin\\(${builtin}\\) (\\w+): u32,?`).exec(parameters);
  const index = named("local_invocation_index")?.[1] ?? "emulatedIndex";
  let rest = parameters;
  const lines = [`emulatedLane = ${index};`];
  for (const [builtin, value] of [
    ["subgroup_size", `${lanes}u`],
    ["subgroup_invocation_id", index],
  ] as const) {
    const found = named(builtin);
    if (!found) continue;
    rest = rest.replace(found[0], "");
    lines.push(`let ${found[1]} = ${value};`);
  }
  if (index === "emulatedIndex") rest = `@builtin(local_invocation_index) emulatedIndex: u32, ${rest}`;
  return code.replace(head, () => `fn main(${rest}) {\n  ${lines.join("\n  ")}`);
}

/** An adapter that says that it has subgroups of these sizes. Its subgroups always have the larger one. */
export function emulatedAdapter(
  adapter: GPUAdapter,
  { minSize, maxSize }: { readonly minSize: number; readonly maxSize: number },
): GPUAdapter {
  const features = new Set([...adapter.features, "subgroups"]);
  async function requestDevice(descriptor: GPUDeviceDescriptor): Promise<GPUDevice> {
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter((name) => name !== "subgroups");
    const device = await adapter.requestDevice({ ...descriptor, requiredFeatures });
    const emulated = new WeakSet<GPUShaderModule>();
    const createShaderModule = device.createShaderModule.bind(device);
    device.createShaderModule = (given) => {
      const uses = given.code.includes("enable subgroups;");
      const module = createShaderModule(
        uses ? { ...given, code: emulateSubgroups(given.code, maxSize) } : given,
      );
      if (uses) emulated.add(module);
      return module;
    };
    const createPipeline = device.createComputePipelineAsync.bind(device);
    device.createComputePipelineAsync = (given) => {
      const { module, constants } = given.compute;
      if (!emulated.has(module)) return createPipeline(given);
      return createPipeline({ ...given, compute: { module, constants: { ...constants, WIDTH: maxSize } } });
    };
    return Object.defineProperty(device, "features", { value: features });
  }
  const info = {
    vendor: "",
    architecture: "",
    device: "",
    description: `emulated subgroups of ${maxSize}`,
    subgroupMinSize: minSize,
    subgroupMaxSize: maxSize,
  };
  return { info, limits: adapter.limits, features, requestDevice } as unknown as GPUAdapter;
}
