// The parity harness. Every engine writes the same words for every kernel: over seams, for random work, with dirty memory
// on every side; and the comparison itself is tested by faults planted in WGSL and by flipped bits.

import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../../host/cpu/runner.ts";
import { launchesOf, variantsOf } from "../../host/gpu/kernels/index.ts";
import type { DeviceProfile, VariantName } from "../../host/gpu/launch.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import { startThread } from "../../host/node/platform/threads.ts";
import { referenceRunner } from "../../host/reference.ts";
import type { Runner } from "../../host/runner.ts";
import { DifferenceError, shadowRunner } from "../../host/shadow.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import type { KernelName } from "../../src/kernels/index.ts";
import { batchWork, outputOf, type Work } from "../../src/plan.ts";
import {
  PATIENT_MS,
  limitWorkgroups,
  poisonStorage,
  rewriteShaders,
  sharedAdapter,
  tampered,
  tamperedAdapter,
  testLanguage,
  testProfile,
  watchedAdapter,
  watchIndices,
} from "../gpu/devices.ts";
import { batchWords } from "../oracle.ts";

/**
 * `cpu` has one thread and `threads` two. `gpu` launches the variant that it chooses itself; an engine named after a
 * variant launches no other, on a device whose indices are watched and whose storage is poisoned.
 */
export type EngineName = "reference" | "cpu" | "threads" | "gpu" | VariantName;

/** Work for which engines must write the same words. */
export interface Case<W extends Work = Work> {
  /** Completes "the same words for". */
  readonly title: string;
  readonly works: () => readonly W[] | Promise<readonly W[]>;
  /** The engines compared, all with the first of them. By default the reference, both CPU engines and every variant. */
  readonly on?: readonly EngineName[];
  /** The most workgroups of a dispatch, instead of the limit of the adapter, 65,535. */
  readonly maxWorkgroups?: number;
  /** Whether the case is left to `npm run test:all`. */
  readonly wide?: boolean;
}

/** Random work, always of the same seed. */
export interface RandomCase extends Omit<Case, "works"> {
  readonly works: fc.Arbitrary<readonly Work[]>;
  readonly seed: number;
  readonly runs: number;
}

/** A replacement in the WGSL of a variant that must change the words of a probe. */
export interface Fault<Probe extends string = string> {
  readonly variant: VariantName;
  /** The name of the probe that finds it. */
  readonly probe: Probe;
  /** Text that occurs once in what is compiled for the variant. */
  readonly replace: string;
  readonly by: string;
  /** Whether the fault shows only because indices are watched. */
  readonly watched?: true;
}

export interface ParityCases<Probe extends string = string> {
  readonly seams: readonly Case[];
  readonly random: readonly RandomCase[];
  /** Small work on which faults show, by name. */
  readonly probes: Readonly<Record<Probe, Case["works"]>>;
  /** The first fault of each variant is planted by `npm test`, the others by `npm run test:all`. */
  readonly faults: readonly Fault<Probe>[];
}

/** What a kernel's own tests use beside its cases. */
export interface Parity {
  /** The engine of that name, opened once for all tests of a file. */
  readonly engine: (name: EngineName) => Promise<Runner>;
  /** Compares every word on some engines, or on all, and answers the words. */
  readonly compare: (work: Work, on?: readonly EngineName[]) => Promise<Uint32Array>;
}

/** Words that storage is filled with before work, a different one for each variant. */
const POISONS: Record<VariantName, number> = {
  placed: 0x33333333,
  registers: 0xaaaaaaaa,
  thread: 0xffffffff,
  wave: 0x33cc33cc,
  subgroup: 0x01234567,
  packed: 0x5a5a5a5a,
  workgroup: 0x55555555,
  storage: 0xdeadbeef,
  tiles: 0xcafef00d,
};

const patient = { maxDispatchMilliseconds: PATIENT_MS };

const isVariant = (name: EngineName): name is VariantName => name in POISONS;

/** Large tables, sets of ones and counts that earlier work leaves in the memory of a thread. */
function dirt(): Work[] {
  const sums = plan(phaseConfig({ ensemble: "rssp0", halfRange: 2 ** 14, items: 40, targets: [1] }));
  const given = { items: new Array<number>(60).fill(997), targets: [[29_910, 29_910, 29_910]] };
  return [
    batchWork(sums, { first: 0, count: 9 }),
    ...(["witness", "smallest", "count"] as const).map((kernel) =>
      batchWords({ kernel, instances: [given] }),
    ),
  ];
}

async function openEngine(name: EngineName, maxWorkgroups: number | undefined): Promise<Runner> {
  if (name === "reference") return referenceRunner();
  const language = await testLanguage();
  const limited = (adapter: () => Promise<GPUAdapter>) =>
    maxWorkgroups === undefined
      ? adapter
      : tampered(adapter, (device) => limitWorkgroups(device, maxWorkgroups));
  if (name === "gpu") return gpuRunner(limited(sharedAdapter), { language, ...patient });
  if (isVariant(name))
    return gpuRunner(limited(watchedAdapter(POISONS[name])), { variant: name, language, ...patient });
  const threads = { cpu: 1, threads: 2 }[name];
  const runner = await cpuRunner(threads, startThread);
  for (const work of dirt()) await Promise.all(Array.from({ length: threads }, () => runner.run(work)));
  return runner;
}

/** Answers words that are known already. */
const answering = (words: Uint32Array, engine: Runner): Runner => ({
  ...engine,
  run: () => Promise.resolve({ words }),
});

/** Registers the tests of a kernel, and answers what further tests of it need. */
export function describeParity<Probe extends string>(kernel: KernelName, cases: ParityCases<Probe>): Parity {
  const variants = variantsOf(kernel);
  const everyEngine: readonly EngineName[] = ["reference", "cpu", "threads", ...variants];
  const opened = new Map<string, Promise<Runner>>();
  afterAll(async () => {
    for (const engine of opened.values()) (await engine).close();
  });
  const engine = (name: EngineName, maxWorkgroups?: number): Promise<Runner> => {
    const key = `${name} ${maxWorkgroups}`;
    const known = opened.get(key) ?? openEngine(name, maxWorkgroups);
    opened.set(key, known);
    return known;
  };
  let profile: Promise<DeviceProfile> | undefined;
  /** Whether an engine can do the work at all: a variant may have no room for it, or be for other work. */
  async function serves(name: EngineName, work: Work): Promise<boolean> {
    if (!isVariant(name)) return true;
    return launchesOf(work, await (profile ??= testProfile()), name).length > 0;
  }

  async function compare(
    work: Work,
    on: readonly EngineName[] = everyEngine,
    maxWorkgroups?: number,
  ): Promise<Uint32Array> {
    expect(work.kernel).toBe(kernel);
    const [first, ...others] = await Promise.all(on.map((name) => engine(name, maxWorkgroups)));
    const { words: expected } = await first!.run(work);
    const right = answering(expected, first!);
    await Promise.all(
      others.map(async (other, i) => {
        const name = on[i + 1]!;
        if (!(await serves(name, work))) {
          if (on !== everyEngine) throw new Error(`${kernel}: variant ${name} does not serve the work`);
          return;
        }
        const owning: Runner = {
          ...other,
          async run(same) {
            const answer = await other.run(same);
            // A view of a larger buffer would hand its reader what follows the words.
            const { words } = answer;
            expect(words.buffer.byteLength, `bytes of the buffer that ${name} answers`).toBe(
              words.byteLength,
            );
            return answer;
          },
        };
        await shadowRunner(right, owning)
          .run(work)
          .catch((error: Error) => {
            throw new Error(`engine ${name}: ${error.message}`, { cause: error });
          });
      }),
    );
    return expected;
  }

  const on = (names: readonly EngineName[] | undefined) => (names ? names.join(", ") : "every engine");
  const tagged = ({ wide = false }: { readonly wide?: boolean }) => (wide ? { tags: ["wide"] } : {});

  describe(`Kernel ${kernel}`, () => {
    for (const seam of cases.seams)
      test(
        `The kernel ${kernel} writes on ${on(seam.on)} the same words for ${seam.title}`,
        tagged(seam),
        async () => {
          const works = await seam.works();
          expect(works.length).toBeGreaterThan(0);
          for (const work of works) await compare(work, seam.on, seam.maxWorkgroups);
        },
      );

    for (const { title, works, seed, runs, ...random } of cases.random)
      test(
        `The kernel ${kernel} writes on ${on(random.on)} the same words for ${title}`,
        tagged(random),
        async () => {
          await fc.assert(
            fc.asyncProperty(works, async (drawn) => {
              for (const work of drawn) await compare(work, random.on);
            }),
            { seed, numRuns: runs },
          );
        },
      );
  });

  describe(`Cases of ${kernel}`, () => {
    test.each(variants)(`The variant %s of ${kernel} serves some of the cases`, async (variant) => {
      for (const seam of cases.seams)
        for (const work of await seam.works())
          if ((seam.on ?? everyEngine).includes(variant) && (await serves(variant, work))) return;
      expect.unreachable(`no case of ${kernel} runs on ${variant}`);
    });
  });

  describe(`Comparison of ${kernel}`, () => {
    const probed = new Map<Probe, Promise<{ work: Work; words: Uint32Array }[]>>();
    /** The work of a probe with the right words. */
    function answered(probe: Probe): Promise<{ work: Work; words: Uint32Array }[]> {
      const known =
        probed.get(probe) ??
        engine("cpu").then(async (cpu) =>
          Promise.all(
            (await cases.probes[probe]()).map(async (work) => ({ work, words: (await cpu.run(work)).words })),
          ),
        );
      probed.set(probe, known);
      return known;
    }

    /** How a device that compiles rewritten shaders differs on a probe from the CPU, in words; undefined where it does not. */
    async function difference(
      variant: VariantName,
      probe: Probe,
      rewrite: (code: string) => string,
    ): Promise<string | undefined> {
      const suspect = await gpuRunner(
        // A fault may lose its device, and its shader serves no other test.
        tamperedAdapter((device) => {
          poisonStorage(device, 0xdeadbeef);
          rewriteShaders(device, rewrite);
        }),
        { variant, language: await testLanguage(), ...patient },
      );
      const cpu = await engine("cpu");
      let compared = 0;
      try {
        for (const { work, words } of await answered(probe)) {
          if (!(await serves(variant, work))) continue;
          compared++;
          await shadowRunner(answering(words, cpu), suspect).run(work);
        }
        expect(compared, `work of probe ${probe} that ${variant} serves`).toBeGreaterThan(0);
        return undefined;
      } catch (error) {
        if (!(error instanceof DifferenceError)) throw error;
        return error.message;
      } finally {
        suspect.close();
      }
    }

    /** Changes a text wherever it is compiled, and says how often it was found. */
    function replacing({ replace, by, watched }: Fault<Probe>): {
      rewrite: (code: string) => string;
      found: () => number;
    } {
      const found = new Set<string>();
      const rewrite = (code: string) => {
        const times = code.split(replace).length - 1;
        if (times > 1) throw new Error(`planted fault: "${replace}" occurs ${times} times in the shader`);
        if (times === 1) found.add(code);
        const changed = code.replace(replace, () => by);
        return watched ? watchIndices(changed) : changed;
      };
      return { rewrite, found: () => found.size };
    }

    const isFirst = (fault: Fault<Probe>) =>
      cases.faults.find(({ variant }) => variant === fault.variant) === fault;
    for (const fault of cases.faults)
      test(
        `The comparison finds a fault of ${kernel} in variant ${fault.variant} by probe ${fault.probe}: "${fault.replace}" becomes "${fault.by}"`,
        tagged({ wide: !isFirst(fault) }),
        async () => {
          const { rewrite, found } = replacing(fault);
          const seen = await difference(fault.variant, fault.probe, rewrite);
          expect(found(), `shaders of ${kernel} that contain the text to replace`).toBeGreaterThan(0);
          expect(seen).toMatch(new RegExp(`^kernel ${kernel}, buffer \\w+, word \\d+ of \\d+: `));
        },
      );

    const faultyVariants = new Set(cases.faults.map(({ variant }) => variant));
    test.each([...faultyVariants])(
      `Without a planted fault, variant %s of ${kernel} writes the words of the CPU for every probe of its faults`,
      { tags: ["wide"] },
      async (variant) => {
        const ofVariant = cases.faults.filter((fault) => fault.variant === variant);
        let compared = 0;
        for (const probe of new Set(ofVariant.map((fault) => fault.probe)))
          for (const { work } of await answered(probe)) {
            if (!(await serves(variant, work))) continue;
            compared++;
            await compare(work, ["cpu", variant]);
          }
        expect(compared, `work of the probes that ${variant} serves`).toBeGreaterThan(0);
      },
    );

    test(`The comparison names the kernel, buffer and word of ${kernel} in which one bit is flipped`, async () => {
      const { work, words } = (await answered(Object.keys(cases.probes)[0] as Probe))[0]!;
      const cpu = await engine("cpu");
      expect(words.length).toBeGreaterThan(0);
      for (const [index, word] of words.entries()) {
        const flipped = (word ^ (1 << (index % 32))) >>> 0;
        const suspect = { ...answering(words.with(index, flipped), cpu), engine: "gpu" as const };
        await expect(shadowRunner(answering(words, cpu), suspect).run(work)).rejects.toThrow(
          `kernel ${kernel}, buffer ${outputOf(work).name}, word ${index} of ${words.length}: ` +
            `cpu says ${word}, gpu says ${flipped} (`,
        );
      }
    });
  });

  return { engine, compare };
}
