// The package as it is published: packed from a copy of the sources as they stand, looked through, and used by a new
// project that has nothing but the package and the dependencies it needs, in Node, in TypeScript and in a browser.

import { execFile } from "node:child_process";
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { measurePhase } from "../host/experiments/phase.ts";
import { referenceRunner } from "../host/reference.ts";
import manifest from "../package.json" with { type: "json" };
import type { PhaseRequest } from "../src/experiments/phase.ts";
import type { PhaseFinding } from "../src/finding.ts";
import type { Scheme } from "../src/ticket/scheme.ts";
import { launchBrowser } from "./browser.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");

const env: NodeJS.ProcessEnv = {
  ...process.env,
  npm_config_offline: "true",
  npm_config_update_notifier: "false",
  // Vite builds for development where this says test.
  NODE_ENV: "production",
};

const instances = [
  { items: [3, 5, -8, 13, 21], target: 10 },
  { items: [2, 4], target: 3 },
];
const request = {
  ensemble: "rssp",
  bits: 5,
  items: { from: 3, to: 7 },
  targets: [1, -9, 32],
  trials: 4000,
  seed: "20250101",
} as const satisfies PhaseRequest;

const network = {
  bits: 2,
  activationBits: 3,
  layers: [
    {
      weights: [
        [4, -1],
        [0, 3],
      ],
    },
    { weights: [[-4, 2]] },
  ],
};
const scheme = {
  theorem: 1,
  initialBits: 2,
  bits: 1,
  weightQuantizer: "away",
  zero: false,
  pools: "shared",
  support: false,
  units: [80, 80],
  copies: [],
} as const satisfies Scheme;

const { "./package.json": _, ...subpaths } = manifest.exports;
const entries = Object.values(subpaths);

let folder: string;
let project: string;
let consumer: string;
/** The tarball, and the files in it. */
let tarball: string;
let files: readonly string[];

const text = (path: string) => readFile(join(consumer, "node_modules/exacta", path), "utf8");

/**
 * The stdout of a program.
 * @throws {Error} with stdout and stderr, if the program fails.
 */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (
      await promisify(execFile)(program, args, {
        cwd,
        env,
        shell: program === "npm" && process.platform === "win32",
        maxBuffer: 2 ** 26,
      })
    ).stdout;
  } catch (error) {
    const { message, stdout } = error as Error & { stdout?: string };
    throw new Error(`${message}\n${stdout ?? ""}`, { cause: error });
  }
}

const node = (...args: string[]) => run(process.execPath, args, consumer);

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "exacta-pack-")));
  // A copy, because packing builds, and others read dist meanwhile.
  project = join(folder, "project");
  const left = new Set(["node_modules", "dist", "results", ".git", ".cache"]);
  await cp(root, project, { recursive: true, filter: (path) => !left.has(basename(path)) });
  await symlink(modules, join(project, "node_modules"), "junction");
  // Compiled WebAssembly, found by the digest of its sources.
  await symlink(join(root, ".cache"), join(project, ".cache"), "junction");
  await run("npm", ["pack", "--silent", "--pack-destination", folder], project);
  tarball = join(folder, `${manifest.name}-${manifest.version}.tgz`);
  const listed = await run("tar", ["-tzf", tarball], folder);
  files = listed
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));

  consumer = join(folder, "consumer");
  const installed = join(consumer, "node_modules/exacta");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components", "1"], folder);
  for (const name of Object.keys(manifest.dependencies)) {
    await mkdir(dirname(join(consumer, "node_modules", name)), { recursive: true });
    await symlink(join(modules, name), join(consumer, "node_modules", name), "junction");
  }
  await writeFile(
    join(consumer, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
}, 300_000);

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** The integers of findings. */
function integers(findings: readonly PhaseFinding[]) {
  return findings.map(({ items, trials, targets, covered }) => [
    items,
    trials,
    ...targets.map(({ solved }) => solved),
    covered!.solved,
  ]);
}

const expected = async () => integers(await measurePhase(referenceRunner(), request));

describe("The tarball", { tags: ["wide"] }, () => {
  test("The tarball holds the two builds, their types, the documents and the networks that read digits, and nothing else", () => {
    const digits = [
      "examples/digits/README.md",
      "examples/digits/digits.safetensors",
      "examples/lenet/README.md",
      "examples/lenet/lenet.json",
    ];
    const licenses = "dist/node/packages.md";
    const documents = ["CHANGELOG.md", "LICENSE", "README.md", licenses, ...digits, "package.json"];
    const built = /^dist\/(node|web)\/[\w./-]+\.js$|^dist\/types\/(src|host)\/[\w./-]+\.d\.ts$/;
    expect(files.filter((path) => !built.test(path)).toSorted()).toEqual(documents);
    expect(
      files.filter((path) => /\.test\.|\.config\.|\.map$|(^|\/)(test|scripts|demo)\//.test(path)),
    ).toEqual([]);
    for (const path of [
      "dist/node/exacta.js",
      ...entries.flatMap(({ types, node, default: web }) => [types, node, web].map((path) => path.slice(2))),
    ])
      expect(files).toContain(path);
  });

  test("The tarball has the license of every package that is built into the command line", async () => {
    const licenses = await text("dist/node/packages.md");
    for (const name of ["@observablehq/plot", "cli-progress", "commander", "csv-parse", "linkedom", "zod"]) {
      const { version } = JSON.parse(await readFile(join(modules, name, "package.json"), "utf8")) as {
        version: string;
      };
      expect(licenses).toContain(`\n## ${name} - ${version} (`);
    }
    expect(licenses.match(/^## /gm)!.length).toBeLessThanOrEqual(
      licenses.match(/permission|redistribution/gi)!.length,
    );
  });

  test("The files of the tarball name no folder of the machine that built them, and no source map", async () => {
    const places = [root.replace(/[/\\]$/, ""), project, tmpdir()];
    for (const path of files) {
      const content = await text(path);
      expect(
        places.filter((place) => content.includes(place)),
        path,
      ).toEqual([]);
      expect(content, path).not.toMatch(/[#@] sourceMappingURL=/);
    }
  });

  test("The linter publint finds no fault in the tarball", async () => {
    const bytes = await readFile(tarball);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  // The package is made of ES modules alone: `require` of TypeScript's node10 and node16 modes is not offered.
  test("Every subpath resolves to its types for importers of ES modules", async () => {
    const attw = join(modules, "@arethetypeswrong/cli/dist/index.js");
    const report = await node(attw, tarball, "--profile", "esm-only", "--format", "json");
    const { analysis } = JSON.parse(report) as {
      analysis: {
        entrypoints: Record<string, { resolutions: Record<string, { resolution: { fileName: string } }> }>;
      };
    };
    for (const [subpath, { types }] of Object.entries(subpaths))
      for (const kind of ["node16-esm", "bundler"])
        expect([
          subpath,
          kind,
          analysis.entrypoints[subpath]!.resolutions[kind]!.resolution.fileName,
        ]).toEqual([subpath, kind, `/node_modules/exacta/${types.slice(2)}`]);
  });
});

describe("A new project", { tags: ["wide"] }, () => {
  test("Node imports the package, which returns the integers of the reference engine", async () => {
    await writeFile(
      join(consumer, "main.js"),
      `import { RequestError, openEngine } from "exacta";
      import { ensembles, measurePhase } from "exacta/experiments";
      import { solve } from "exacta/solve";
      import { computeTheory } from "exacta/theory";
      import { decodeTicket, encodeTicket, pruneToTicket, readNetwork, representedNetwork, targetDigest, verifyTicket } from "exacta/ticket";
      const engine = await openEngine({ engine: "cpu", threads: 2 });
      const findings = await measurePhase(engine, ${JSON.stringify(request)});
      const witnesses = [];
      for await (const { witness } of solve(engine, ${JSON.stringify(instances)})) witnesses.push(witness);
      const target = readNetwork(${JSON.stringify(network)});
      const { ticket, failures } = await pruneToTicket(engine, { ...target, scheme: ${JSON.stringify(scheme)}, seed: 3 });
      engine.close();
      const digest = await targetDigest(target.network, target.bits);
      const read = decodeTicket(encodeTicket(ticket, digest));
      const weights = representedNetwork(read.ticket).layers.map((layer) => Array.from(layer.weights));
      const kept = { failures, named: read.digest === digest, weights, verification: verifyTicket(target.network, read.ticket) };
      const refused = await measurePhase(engine, {}).catch((error) => error instanceof RequestError && error.field);
      const { targets } = computeTheory({ bits: 5, items: 7, targets: [1] })[0];
      console.log(JSON.stringify({ ensembles, findings, witnesses, kept, refused, bounds: targets[0].bounds.length }));`,
    );
    const { ensembles, findings, witnesses, kept, refused, bounds } = JSON.parse(await node("main.js")) as {
      ensembles: string[];
      findings: PhaseFinding[];
      witnesses: number[][];
      kept: unknown;
      refused: unknown;
      bounds: number;
    };
    // An error of one subpath is an instance of the class that another one exports.
    expect(refused).toBe("bits, halfRange");
    expect(bounds).toBeGreaterThan(3);
    expect(witnesses).toEqual([[1, 2, 3], null]);
    expect(kept).toEqual({
      failures: [],
      named: true,
      weights: network.layers.map(({ weights }) => weights.flat()),
      verification: { certified: true },
    });
    expect(ensembles).toContain("products0");
    expect(findings[0]!.version).toBe(manifest.version);
    expect(integers(findings)).toEqual(await expected());
  });

  test("The command of the installed package finds the integers of the reference engine", async () => {
    const command = join("node_modules/exacta", manifest.bin.exacta);
    expect(await node(command, "--version")).toBe(`${manifest.version}\n`);
    const lines = await node(
      command,
      ..."phase --bits 5 --items 3..7 --targets 1,-9,32 --trials 4e3 --seed 20250101 --engine cpu --json --quiet".split(
        " ",
      ),
    );
    expect(
      integers(
        lines
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as PhaseFinding),
      ),
    ).toEqual(await expected());
  });

  test("Without the optional package webgpu auto takes the CPU, and gpu is refused with how to install it", async () => {
    const command = join("node_modules/exacta", manifest.bin.exacta);
    const phase = "phase --bits 3 --items 3 --trials 10 --json --engine".split(" ");
    expect(JSON.parse(await node(command, ...phase, "auto"))).toMatchObject({ engine: "cpu" });
    await expect(node(command, ...phase, "gpu")).rejects.toThrow(
      "the optional package webgpu is not installed (npm install webgpu)",
    );
    await symlink(join(modules, "webgpu"), join(consumer, "node_modules/webgpu"), "junction");
    try {
      expect(JSON.parse(await node(command, ...phase, "gpu"))).toMatchObject({ engine: "gpu" });
    } finally {
      await rm(join(consumer, "node_modules/webgpu"));
    }
  });

  test("The package and what it installs without optional packages take less than 20 MB", async () => {
    const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { dev?: true; optional?: true; devOptional?: true }>;
    };
    const installed = Object.entries(packages).filter(
      ([path, { dev, optional, devOptional }]) => path !== "" && !dev && !optional && !devOptional,
    );
    expect(installed.map(([path]) => path)).toContain("node_modules/zod");
    let bytes = 0;
    for (const folder of [
      join(consumer, "node_modules/exacta"),
      ...installed.map(([path]) => join(root, path)),
    ])
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
        // A file takes whole blocks of a disk.
        if (entry.isFile()) {
          const { size } = await stat(join(entry.parentPath, entry.name));
          bytes += Math.ceil(size / 4096) * 4096;
        }
    expect(bytes).toBeGreaterThan(10e6);
    expect(bytes).toBeLessThan(20e6);
  });

  // Declaration files are checked as well, so what they name must be there without the types of WebGPU, which a
  // project would have to know of and install.
  const settings = {
    "Node's": { module: "nodenext", lib: ["ES2023"], types: ["node"] },
    "a bundler's": { module: "esnext", moduleResolution: "bundler", lib: ["ES2023", "DOM"], types: [] },
  };
  test.each(Object.entries(settings))(
    "A program type-checks against the package under %s module resolution",
    { tags: ["wide"] },
    async (_, compilerOptions) => {
      await mkdir(join(consumer, "node_modules/@types"), { recursive: true });
      await symlink(
        join(modules, "@types/node"),
        join(consumer, "node_modules/@types/node"),
        "junction",
      ).catch(() => {});
      await writeFile(
        join(consumer, "main.ts"),
        `import { CapacityError, DifferenceError, RequestError, openEngine } from "exacta";
      import type { Engine, EngineOptions, Finding, Progress } from "exacta";
      import { ensembles, measurePhase } from "exacta/experiments";
      import type { Ensemble, Estimate, PhaseFinding, PhaseOptions, PhaseRequest } from "exacta/experiments";
      import { solve } from "exacta/solve";
      import type { Instance, SolveFinding, SolveRequest } from "exacta/solve";
      import { computeTheory, paper } from "exacta/theory";
      import { decodeTicket, encodeTicket, pruneToTicket, readNetwork, targetDigest, verifyTicket } from "exacta/ticket";
      import type { Network, Pruned, PruneOptions, PruneRequest, Scheme, Ticket, TicketFinding, Verification, VerifyFinding } from "exacta/ticket";
      const options: EngineOptions = { engine: "shadow", threads: 2 };
      const engine: Engine = await openEngine(options);
      const request: PhaseRequest = { ensemble: "rnpp" satisfies Ensemble, bits: 4, items: { from: 1, to: 9 }, trials: 1e4, seed: 7n };
      const watch: PhaseOptions = { signal: new AbortController().signal, onProgress: ({ done, total }: Progress) => void (done / total) };
      const watchless: PruneOptions = { onProgress: ({ done }: Progress) => void done };
      const findings: PhaseFinding[] = await measurePhase(engine, request, watch);
      const covered: Estimate | undefined = findings[0]?.covered;
      export const all: [readonly Ensemble[], Finding | undefined, number | undefined, Error] =
        [ensembles, findings.at(-1), covered?.solved, new DifferenceError("")];
      const instances: Instance[] = [{ items: [1, 2], target: 3n }];
      const ask: SolveRequest = { ask: ["count"], tolerance: 2 };
      export const counts: (string | undefined)[] = [];
      for await (const finding of solve(engine, instances, ask)) counts.push((finding satisfies SolveFinding).count);
      const scheme: Scheme = ${JSON.stringify(scheme)};
      const pruned: Pruned = await pruneToTicket(engine, { ...readNetwork({}), scheme, sparse: true } satisfies PruneRequest, watchless);
      const { network, bits }: { network: Network; bits: number } = readNetwork({});
      const ticket: Ticket = pruned.ticket;
      export const verification: Verification = verifyTicket(network, decodeTicket(encodeTicket(ticket, await targetDigest(network, bits))).ticket);
      export const receivedOf = (error: unknown): unknown => error instanceof CapacityError ? error.kernel : error instanceof RequestError ? error.received : undefined;
      export const low: number[] = [computeTheory({ bits: 4 })[0]!.items, paper.lemma1(16, 9, 1).low];
      export const certified = (finding: TicketFinding | VerifyFinding): boolean => finding.kind === "ticket" ? finding.found : finding.certified;
      // @ts-expect-error there is no third theorem
      export const third: Scheme = { ...scheme, theorem: 3 };
      // @ts-expect-error there is no such engine
      await openEngine({ engine: "quantum" });
      // @ts-expect-error a number of items is no text
      await measurePhase(engine, { bits: 4, items: "9" });
      // @ts-expect-error findings hold no such field
      findings[0]?.luck;
      // @ts-expect-error a runner is no number
      export const wrong: number = engine;`,
      );
      await writeFile(
        join(consumer, "tsconfig.json"),
        JSON.stringify({
          compilerOptions: {
            target: "es2023",
            strict: true,
            exactOptionalPropertyTypes: true,
            noEmit: true,
            skipLibCheck: false,
            skipDefaultLibCheck: true,
            ...compilerOptions,
          },
          files: ["main.ts"],
        }),
      );
      expect(await node(join(modules, "typescript/bin/tsc"), "-p", ".")).toBe("");
    },
  );

  test(
    "A bundle of the package for a browser returns the integers of the reference engine",
    { timeout: 120_000 },
    async () => {
      const page = join(consumer, "page");
      await mkdir(page, { recursive: true });
      await writeFile(
        join(page, "index.html"),
        `<!doctype html><title>exacta</title><body><script type="module" src="./main.js"></script></body>`,
      );
      await writeFile(
        join(page, "main.js"),
        `import { openEngine } from "exacta";
      import { measurePhase } from "exacta/experiments";
      import { solve } from "exacta/solve";
      try {
        const engine = await openEngine({ engine: "cpu", threads: 2 });
        const findings = await measurePhase(engine, ${JSON.stringify(request)});
        const witnesses = [];
        for await (const { witness } of solve(engine, ${JSON.stringify(instances)})) witnesses.push(witness);
        window.answer = { findings, witnesses };
        engine.close();
      } catch (error) {
        window.answer = String(error);
      }`,
      );
      await node(join(modules, "vite/bin/vite.js"), "build", "page", "--logLevel", "error");
      const server = await preview({
        root: page,
        configFile: false,
        logLevel: "error",
        preview: { host: "127.0.0.1", port: 0 },
      });
      const browser = await launchBrowser("none");
      try {
        const tab = await browser.newPage();
        const complaints: string[] = [];
        tab.on("pageerror", (error) => complaints.push(String(error)));
        tab.on("requestfailed", (failed) => complaints.push(failed.url()));
        await tab.goto(server.resolvedUrls!.local[0]!);
        const answer = await tab.waitForFunction(() => (window as unknown as { answer?: unknown }).answer);
        const { findings, witnesses } = (await answer.jsonValue()) as {
          findings: PhaseFinding[];
          witnesses: number[][];
        };
        expect(complaints).toEqual([]);
        expect(witnesses).toEqual([[1, 2, 3], null]);
        expect(findings[0]).toMatchObject({ engine: "cpu", version: manifest.version });
        expect(integers(findings)).toEqual(await expected());
      } finally {
        await browser.close();
        await server.close();
      }
    },
  );
});
