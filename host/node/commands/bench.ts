// exacta bench: the options of the benchmark in host/node/bench.

import { kernelNames } from "../../../src/kernels/index.ts";
import { measured } from "../bench/context.ts";
import { runBench, sectionNames } from "../bench/index.ts";
import { command, value } from "./command.ts";
import { adapterOption, outputOptions } from "./options.ts";

export const benchCommand = command({
  name: "bench",
  summary: "Measures how fast the kernels are, beside the limits of this machine and other languages.",
  manual: `
Measures every kernel on every engine beside what micro-kernels get out of the same machine in the same run, and beside AVX2, CPython and
JavaScript programs that answer the same instances. The candidates of a comparison run in turn until their medians are known to 2 %.
\`--out\` keeps all rows in a file, and \`--compare\` compares a run with an earlier one, digests of results included.`,
  examples: ["exacta bench --only ceilings,kernels --seconds 1"],
  statusOne: "engines disagree, or kernels answer otherwise than in the run of `--compare`",
  statusStopped: "a signal stopped the run; the rows before it are kept",
  options: {
    only: value("list", `sections: ${sectionNames.join(", ")}`, "all"),
    kernels: value("list", `kernels of the section kernels: ${kernelNames.join(", ")}`, "all"),
    engine: value("list", measured.join(", "), "all that this machine has"),
    ...adapterOption,
    rounds: value("number", "rounds of every comparison", "until medians are known to 2 %"),
    seconds: value("number", "after which a comparison ends, however well its medians are known", "2"),
    out: value("folder", "for the rows as JSON Lines", "none"),
    compare: value("file", "rows of an earlier run, to compare with"),
    python: value("command", "the CPython to measure against", "python3 where there is one"),
    cc: value("command", "the C compiler of AVX2 programs to measure against", "cc where there is one"),
    ...outputOptions,
  },
  run: runBench,
});
