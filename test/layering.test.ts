// The one direction: demo -> host/web -> host -> src and host/node -> host -> src, with nothing back.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

type Room = "src" | "shaders" | "host" | "host/node" | "host/web" | "host/cpu/wasm" | "demo";

/** What each room may import: rooms, single files, and packages by name. */
const allowed: Record<
  Room,
  { rooms: readonly Room[]; files?: readonly string[]; packages: RegExp | undefined }
> = {
  src: { rooms: ["src"], packages: /^zod\/mini$/ },
  shaders: { rooms: [], packages: undefined },
  "host/cpu/wasm": { rooms: ["host/cpu/wasm"], packages: undefined },
  host: {
    rooms: ["host", "host/cpu/wasm", "shaders", "src"],
    files: ["package.json"],
    packages: /^(zod\/mini|@observablehq\/plot)$/,
  },
  "host/node": {
    rooms: ["host/node", "host/cpu/wasm", "host", "src"],
    files: ["package.json", "examples/digits/digits.safetensors", "examples/lenet/lenet.json"],
    packages: /./,
  },
  "host/web": { rooms: ["host/web", "host", "src"], files: ["package.json"], packages: undefined },
  demo: {
    rooms: ["demo", "host/web", "host", "src"],
    files: ["package.json", "shaders/surface.wgsl", "examples/digits/digits.safetensors"],
    packages: /^(preact|preact\/hooks|@preact\/signals|gl-matrix)$/,
  },
};

/** The room of a file, by the longest that fits. */
function roomOf(file: string): Room | undefined {
  return (Object.keys(allowed) as Room[])
    .filter((room) => file.startsWith(`${room}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

/** What a file's import breaks, in one sentence, or undefined. `file` is relative to the root, with forward slashes. */
function violation(file: string, imported: string): string | undefined {
  const room = roomOf(file)!;
  const { rooms, files = [], packages } = allowed[room];
  if (!imported.startsWith("."))
    return packages?.test(imported) ? undefined : `${file}: ${room} may not import ${imported}`;
  const target = posix.join(posix.dirname(file), imported.replace(/\?.*$/, ""));
  const targetRoom = roomOf(target);
  if (files.includes(target) || (targetRoom && rooms.includes(targetRoom) && !target.endsWith(".test")))
    return undefined;
  return `${file}: ${room} may not import ${target}`;
}

/** Every module a text names: static, dynamic and re-exported ones, assets by URL, and what a page loads. */
function importsOf(file: string, text: string): string[] {
  if (file.endsWith(".html"))
    return [...text.matchAll(/(?:src|href)="(\.[^"]+|\/[^"/][^"]*)"/g)].map((match) =>
      match[1]!.replace(/^\//, "./"),
    );
  const bare = text.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const forms = [
    /(?:^|[;}\s])(?:import|export)\s[^"';]*?from\s*["']([^"']+)["']/g,
    /(?:^|[;}\s])import\s*["']([^"']+)["']/g,
    /\bimport\(\s*["']([^"']+)["']/g,
    /\bnew URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url/g,
    /@import\s+["']([^"']+)["']/g,
  ];
  return forms.flatMap((form) => [...bare.matchAll(form)].map((match) => match[1]!));
}

/** Sources under a folder, without tests and build configurations, which belong to no room, and without what a build writes. */
function sources(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(join(root, path)).isDirectory()) return name === "dist" ? [] : sources(path);
    return /\.(tsx?|js|mts|mjs|wgsl|wesl|html|css)$/.test(name) && !/\.(test|config)\.\w+$/.test(name)
      ? [path]
      : [];
  });
}

const files = ["src", "shaders", "host", "demo"].flatMap(sources);
const edges = files.flatMap((file) =>
  importsOf(file, readFileSync(join(root, file), "utf8")).map((imported) => [file, imported] as const),
);

describe("Rule of imports", () => {
  test.each([
    ["src/plan.ts", "../host/open"],
    ["src/plan.ts", "../shaders/reach/registers.wesl?wgsl"],
    ["src/kernels/reach.ts", "../../host/gpu/runner"],
    ["src/plan.ts", "node:fs"],
    ["src/plan.ts", "zod"],
    ["src/plan.ts", "./plan.test"],
    ["host/open.ts", "./node/device"],
    ["host/gpu/runner.ts", "../web/index"],
    ["host/schedule.ts", "../demo/main"],
    ["host/schedule.ts", "node:worker_threads"],
    ["host/schedule.ts", "webgpu"],
    ["host/node/index.ts", "../web/threads"],
    ["host/web/index.ts", "../node/threads"],
    ["host/web/index.ts", "webgpu"],
    ["host/cpu/wasm/reach.ts", "../runner"],
    ["host/cpu/runner.ts", "../../test/software"],
    ["demo/main.ts", "../host/node/index"],
    ["demo/main.ts", "webgpu"],
  ])("The rule rejects %s importing %s", (file, imported) => {
    expect(violation(file, imported)).toMatch(/may not import/);
  });

  test.each([
    ["src/kernels/reach.ts", "../ensemble"],
    ["src/check.ts", "zod/mini"],
    ["host/gpu/kernels/reach.ts", "../../shaders/reach/registers.wesl?wgsl"],
    ["host/cpu/runner.ts", "./wasm/reach.ts?wasm"],
    ["host/node/platform/dawn.ts", "webgpu"],
    ["host/node/index.ts", "../open"],
    ["demo/worker.ts", "../host/web"],
  ])("The rule accepts %s importing %s", (file, imported) => {
    expect(violation(file, imported)).toBeUndefined();
  });
});

describe("Reader of imports", () => {
  test("The reader finds every form of import and nothing in comments", () => {
    const text = `
      // import a from "commented-line";
      /* import b from "commented-block"; */
      import one from "./one";
      import {
        two,
        type Two,
      } from './two.ts?raw';
      import "three";export * from "./four";
      export { five } from "five/mini";
      const six = await import("./six");
      new Worker(new URL("./seven.ts", import.meta.url));
      import * as eight from "eight"; import type { Nine } from "nine";`;
    expect(importsOf("a.ts", text).toSorted()).toEqual(
      [
        "./one",
        "./two.ts?raw",
        "three",
        "./four",
        "five/mini",
        "./six",
        "./seven.ts",
        "eight",
        "nine",
      ].toSorted(),
    );
    expect(
      importsOf(
        "a.html",
        `<script type="module" src="./main.ts"></script><link href="/style.css"><a href="https://x.org">`,
      ),
    ).toEqual(["./main.ts", "./style.css"]);
  });

  test("The reader finds imports in every room with modules, and every relative one exists", () => {
    for (const room of ["src", "host", "host/node", "host/web", "host/cpu/wasm", "demo"])
      expect(edges.filter(([file]) => roomOf(file) === room).length, room).toBeGreaterThan(2);
    const missing = edges.filter(([file, imported]) => {
      const path = join(root, dirname(file), imported.replace(/\?.*$/, ""));
      return imported.startsWith(".") && ![path, `${path}.ts`, `${path}/index.ts`].some(existsSync);
    });
    expect(missing).toEqual([]);
  });
});

test("Every import goes the one way", () => {
  expect(edges.map(([file, imported]) => violation(file, imported)).filter(Boolean)).toEqual([]);
});
