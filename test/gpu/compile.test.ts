// The tool that compiles shaders for real GPUs: what it reads in machine code, and what it makes of it.

import { existsSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { readAco } from "../../scripts/gpu-compile/aco.ts";
import { cudaOf } from "../../scripts/gpu-compile/cuda.ts";
import { main } from "../../scripts/gpu-compile/index.ts";
import { loopsOf, type Counts, type Instruction } from "../../scripts/gpu-compile/loops.ts";
import { gpus, rolesOf, waveCounts } from "../../scripts/gpu-compile/model.ts";
import { spillsOf, withReport, type Row } from "../../scripts/gpu-compile/report.ts";
import { readSass } from "../../scripts/gpu-compile/sass.ts";
import { Lockstep } from "../../scripts/gpu-compile/trials.ts";
import { oneSize } from "../../scripts/gpu-compile/works.ts";

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/gpu-compile/${name}`, import.meta.url), "utf8");

/** The loop over items of `reach.thread` at M = 2^8, by Mesa 22.3.6 for navi31 and by CUDA 13.0 for compute capability 9.0. */
const aco = fixture("item.aco");
const sass = Uint8Array.from(Buffer.from(fixture("item.sass.hex").replaceAll("\n", ""), "hex"));

describe("ACO's listings", () => {
  /** The loop over items and the steps inside it. */
  function nest(listing: string) {
    const [item] = loopsOf(readAco(listing));
    return { item: item!.issues, step: item!.inner[0]!.issues, does: item!.inner[0]!.does };
  }

  test("A step of thread takes 51 slots, 12 accesses to LDS and 4 full drains", () => {
    expect(nest(aco).step).toEqual({ slots: 51, lds: 12, ldsWords: 12, drains: 4, scalar: 8 });
    expect(nest(aco).does).toEqual({ loads: 8, stores: 4 });
    expect(nest(aco).item).toMatchObject({ slots: 30, lds: 2 });
  });

  test("A product counts four slots, and a pair of words is one access", () => {
    expect(nest(aco.replace("v_mul_lo_u32 v13, v13", "v_mul_u32_u24 v13, v13")).step["slots"]).toBe(48);
    const paired = nest(aco.replace("ds_load_b32 v22", "ds_load_2addr_b32 v[22:23]"));
    expect(paired.step).toMatchObject({ lds: 12, ldsWords: 13 });
  });

  test("A wait for some of the accesses is no drain", () => {
    expect(nest(aco.replace(/lgkmcnt\(0\)([^]*)$/, "lgkmcnt(2)$1")).item["drains"] ?? 0).toBe(0);
  });

  test("A branch to a block that is absent is an error", () => {
    expect(() => readAco(aco.replace("s_branch BB70 ", "s_branch BB999 "))).toThrow("no block BB999");
  });
});

describe("Machine code of NVIDIA", () => {
  test("A step of thread issues 47 instructions, 20 of them on the ALU, and accesses 12 words", () => {
    const [item] = loopsOf(readSass(sass));
    const [step] = item!.inner;
    expect(step!.issues).toEqual({ issued: 47, alu: 20, imad: 14, lsu: 12, control: 1, unlisted: 10 });
    expect(step!.does).toEqual({ loads: 8, stores: 4 });
    expect(item!.issues).toMatchObject({ issued: 43, alu: 20, lsu: 2 });
  });

  test("An access of four words counts four times", () => {
    const wide = sass.slice();
    const load = Array.from({ length: wide.length / 16 }, (_, i) => 16 * i).find(
      (at) => wide[at] === 0x84 && (wide[at + 1]! & 1) === 1 && at > 16 * 40,
    )!;
    // Bits 9 to 11 of the high word: 4 for one word, 6 for four.
    wide[load + 9] = (wide[load + 9]! & ~0x0e) | (6 << 1);
    expect(loopsOf(readSass(wide))[0]!.inner[0]!.does["loads"]).toBe(11);
  });

  test("An operation that the table lacks is an error", () => {
    const unknown = sass.slice();
    unknown[0] = 0xff;
    unknown[1] = 0x01;
    expect(() => readSass(unknown)).toThrow("operation 0x1ff is not in the table");
  });
});

/** Instructions that issue one slot each; `back` says to which earlier one some of them branch. */
function straight(
  does: readonly Instruction["does"][],
  back: Readonly<Record<number, number>>,
): Instruction[] {
  return does.map((doing, at) => ({
    opcode: "v_add",
    issues: { slots: 1 },
    does: doing,
    ...(back[at] !== undefined && { target: back[at] }),
  }));
}

describe("Loops", () => {
  test("An inner loop's instructions do not count for the loop around it", () => {
    const loops = loopsOf(straight([{}, {}, {}, {}, {}, {}], { 3: 2, 4: 1 }));
    expect(loops).toMatchObject([
      { first: 1, last: 4, issues: { slots: 2 }, inner: [{ first: 2, last: 3 }] },
    ]);
    expect(loops[0]!.inner[0]!.issues).toEqual({ slots: 2 });
  });

  test("Two branches back to one instruction make one loop, and a branch to itself makes none", () => {
    expect(loopsOf(straight([{}, {}, {}, {}], { 1: 0, 2: 0, 3: 3 }))).toMatchObject([{ first: 0, last: 2 }]);
  });
});

describe("The model of reach", () => {
  /** A trial with loops that draw (one slice inside), clear, enter items (with steps inside), count, and look at targets. */
  const code = straight(
    [
      {},
      { xors: 20 },
      { stores: 1 },
      {},
      { stores: 6 },
      { loads: 1 },
      { loads: 8, stores: 4 },
      {},
      { loads: 1, ones: 1 },
      { atomics: 1 },
      {},
    ],
    {},
  );
  // A loop of one instruction would be a branch to itself, so each has a second one.
  const doubled = code.flatMap((instruction) => [instruction, { ...instruction, does: {} }]);
  const branches: Readonly<Record<number, number>> = {
    5: 4,
    7: 2,
    9: 8,
    13: 12,
    15: 10,
    17: 16,
    19: 18,
    21: 0,
  };
  const trial = doubled.map((instruction, at) =>
    branches[at] === undefined ? instruction : { ...instruction, target: branches[at] },
  );
  const shape = { plan: oneSize(8), lanes: 64, perTrial: 1 };

  test("The parts of a trial are recognized by the contents of their loops", () => {
    const { of } = rolesOf(loopsOf(trial))!;
    const roles = [...of].map(([{ first }, role]) => [first, role]);
    expect(roles).toEqual([
      [0, "trial"],
      [2, "draw"],
      [4, "slice"],
      [8, "clear"],
      [10, "item"],
      [12, "step"],
      [16, "count"],
      [18, "target"],
    ]);
  });

  test.each([
    [6, 21.34],
    [8, 79.8],
  ])(
    "At M = 2^%i, 32 trials in lockstep take as many steps as in another program's simulation",
    (bits, steps) => {
      expect(Lockstep.of(oneSize(bits), 32, 100, "small first").updates(4) / steps).toBeCloseTo(1, 1);
      // One trial for itself takes fewer.
      expect(Lockstep.of(oneSize(bits), 1, 1000, "small first").updates(4) / steps).toBeLessThan(0.8);
    },
  );

  test("Two steps in an iteration halve the iterations", () => {
    const slots = (code: readonly Instruction[]) =>
      (waveCounts(code, loopsOf(code), shape) as Counts)["slots"]!;
    const unrolled = trial.map((instruction) =>
      instruction.does.stores === 4 ? { ...instruction, does: { loads: 16, stores: 8 } } : instruction,
    );
    // The loop of steps has two instructions, and half of its iterations are left.
    const steps = Lockstep.of(shape.plan, 64, 128, "small first").updates(4);
    expect(slots(trial) - slots(unrolled)).toBeCloseTo(steps, 6);
  });

  test("Turns that a compiler left beside an unrolled loop of steps are not counted twice", () => {
    const slots = (code: readonly Instruction[]) =>
      (waveCounts(code, loopsOf(code), shape) as Counts)["slots"]!;
    // Two steps in an iteration, and a step in the loop over items: its instruction is there before it gets the step.
    const unrolled = trial.map((instruction) =>
      instruction.does.stores === 4 ? { ...instruction, does: { loads: 16, stores: 8 } } : instruction,
    );
    const beside = unrolled.map((instruction) =>
      instruction.does.loads === 1 && !instruction.does.ones
        ? { ...instruction, does: { loads: 9, stores: 4 } }
        : instruction,
    );
    // Each item has one step less in the loop, in which two steps take two instructions.
    expect(slots(unrolled) - slots(beside)).toBeCloseTo(shape.plan.params.itemsTo, 6);
  });

  test("Items that enter from the smallest on take fewer steps than small ones that enter first", () => {
    const updates = (order: "small first" | "ascending") =>
      Lockstep.of(oneSize(12), 1, 500, order).updates(96);
    // Another program's simulation has 55.7 and 59.6.
    expect(updates("ascending")).toBeCloseTo(55.7, 0);
    expect(updates("small first")).toBeCloseTo(59.6, 0);
  });

  test("Lanes that share a trial count once after the last item, where a branch skips the code that counts", () => {
    const shared = { ...shape, lanes: 32, perTrial: 32 };
    /** The loop over items with a loop that counts, before which a branch goes to instruction `skip`. */
    const counting = (skip: number) =>
      straight(
        [{}, { xors: 20 }, {}, {}, {}, { loads: 1, ones: 1 }, {}, {}, { loads: 8, stores: 4 }, {}, {}, {}],
        {
          2: 1,
          3: skip,
          6: 5,
          9: 8,
          10: 3,
          11: 0,
        },
      );
    const slots = (skip: number) => {
      const code = counting(skip);
      return (waveCounts(code, loopsOf(code), shared) as Counts)["slots"]!;
    };
    // Instructions 4 and 7 count; a branch to 7 skips the first of them alone.
    expect(slots(7) - slots(8)).toBe(shape.plan.params.itemsTo - 1);
  });

  test("Code whose steps or items are unrolled is not modelled", () => {
    const unrolled = trial.map((instruction, at) =>
      at === 13 ? { ...instruction, target: 14 } : instruction,
    );
    expect(waveCounts(unrolled, loopsOf(unrolled), shape)).toBe("the steps of an item are unrolled");
    const flat = trial.map((instruction, at) =>
      at === 11 || at === 13 || at === 15 ? trial[0]! : instruction,
    );
    expect(waveCounts(flat, loopsOf(flat), shape)).toBe("the loop over items is unrolled");
  });

  test("The rate is that of the busiest pipe", () => {
    const [h100] = gpus;
    const busy = { issued: 100, alu: 10, imad: 10, lsu: 30 };
    expect(h100!.rate(busy, 32, 32)).toBeCloseTo((4 * 132 * 1.755e9 * 32) / 120, -3);
    expect(h100!.rate({ ...busy, xu: 20 }, 32, 32)).toBeCloseTo((4 * 132 * 1.755e9 * 32) / 160, -3);
  });
});

describe("SPIR-V as CUDA C++", () => {
  const module = (body: string) => `
    OpEntryPoint GLCompute %main "main" %out
    OpExecutionMode %main LocalSize 64 1 1
    OpDecorate %out DescriptorSet 0
    %u = OpTypeInt 32 0
    %list = OpTypeRuntimeArray %u
    %block = OpTypeStruct %list
    %pointer = OpTypePointer StorageBuffer %block
    %out = OpVariable %pointer StorageBuffer
    %element = OpTypePointer StorageBuffer %u
    %bool = OpTypeBool
    %void = OpTypeVoid
    %type = OpTypeFunction %void
    %zero = OpConstant %u 0
    %one = OpConstant %u 1
    %main = OpFunction %void None %type
    ${body}
    OpFunctionEnd`;
  const numbered = (text: string) => {
    const ids = new Map<string, number>();
    return text.replaceAll(/%\w+/g, (id) => `%${ids.get(id) ?? ids.set(id, ids.size + 1).size}`);
  };

  test("A loop becomes labels, and all phis of a block change at once", () => {
    const code = cudaOf(
      numbered(
        module(`%start = OpLabel
    OpBranch %head
    %head = OpLabel
    %a = OpPhi %u %zero %start %b %head
    %b = OpPhi %u %one %start %a %head
    %done = OpUGreaterThan %bool %a %one
    OpLoopMerge %end %head None
    OpBranchConditional %done %end %head
    %end = OpLabel
    %at = OpAccessChain %element %out %zero %b
    OpStore %at %a
    OpReturn`),
      ),
    );
    expect(code).toMatch(/u32 n(\d+) = v(\d+); u32 n\2 = v\1; v\1 = n\1; v\2 = n\2; goto L\d+;/);
    expect(code).toMatch(/\(\*buffer\d+\)\.m0\.e\[v\d+\] = v\d+;/);
    expect(code).toContain("__launch_bounds__(64) main_(S");
  });

  test("An instruction that has no translation is an error", () => {
    expect(() =>
      cudaOf(
        numbered(
          module(`%start = OpLabel
    %x = OpFAdd %u %one %one
    OpReturn`),
        ),
      ),
    ).toThrow("OpFAdd is not translated");
  });
});

describe("The command", () => {
  const compiled = { registers: 40, spills: 0, sharedBytes: 0, occupancy: 8, instructions: 9, lanes: 64 };
  const row: Row = {
    label: "reach: a",
    kernel: "reach",
    compiled,
    hot: undefined,
    loops: [],
    model: undefined,
  };

  test("A pipeline that spills is a fault", () => {
    expect(spillsOf([row], () => 0)).toEqual([]);
    const spilling = { ...row, label: "reach: b", compiled: { ...compiled, spills: 12 } };
    expect(spillsOf([row, spilling], () => 0)).toEqual(["reach: b spills registers to memory: 12"]);
    expect(spillsOf([row, spilling], () => 12)).toEqual([]);
  });

  test("A report replaces the one between its marks alone", () => {
    const text = "before\n<!-- amd x -->\n\nold\n\n<!-- end of amd x -->\nafter\n";
    const written = withReport(text, "amd x", "new");
    expect(written).toBe("before\n<!-- amd x -->\n\nnew\n\n<!-- end of amd x -->\nafter\n");
    expect(withReport(written, "amd x", "new")).toBe(written);
    expect(() => withReport(text, "amd y", "new")).toThrow("no marks <!-- amd y -->");
  });

  test.each([
    [["sparc"], "vendor: expected amd or nvidia or intel, got"],
    [["amd"], "chip: expected navi31 for AMD"],
    [["amd", "navi31", "--bits", "6,x"], "--bits: expected integers"],
    [["amd", "navi31", "--write", "--only", "reach"], "--write, --check: expected all pipelines"],
    [["amd", "navi31", "--fast"], "Unknown option '--fast'"],
  ])("A developer who passes %j reads what is expected", async (args, message) => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      expect(await main(args)).toBe(2);
      expect(write.mock.calls.join("")).toContain(message);
    } finally {
      write.mockRestore();
    }
  });

  const hasMesa = existsSync("/usr/share/vulkan/icd.d/radeon_icd.x86_64.json") && existsSync("/usr/bin/cc");

  test.runIf(hasMesa)("Mesa's compiler makes no spill of a shader of reach", { tags: ["wide"] }, () => {
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const only = "reach 2.8, one size: thread 64$";
    const args = ["scripts/gpu-compile.js", "amd", "navi21", "--bits", "8", "--only", only, "--json"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, LD_LIBRARY_PATH: "" },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [found, ...rest] = JSON.parse(stdout) as Row[];
    expect(rest).toEqual([]);
    expect(found).toMatchObject({
      label: "reach 2^8, one size: thread 64",
      compiled: { spills: 0, lanes: 64 },
    });
    expect(found!.hot!.issues["slots"]).toBeGreaterThan(20);
  });
});
