// All commands, in the order of `--help`.

import { STOPPED_STATUS, type Command } from "./command.ts";

/** The commands by their names. Each loads when it is needed: loading all of them takes longer than a small task. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  solve: async () => (await import("./solve.ts")).solveCommand,
  phase: async () => (await import("./phase.ts")).phaseCommand,
  theory: async () => (await import("./theory.ts")).theoryCommand,
  required: async () => (await import("./required.ts")).requiredCommand,
  tail: async () => (await import("./tail.ts")).tailCommand,
  width: async () => (await import("./width.ts")).widthCommand,
  merge: async () => (await import("./merge.ts")).mergeCommand,
  slurm: async () => (await import("./slurm.ts")).slurmCommand,
  paper: async () => (await import("./paper.ts")).paperCommand,
  ticket: async () => (await import("./ticket.ts")).ticketCommand,
  verify: async () => (await import("./verify.ts")).verifyCommand,
  export: async () => (await import("./export.ts")).exportCommand,
  forward: async () => (await import("./forward.ts")).forwardCommand,
  approximate: async () => (await import("./approximate.ts")).approximateCommand,
  digits: async () => (await import("./digits.ts")).digitsCommand,
  devices: async () => (await import("./devices.ts")).devicesCommand,
  bench: async () => (await import("./bench.ts")).benchCommand,
};

/** The command of this name alone, or all commands where none has it. */
export async function loadCommands(name?: string): Promise<readonly Command[]> {
  if (name !== undefined && Object.hasOwn(loaders, name)) return [await loaders[name]!()];
  return Promise.all(Object.values(loaders).map((load) => load()));
}

/** What every exit status says, for help and the manual. */
export const statusTexts = [
  [0, "all that was asked is done"],
  [1, "something that was asked is not so, or could not be done"],
  [2, "the request was wrong"],
  [STOPPED_STATUS, "a signal stopped the run before its end"],
] as const;

export const environmentText =
  "EXACTA_UNCHECKED=1 makes a GPU run shaders without bounds checks on array indices: faster, with the same results.";
