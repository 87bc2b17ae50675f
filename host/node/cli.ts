#!/usr/bin/env node
// The command line: results go to stdout, everything else to stderr. Exit status: 0 done, 1 the answer is no or the
// computation failed, 2 the request was wrong.

import { Command, CommanderError } from "commander";
import { expected, RequestError, type Spelling } from "../../src/errors.ts";
import { version } from "../../package.json";
import { ensembles } from "../../src/ensemble.ts";
import { kernelNames } from "../../src/kernels/index.ts";
import { quantizers } from "../../src/network.ts";
import { answerNames, methods } from "../../src/solve/problem.ts";
import { passes } from "../../src/ticket/passes.ts";
import { poolings } from "../../src/ticket/scheme.ts";
import { engines } from "../runner.ts";
import { runBench, sectionNames, type BenchArguments } from "./bench/index.ts";
import { measured } from "./bench/context.ts";
import { calmPolling } from "./platform/dawn.ts";
import { runDevices } from "./commands/devices.ts";
import { runDigits, type DigitsArguments } from "./commands/digits.ts";
import { runForward, type ForwardArguments } from "./commands/forward.ts";
import { formats } from "./formats/instances.ts";
import { runRequired, type RequiredArguments } from "./commands/required.ts";
import { runSolve, type SolveArguments } from "./commands/solve.ts";
import { runTheory, type TheoryArguments } from "./commands/theory.ts";
import { runTicket, runVerify, type TicketArguments, type VerifyArguments } from "./commands/ticket.ts";
import { runPhase, type PhaseArguments } from "./commands/phase.ts";
import { runWidth, type WidthArguments } from "./commands/width.ts";

const COMMANDS = "solve, ticket, verify, forward, phase, theory, required, width, digits, devices or bench";
const ENVIRONMENT_HELP = `
Environment: EXACTA_UNCHECKED=1 has a GPU run shaders without comparing indices with lengths: faster, the same results.`;
const EXIT_HELP = `
Exit status: 0 done, 1 the answer is no or the computation failed, 2 the request was wrong.`;

const SOLVE_HELP = `
Formats:
  jsonl   {"items": [3, 5, -8], "target": 10, "id": "any"}, or "targets": [10, 11]
  text    3 5 -8 : 10 11
  csv     a header with target or targets, id, and items or a column for each item`;

async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  const command = ["exacta", ...argv].join(" ");
  const program = new Command("exacta")
    .description(
      "The laboratory for exact lottery tickets: quantized random subset sums, the same bits on every engine.",
    )
    .version(version)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(false)
    .addHelpText("after", ENVIRONMENT_HELP + EXIT_HELP);

  const instances = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option("--ensemble <name>", `${ensembles.join(", ")} (default: rssp)`)
      .option("--bits <list>", "k, half range 2^k, for products 4^k: 6 or 4,6,8 or 4..10 (default: 4,6,8,10)")
      .option("--half-range <list>", "M, targets are -M..M, instead of --bits")
      .option("--items <range>", "n or A..B, 0..64 (default: 1 to log2 M + 14)")
      .option("--targets <list>", "all, or integers such as 0,1,64 (default: 1 and M; 0 and 1 for rnpp)");

  program
    .command("solve")
    .argument("<file>", "instances, one a line, as JSON Lines, text or CSV; - reads standard input")
    .description("which sums given instances reach, in how many ways, and by which items")
    .option("--ask <list>", `${answerNames.join(", ")} (default: all that the size of an instance allows)`)
    .option("--size <number>", "only index sets of so many items")
    .option("--tolerance <number>", "sums may differ from the target by so much; the nearest is the best")
    .option("--at-most", "the best sum is the greatest one that is not above the target")
    .option("--partition", "two groups as equal as can be, instead of a target")
    .option("--method <name>", `${methods.join(", ")} (default: the cheapest for each instance)`)
    .option("--input <format>", `${formats.join(", ")} (default: by the file's name, or by its first line)`)
    .option("--keep-going", "leave out lines that are malformed or cannot be solved, and count them")
    .option("--engine <name>", `${engines.join(", ")} (default: auto)`)
    .option("--threads <number>", "threads of the CPU engine (default: all)")
    .option("--out <folder>", "where solutions.jsonl or solutions.csv goes as well (default: none)")
    .option("--csv", "CSV instead of JSON Lines")
    .option("--json", "one finding a line, as without it")
    .option("--quiet", "no progress and no summary")
    .addHelpText("after", SOLVE_HELP)
    .action(async (file: string, args: SolveArguments) => {
      status = await runSolve(file, args);
    });

  instances("phase", "how often a random instance reaches its targets, against the number of items")
    .option(
      "--trials <number>",
      "1e6 and 1_000_000 both read; all counts every instance once (default: 1e6, 1e7 for the bare command)",
    )
    .option("--seed <number>", "an integer of 64 bits (default: 1)")
    .option("--engine <name>", `${engines.join(", ")} (default: auto)`)
    .option("--threads <number>", "threads of the CPU engine (default: all)")
    .option(
      "--out <folder>",
      "where results.jsonl, results.csv and report.html go (default: results; none with --json)",
    )
    .option("--check", "hold the numbers against theory; exit status 1 where they break a proven bound")
    .option(
      "--tolerance <number>",
      "how far a prediction may be off before --check mentions it (default: 0.02)",
    )
    .option("--json", "one finding a line on stdout instead of a table")
    .option("--quiet", "no progress")
    .action(async (args: PhaseArguments) => {
      status = await runPhase(args, command);
    });

  instances("theory", "exact moments, proven bounds and limit laws, without simulation")
    .option("--json", "one finding a line instead of a table")
    .action(async (args: TheoryArguments) => {
      status = await runTheory(args);
    });

  program
    .command("required")
    .description(
      "how many items the worst target needs: uniform, products, and products rejected to their support",
    )
    .option("--bits <list>", "k, M = 2^k, 0..12; products where k is even (default: 2,4,6,8,10)")
    .option("--failure <list>", "how often the worst target may be missed (default: 0.5,0.1,0.01,0.001)")
    .option("--trials <number>", "trials of each row (default: 1e6, or 100 over the smallest failure)")
    .option("--seed <number>", "an integer of 64 bits (default: 1)")
    .option("--engine <name>", `${engines.join(", ")} (default: auto)`)
    .option("--threads <number>", "threads of the CPU engine (default: all)")
    .option("--json", "one finding a line on stdout instead of a table")
    .option("--quiet", "no progress")
    .action(async (args: RequiredArguments) => {
      status = await runRequired(args);
    });

  program
    .command("width")
    .description("how many hidden units an input needs until a random network contains random layers")
    .option("--bits <list>", "k, bits of the random weights, reduced, 0..8 (default: 1..4)")
    .option("--target-bits <list>", "k_t, bits of the layers' weights (default: 2 k)")
    .option("--width <list>", "d, inputs and outputs of a layer, 1..64 (default: 1,4,8)")
    .option("--depth <list>", "l, layers in a row, 1..16 (default: 1)")
    .option("--initial-bits <k>", "bits of the random weights as drawn (default: --bits)")
    .option("--weight-quantizer <list>", `${quantizers.join(", ")}: how they are reduced (default: away)`)
    .option("--zero", "random weights may be 0")
    .option("--max-units <number>", "the most hidden units of an input (default: enough, by theory)")
    .option("--trials <number>", "networks for each curve (default: 500)")
    .option("--seed <number>", "an integer of 64 bits (default: 1)")
    .option("--engine <name>", `${engines.join(", ")} (default: auto)`)
    .option("--threads <number>", "threads of the CPU engine (default: all)")
    .option("--out <folder>", "where results.jsonl, results.csv and report.html go (default: none)")
    .option("--json", "one finding a line on stdout instead of a table")
    .option("--quiet", "no progress")
    .action(async (args: WidthArguments) => {
      status = await runWidth(args, command);
    });

  imported(
    program
      .command("ticket")
      .argument("<network>", "JSON, safetensors or ONNX")
      .description("prunes a random network until it equals a network on every input")
      .requiredOption("--out <file>", "the ticket, a safetensors file: a seed and masks"),
  )
    .option("--theorem <number>", "1: twice as many layers; 2: one more, with copies (default: 1)")
    .option("--bits <k>", "bits of the random weights, reduced (default: the fewest that serve)")
    .option("--initial-bits <k>", "bits of the random weights as drawn (default: --bits)")
    .option("--weight-quantizer <name>", `${quantizers.join(", ")}: how they are reduced (default: away)`)
    .option("--zero", "random weights may be 0")
    .option(
      "--pools <name>",
      `${poolings.join(", ")}: which hidden units serve which inputs (default: shared)`,
    )
    .option("--support", "use products of two weights only as far as that makes them uniform")
    .option("--units <list>", "hidden units of each input, for every layer (default: auto, by theory)")
    .option("--copies <list>", "copies of each neuron, theorem 2 (default: auto, by theory)")
    .option("--failure <number>", "how often auto may be too few, by theory (default: 0.01)")
    .option("--seed <number>", "an integer of 64 bits (default: 1)")
    .option("--attempts <number>", "seeds that are tried, one after the other (default: 1)")
    .option("--sparse", "keep the smallest subsets")
    .option("--engine <name>", `${engines.join(", ")} (default: auto)`)
    .option("--threads <number>", "threads of the CPU engine (default: all)")
    .option("--json", "a finding as one line")
    .option("--quiet", "no progress")
    .action(async (network: string, args: TicketArguments) => {
      status = await runTicket(network, args);
    });

  imported(
    program
      .command("verify")
      .argument("<ticket>", "a file of exacta ticket")
      .description("draws a ticket's network again from its seed and checks every weight")
      .option("--network <file>", "the network that it must equal (default: the one that the ticket names)"),
    "the ticket's",
  )
    .option("--json", "a finding as one line")
    .action(async (ticket: string, args: VerifyArguments) => {
      status = await runVerify(ticket, args);
    });

  imported(
    program
      .command("forward")
      .argument("<file>", "a network as JSON, safetensors or ONNX, or a file of exacta ticket")
      .description("what a network, or the pruned network of a ticket, makes of inputs"),
  )
    .requiredOption("--inputs <file>", "integers, a row for each input: .npy, or text such as CSV")
    .option("--out <file>", "where outputs go, a row for each input: .npy or .csv (default: CSV on stdout)")
    .option(
      "--pass <name>",
      `${passes.join(", ")}: every kept hidden unit of a ticket, or its weights summed up before (default: collapsed)`,
    )
    .option("--argmax", "instead of outputs the place of the largest, from 0, of equals the first")
    .option("--engine <name>", `${engines.join(", ")} (default: auto)`)
    .option("--threads <number>", "threads of the CPU engine (default: all)")
    .option("--json", "a finding as one line, with a digest of the outputs, instead of them")
    .option("--quiet", "no progress and no summary")
    .action(async (file: string, args: ForwardArguments) => {
      status = await runForward(file, args);
    });

  program
    .command("digits")
    .description(
      "prunes a random network to one that reads handwritten digits, and has both read test images",
    )
    .option("--theorem <number>", "1: twice as many layers; 2: one more, with copies (default: 1)")
    .option("--target-bits <k>", "bits of the network's weights, 1..8 (default: 4)")
    .option("--seed <number>", "an integer of 64 bits (default: 1)")
    .option("--engine <name>", `${engines.join(", ")} (default: auto)`)
    .option("--threads <number>", "threads of the CPU engine (default: all)")
    .option("--out <folder>", "where the ticket and digits.html go (default: results; none with --json)")
    .option("--json", "a finding as one line")
    .option("--quiet", "no progress")
    .action(async (args: DigitsArguments) => {
      status = await runDigits(args, command);
    });

  program
    .command("devices")
    .description("adapters, limits, features, and which engine auto takes and why")
    .option("--json", "as one line of JSON")
    .option("--tune", "measures anew which variants of the kernel on trials serve which sizes best")
    .action(async (args: { json?: boolean; tune?: boolean }) => {
      status = await runDevices(args);
    });

  program
    .command("bench")
    .description(
      "how fast kernels are on every engine of this machine, beside the most it gives and other languages",
    )
    .option("--only <list>", `${sectionNames.join(", ")} (default: all)`)
    .option("--kernels <list>", `of the section kernels, ${kernelNames.join(", ")} (default: all)`)
    .option("--engine <list>", `${measured.join(", ")} (default: all there are)`)
    .option("--rounds <number>", "rounds of every comparison (default: until medians are known to 2 %)")
    .option("--seconds <number>", "after which a comparison ends, however well they are known (default: 2)")
    .option("--out <folder>", "where the rows go as well, as JSON Lines (default: none)")
    .option("--compare <file>", "rows of an earlier run; exit status 1 where kernels answered otherwise")
    .option("--python <command>", "the CPython to measure against (default: python3 where there is one)")
    .option("--cc <command>", "the C compiler of AVX2 programs to measure against (default: cc likewise)")
    .option("--json", "one row a line as JSON")
    .option("--quiet", "no progress")
    .action(async (args: BenchArguments) => {
      status = await runBench(args);
    });

  if (argv.length === 0) {
    program.outputHelp();
    return 0;
  }
  await program.parseAsync(argv, { from: "user" });
  return status;
}

/** Options for what the file of a network may leave open, with the defaults that they have `otherwise`. */
function imported(command: Command, otherwise?: string): Command {
  return command
    .option(
      "--target-bits <k>",
      `bits of the network's weights (default: ${otherwise ?? "8, or those of integers"})`,
    )
    .option("--activation-bits <m>", `bits of its inputs and activations (default: ${otherwise ?? "8"})`)
    .option(
      "--quantizer <name>",
      `${quantizers.join(", ")}: behind every layer (default: ${otherwise ?? "floor"})`,
    )
    .option("--clamp", "hold activations within -1..1")
    .option("--input-scale <number>", "the real input that is 1 to the network (default: 1)");
}

/** Commander's refusals in the project's own format. */
function explain(error: CommanderError, argv: readonly string[]): string {
  const [command = ""] = argv;
  const help = `run exacta ${COMMANDS.split(/, | or /).includes(command) ? `${command} ` : ""}--help`;
  const named = /'([^']+)'/.exec(error.message)?.[1] ?? argv.join(" ");
  switch (error.code) {
    case "commander.unknownOption":
      return expected("option", "one that --help lists", named, help);
    case "commander.unknownCommand":
      return expected("command", COMMANDS, named, help);
    case "commander.help":
      return expected("command", COMMANDS, argv.slice(1).join(" "), help);
    case "commander.excessArguments":
      return expected(
        "arguments",
        ["solve", "ticket", "verify", "forward"].includes(command) ? "one file" : "options only",
        argv.slice(1).join(" "),
        help,
      );
    case "commander.missingArgument":
      return expected(
        named,
        command === "solve" ? "a file, or - for standard input" : "a file",
        undefined,
        help,
      );
    case "commander.missingMandatoryOptionValue":
    case "commander.optionMissingArgument":
      return expected(named.replace(/ .*/, ""), "a value", undefined, help);
    default:
      return `${error.message.replace(/^error: /, "")}; ${help}`;
  }
}

/** The command line's names of fields and options: --kebab-case where the library has camelCase. */
const commandLineSpelling: Spelling = {
  field: (name) =>
    name.replace(/^failures\.\d+$/, "failure").replace(/^[a-z]+[A-Z][a-zA-Z]*(?=(\.\d+)*$)/, kebab),
  option: (name, value) => [`--${kebab(name)}`, ...(value === undefined ? [] : [value])].join(" "),
};

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

calmPolling();
const argv = process.argv.slice(2);
// A reader such as head may leave when it has seen enough; what else was asked for is still done.
let unwritable = false;
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  if (code === "EPIPE" || unwritable) return;
  unwritable = true;
  process.stderr.write(`${expected("stdout", "room for what is printed", code)}\n`);
});
try {
  const status = await main(argv);
  process.exitCode = unwritable ? 1 : status;
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    if (process.exitCode !== 0) process.stderr.write(`${explain(error, argv)}\n`);
  } else if (error instanceof RequestError) {
    process.exitCode = 2;
    process.stderr.write(`${error.spelled(commandLineSpelling)}\n`);
  } else {
    process.exitCode = 1;
    // A full disk, say, is no fault of the program; where one is, its place matters.
    const isSystem = error instanceof Error && "syscall" in error;
    process.stderr.write(
      `${isSystem ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
  }
}
