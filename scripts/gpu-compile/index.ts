// `npm run gpu:compile -- VENDOR CHIP`: the command line. docs/gpu.md is its manual.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { calmPolling } from "../../host/node/platform/dawn.ts";
import { RequestError } from "../../src/errors.ts";
import { missingVariants, openRecorder, pipelinesOf, recorded } from "./compile.ts";
import { reportOf, rowOf, spillsOf, withReport, type Row } from "./report.ts";
import { outputFolder, prepare, vendors } from "./vendors.ts";
import { namedWorks } from "./works.ts";

const USAGE = `npm run gpu:compile -- VENDOR CHIP [options]

  intel tgl | icl | adl | dg2                                Mesa's driver ANV
  amd navi31 | navi21 | navi10 | vega10 | aldebaran | ...    Mesa's compiler ACO
  nvidia 90 | 89 | 86 | ...                                  ptxas, by way of CUDA C++ (compute capability)

  --only REGEXP     pipelines whose labels match
  --bits LIST       log2 M of reach, by default 6,8,10,12
  --lanes 32        AMD: waves of 32 lanes instead of the compiler's own choice
  --profile apple   the limits of another device: 32 KiB of workgroup memory, subgroups of 32 lanes
  --unchecked       without bounds checks, which no browser allows
  --json            everything that was read, as JSON
  --write, --check  writes the tables of docs/gpu.md, or fails where they are not these

Exit status: 0, 1 where a pipeline spills registers to memory (Intel: packed forward fills 50 or more) or docs/gpu.md is stale,
2 where the request cannot be met.
`;

const document = fileURLToPath(new URL("../../docs/gpu.md", import.meta.url));

/** Runs the command and returns its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof RequestError) && !isUsageError(error)) throw error;
    process.stderr.write(`gpu:compile: ${(error as Error).message}\n`);
    return 2;
  }
}

const isUsageError = (error: unknown): boolean =>
  error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: "string", default: "." },
      bits: { type: "string", default: "6,8,10,12" },
      lanes: { type: "string" },
      profile: { type: "string" },
      unchecked: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [name, chip] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (name !== "amd" && name !== "nvidia" && name !== "intel")
    throw new RequestError("vendor", Object.keys(vendors).join(" or "), name, "--help lists all options");
  if (chip === undefined)
    throw new RequestError("chip", "navi31 for AMD, 90 for NVIDIA or tgl for Intel, say", chip);
  const sizes = values.bits.split(",").map(Number);
  if (!sizes.every((bits) => Number.isInteger(bits) && bits >= 1 && bits <= 20))
    throw new RequestError("--bits", "integers in 1..20 with commas between them", values.bits);
  if (values.profile !== undefined && values.profile !== "apple")
    throw new RequestError("--profile", "apple", values.profile);
  if (values.lanes !== undefined && values.lanes !== "32")
    throw new RequestError("--lanes", "32", values.lanes);
  const isPart = ["only", "bits", "lanes", "profile", "unchecked"].some((option) =>
    args.some((arg) => arg.startsWith(`--${option}`)),
  );
  if (isPart && (values.write || values.check))
    throw new RequestError(
      "--write, --check",
      "all pipelines, with checks and the device's own profile",
      args.join(" "),
    );
  const vendor = vendors[name];
  const mustRestart = prepare(vendor, chip, values.lanes === undefined ? undefined : Number(values.lanes));
  if (mustRestart)
    return spawnSync(process.execPath, process.argv.slice(1), { stdio: "inherit" }).status ?? 2;

  calmPolling();
  const beliefs =
    values.profile === "apple"
      ? { vendor: "apple", workgroupBytes: 32_768, subgroupMinSize: 4, subgroupMaxSize: 32 }
      : { vendor: name, ...vendor.beliefs };
  const opened = await openRecorder(values.unchecked ? ["disable_robustness"] : [], beliefs);
  const pipelines = pipelinesOf(await namedWorks(sizes), opened.profile);
  const only = new RegExp(values.only);
  const wanted = pipelines.filter(({ label }) => only.test(label));
  // A compiler that is a program of its own runs while Dawn compiles the next pipelines.
  const started: Promise<Row>[] = [];
  for await (const pipeline of recorded(opened, wanted, outputFolder(name, chip))) {
    started.push(vendor.compiled(pipeline, chip).then((compiled) => rowOf(pipeline, compiled)));
    await started.at(-availableParallelism());
  }
  const rows = await Promise.all(started);

  const compiler = vendor.compiler(opened.adapter.info);
  const report = reportOf({ vendor: name, chip, compiler, rows });
  if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 1)}\n`);
  else process.stdout.write(`${report}\n`);
  if (only.source === ".")
    for (const [kernel, variant] of missingVariants(pipelines))
      process.stderr.write(`gpu:compile: no launch of ${kernel}.${variant} fits this device\n`);

  const faults = spillsOf(rows, vendor.mostSpills);
  if (values.write || values.check) {
    const before = readFileSync(document, "utf8");
    const after = withReport(before, `${name} ${chip}`, report);
    if (values.write) writeFileSync(document, after);
    else if (!before.includes(compiler))
      process.stderr.write(`gpu:compile: docs/gpu.md has no tables of ${compiler}; they are not compared\n`);
    else if (after !== before)
      faults.push(`docs/gpu.md is stale: run npm run gpu:compile -- ${name} ${chip} --write`);
  }
  for (const fault of faults) process.stderr.write(`gpu:compile: ${fault}\n`);
  return faults.length > 0 ? 1 : 0;
}
