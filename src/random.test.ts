// Threefry2x32-20 and the 32-bit arithmetic beside it, on every engine, against published answers and BigInt.

import { expect, test } from "vitest";
import library from "../shaders/lib/random.wesl?raw";
import { runShader } from "../test/gpu/devices.ts";
import { oracleThreefry } from "../test/oracle.ts";
import hex from "../test/wasm/random.ts?wasm";
import { multiplyHigh, multiplyLow, rotateLeft } from "./u32.ts";
import { streamKey, threefry2x32, type WordPair } from "./random.ts";

interface Answer {
  readonly counter: WordPair;
  readonly key: WordPair;
  readonly output: WordPair;
}

/** From the known answers distributed with Random123. */
const published: Answer[] = [
  { counter: [0, 0], key: [0, 0], output: [0x6b200159, 0x99ba4efe] },
  { counter: [0xffffffff, 0xffffffff], key: [0xffffffff, 0xffffffff], output: [0x1cb996fc, 0xbb002be7] },
  { counter: [0x243f6a88, 0x85a308d3], key: [0x13198a2e, 0x03707344], output: [0xc4923a9c, 0x483df7a0] },
];

/** Answers of the oracle, itself held to the published ones, at words of all sizes. */
const further: Answer[] = Array.from({ length: 61 }, (_, i) => {
  const [a, b, c, d] = [i, i + 100, i + 200, i + 300].map(someWord) as [number, number, number, number];
  const [x, y] = oracleThreefry([BigInt(a), BigInt(b)], [BigInt(c), BigInt(d)]);
  return { key: [a, b], counter: [c, d], output: [Number(x), Number(y)] };
});
const answers = [...published, ...further];

/** Words that look random, small and large ones among them. */
function someWord(i: number): number {
  return Number(((BigInt(i + 1) * 0x9e3779b97f4a7c15n) % 2n ** 64n) >> 32n) >>> (i % 7 === 0 ? i % 32 : 0);
}

const threefryShader = `
@group(0) @binding(0) var<storage, read> input: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4u>;
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) {
  output[id.x] = vec4u(threefry2x32(input[id.x].xy, input[id.x].zw), 0u, 0u);
}`;

async function onGpu(code: string): Promise<WordPair[]> {
  const input = Uint32Array.from(answers.flatMap(({ key, counter }) => [...key, ...counter]));
  const words = await runShader(code + threefryShader, input, 4);
  return answers.map((_, i) => [words[4 * i]!, words[4 * i + 1]!]);
}

async function onWasm(): Promise<WordPair[]> {
  const { instance } = await WebAssembly.instantiate(Buffer.from(hex, "hex"));
  const { memory, blocks } = instance.exports as {
    memory: WebAssembly.Memory;
    blocks: (key0: number, key1: number, counters: number, out: number) => void;
  };
  const counters = 1024;
  const out = 2048;
  if (memory.buffer.byteLength === 0) memory.grow(1);
  return answers.map(({ key, counter }, i) => {
    // The counter in question in one lane of one half, its neighbors' in the others.
    const lane = i % 4;
    const half = (i >> 2) % 2;
    const words = new Uint32Array(memory.buffer);
    for (let l = 0; l < 4; l++) {
      const its = l === lane ? counter : answers[(i + l + 1) % answers.length]!.counter;
      words[counters / 4 + l] = its[0];
      words[counters / 4 + 4 * (1 + half) + l] = its[1];
      words[counters / 4 + 4 * (2 - half) + l] = its[1] + 1;
    }
    blocks(key[0], key[1], counters, out);
    return [words[out / 4 + 8 * half + lane]!, words[out / 4 + 8 * half + 4 + lane]!];
  });
}

test("The oracle's Threefry gives the published answers", () => {
  for (const { key, counter, output } of published) {
    const [x, y] = oracleThreefry([BigInt(key[0]), BigInt(key[1])], [BigInt(counter[0]), BigInt(counter[1])]);
    expect([Number(x), Number(y)]).toEqual(output);
  }
});

test("TypeScript's Threefry gives the known answers", () => {
  expect(answers.map(({ key, counter }) => threefry2x32(key, counter))).toEqual(
    answers.map(({ output }) => output),
  );
});

test("WGSL's Threefry gives the known answers, and one with a wrong rotation gives none of them", async () => {
  expect(await onGpu(library)).toEqual(answers.map(({ output }) => output));
  const wrong = await onGpu(library.replace("rotateLeft(y, 15u)", "rotateLeft(y, 14u)"));
  expect(wrong.filter(([x, y], i) => x === answers[i]!.output[0] && y === answers[i]!.output[1])).toEqual([]);
});

test("WebAssembly's Threefry gives the known answers in each of its lanes", async () => {
  expect(await onWasm()).toEqual(answers.map(({ output }) => output));
});

test("The key of a stream takes the low word of the seed first", () => {
  expect(streamKey(0x03707344_13198a2en, [0x243f6a88, 0x85a308d3])).toEqual([0xc4923a9c, 0x483df7a0]);
});

/** Words at the seams of 16, 22 and 32 bits. */
const edges = [
  0, 1, 2, 3, 0xfffe, 0xffff, 0x10000, 0x10001, 0x3fffff, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe,
  0xffffffff,
];
const factors = [...edges.filter((b) => b < 2 ** 22), 7, 2049, 0x1fffff, 0x200001, 0x3ffffe];
const products = [...edges, ...Array.from({ length: 50 }, (_, i) => someWord(i))].flatMap((a) =>
  factors.map((b) => [a, b] as const),
);
const high = (a: number, b: number) => Number((BigInt(a) * BigInt(b)) >> 32n);
const low = (a: number, b: number) => Number((BigInt(a) * BigInt(b)) & 0xffffffffn);
const rotated = (x: number, count: number) =>
  parseInt(
    x
      .toString(2)
      .padStart(32, "0")
      .replace(new RegExp(`^(.{${count}})(.*)$`), "$2$1"),
    2,
  );

test("TypeScript's products and rotations are those of BigInt and of strings", () => {
  for (const [a, b] of products)
    expect([a, b, multiplyHigh(a, b), multiplyLow(a, b)]).toEqual([a, b, high(a, b), low(a, b)]);
  for (const x of edges)
    for (let count = 1; count < 32; count++)
      expect([x, count, rotateLeft(x, count)]).toEqual([x, count, rotated(x, count)]);
});

test("WGSL's products and rotations are those of BigInt and of strings", async () => {
  const shader = `${library}
@group(0) @binding(0) var<storage, read> input: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> output: array<vec2u>;
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3u) {
  let a = input[id.x].x;
  let b = input[id.x].y;
  output[id.x] = vec2u(multiplyHigh(a, b), rotateLeft(a, b % 31u + 1u));
}`;
  const words = await runShader(shader, Uint32Array.from(products.flat()), 2);
  expect([...words]).toEqual(products.flatMap(([a, b]) => [high(a, b), rotated(a, (b % 31) + 1)]));
});
