// Faults planted in the AssemblyScript of `forward` and `pool`: the definition finds each of them.

import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { loadKernel } from "../../host/node/bench/measure/kernel.ts";
import { referenceRunner } from "../../host/reference.ts";
import { columnsOf } from "../../src/kernels/forward.ts";
import type { Work } from "../../src/plan.ts";
import { compile } from "../../scripts/assemblyscript.ts";
import { variantWorks } from "../gpu/works.ts";
import { onlyKernels } from "./onlyKernels.ts";

const entry = fileURLToPath(new URL("../../host/cpu/wasm/index.ts", import.meta.url));

/** The work of both kernels for which every program is tested, and layers of one hidden unit, which may be the column itself. */
function* worksOfBoth(): Generator<Work> {
  for (const { work } of variantWorks) {
    if (work.kernel === "pool") yield work;
    if (work.kernel !== "forward") continue;
    yield work;
    const { params, inputs } = work;
    if (params.group === 0) continue;
    const columns = columnsOf(params);
    for (const unit of [1, 2])
      yield {
        kernel: "forward",
        params: { ...params, group: 1 },
        inputs: {
          ...inputs,
          units: new Int32Array(columns).fill(unit),
          weights: inputs.weights.slice(0, columns * params.rows),
        },
      };
  }
}

const works: { work: Work; words: Uint32Array }[] = [];
beforeAll(async () => {
  const reference = referenceRunner();
  for (const work of new Set(worksOfBoth())) works.push({ work, words: (await reference.run(work)).words });
});

/** The kernels whose words differ from their definition, with a text replaced in the sources of both. */
async function differing(replace: string, by: string): Promise<string[]> {
  let found = 0;
  const edit = (text: string) => {
    found += text.split(replace).length - 1;
    return onlyKernels(
      text.replace(replace, () => by),
      ["forward", "pool"],
    );
  };
  const bytes = await compile(entry, edit, "-O1");
  expect(found, `"${replace}" in the sources`).toBe(replace === "" ? found : 1);
  const module = await WebAssembly.compile(bytes);
  const kernels = new Set<string>();
  for (const { work, words } of works) {
    const loaded = await loadKernel(work, module);
    try {
      loaded.run();
      if (loaded.output().some((word, i) => word !== words[i])) kernels.add(work.kernel);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      kernels.add(work.kernel);
    }
  }
  return [...kernels];
}

describe("Faults in WebAssembly", () => {
  test("The kernels as they are have the words of their definitions", { tags: ["wide"] }, async () => {
    expect(works.length).toBeGreaterThan(10);
    expect(await differing("", "")).toEqual([]);
  });

  test.each([
    ["forward", "offset == ZEROS ? zeros", "offset == ZEROS ? image"],
    ["forward", "next = place < 0 ? place : place + 1;", "next = place + 1;"],
    ["forward", "store<i16>(end, <i16>constant)", "store<i16>(end, 1)"],
    ["forward", "if (++point == points) {", "if (++point > points) {"],
    ["forward", "i32x4.shuffle(a, b, 2, 6, 3, 7)", "i32x4.shuffle(a, b, 0, 4, 1, 5)"],
    ["forward", "memory.copy(to, from, bytes)", "memory.copy(to, from, 4)"],
    ["forward", "areOnes(units, columns);", "true;"],
    ["forward", "const isPlain = !rectify &&", "const isPlain ="],
    [
      "forward",
      "if (place < 0) memory.fill(x + t * pixelBytes, 0, pixelBytes);\n        else",
      "if (place >= 0)",
    ],
    ["pool", "isLargest ? max<T>(result, number)", "isLargest ? number"],
    ["pool", "(shift - 1)) & 1 : 0", "(shift - 1)) & 0 : 0"],
    ["pool", "rest > 0 || shifted << shift != magnitude", "rest > 0"],
    ["pool", "quantizer == FLOOR && sign != 0", "quantizer == FLOOR && sign == 0"],
  ])("The definition of %s finds a fault: %s becomes %s", { tags: ["wide"] }, async (kernel, replace, by) => {
    expect(await differing(replace, by)).toEqual([kernel]);
  });
});
