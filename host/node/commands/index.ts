// All commands, in the order of `--help`.

import { approximateCommand } from "./approximate.ts";
import { benchCommand } from "./bench.ts";
import { STOPPED_STATUS, type Command } from "./command.ts";
import { devicesCommand } from "./devices.ts";
import { digitsCommand } from "./digits.ts";
import { forwardCommand } from "./forward.ts";
import { networkManual } from "./import.ts";
import { instanceManual } from "./instances.ts";
import { mergeCommand } from "./merge.ts";
import { phaseCommand } from "./phase.ts";
import { requiredCommand } from "./required.ts";
import { engineManual } from "./run.ts";
import { slurmCommand } from "./slurm.ts";
import { solveCommand } from "./solve.ts";
import { sweepManual } from "./sweep.ts";
import { tailCommand } from "./tail.ts";
import { theoryCommand } from "./theory.ts";
import { ticketCommand } from "./ticket.ts";
import { verifyCommand } from "./verify.ts";
import { widthCommand } from "./width.ts";

export const commands: readonly Command[] = [
  solveCommand,
  phaseCommand,
  theoryCommand,
  requiredCommand,
  tailCommand,
  widthCommand,
  mergeCommand,
  slurmCommand,
  ticketCommand,
  verifyCommand,
  forwardCommand,
  approximateCommand,
  digitsCommand,
  devicesCommand,
  benchCommand,
];

/** Sections of the manual that several commands refer to. */
export const topics: readonly { readonly title: string; readonly manual: string }[] = [
  { title: "Engines", manual: engineManual },
  { title: "Sweeps", manual: sweepManual },
  { title: "Random instances", manual: instanceManual },
  { title: "Networks", manual: networkManual },
];

/** What every exit status says, for help and the manual. */
export const statusTexts = [
  [0, "all that was asked is done"],
  [1, "something that was asked is not so, or could not be done"],
  [2, "the request was wrong"],
  [STOPPED_STATUS, "a signal stopped the run before its end"],
] as const;

export const environmentText =
  "EXACTA_UNCHECKED=1 makes a GPU run shaders without bounds checks on array indices: faster, with the same results.";
