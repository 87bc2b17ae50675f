// The micro-kernels of `exacta bench`: they return the integers that the host computes, and their checks find planted faults.

import { expect, test } from "vitest";
import { platform } from "../host/node/platform/index.ts";
import { cpuMicros, openGpuMicros } from "../host/node/bench/sections/ceilings.ts";
import { rewriteShaders, tamperedAdapter, testAdapter } from "./gpu/devices.ts";

const language = async () => (await platform.gpu())!.wgslLanguageFeatures;

test("The micro-kernels of the CPU take time and return the integers that the host computes", async () => {
  const micros = await cpuMicros();
  expect(Object.keys(micros)).toEqual(["registers", "memory", "dot", "copy"]);
  for (const { pass, check } of Object.values(micros)) {
    expect(await pass()).toBeGreaterThan(0);
    await check();
  }
});

test("The micro-kernels of the GPU are those that its features allow, and return the integers that the host computes", async () => {
  const { micros, close } = await openGpuMicros({ requestAdapter: testAdapter, language: await language() });
  const { features } = await testAdapter();
  expect(Object.keys(micros)).toEqual([
    "registers",
    "memory",
    ...(features.has("subgroups") ? ["shuffle"] : []),
    ...((await language()).has("packed_4x8_integer_dot_product") ? ["dot"] : []),
    "copy",
  ]);
  for (const { pass, check } of Object.values(micros)) {
    expect(await pass()).toBeGreaterThan(0);
    await check();
  }
  close();
});

test.each([
  ["registers", "h |= shifted(h, g, shift);", ""],
  ["registers", "(high << shift)", "(high << (shift ^ 1u))"],
  ["registers", "high * (1u << shift)", "high * (2u << shift)"],
  ["memory", "(31u - params.shift)", "(30u - params.shift)"],
  ["shuffle", "(lane + params.shift)", "(lane + 2u)"],
  ["dot", "STEPS = 16u", "STEPS = 15u"],
  ["copy", "= source[at]", "= source[at] & vec4u(0xfffffffeu)"],
] as const)("The check of the micro-kernel %s finds a planted fault in %j", async (name, text, fault) => {
  const requestAdapter = tamperedAdapter((device) =>
    rewriteShaders(device, (code) => code.replaceAll(text, fault)),
  );
  const { micros, close } = await openGpuMicros({ requestAdapter, language: await language() }, [name]);
  const micro = micros[name];
  await micro?.pass();
  // An adapter may lack the features of a micro-kernel; the test above checks which ones are present.
  const message = micro
    ? await Promise.resolve(micro.check()).then(
        () => "nothing",
        (error: Error) => error.message,
      )
    : `the micro-kernel ${name}`;
  expect(message).toContain(`the micro-kernel ${name}`);
  close();
});
