// All commands, in the order of `--help`.

import { benchCommand } from "./bench.ts";
import type { Command } from "./command.ts";
import { devicesCommand } from "./devices.ts";
import { digitsCommand } from "./digits.ts";
import { forwardCommand } from "./forward.ts";
import { networkManual } from "./import.ts";
import { instanceManual } from "./instances.ts";
import { phaseCommand } from "./phase.ts";
import { requiredCommand } from "./required.ts";
import { engineManual } from "./run.ts";
import { solveCommand } from "./solve.ts";
import { theoryCommand } from "./theory.ts";
import { ticketCommand } from "./ticket.ts";
import { verifyCommand } from "./verify.ts";
import { widthCommand } from "./width.ts";

export const commands: readonly Command[] = [
  solveCommand,
  phaseCommand,
  theoryCommand,
  requiredCommand,
  widthCommand,
  ticketCommand,
  verifyCommand,
  forwardCommand,
  digitsCommand,
  devicesCommand,
  benchCommand,
];

/** Sections of the manual that several commands refer to. */
export const topics: readonly { readonly title: string; readonly manual: string }[] = [
  { title: "Engines", manual: engineManual },
  { title: "Random instances", manual: instanceManual },
  { title: "Networks", manual: networkManual },
];

/** What every exit status says, for help and the manual. */
export const statusTexts = [
  [0, "done"],
  [1, "the answer is no or the computation failed"],
  [2, "the request was wrong"],
] as const;

export const environmentText =
  "EXACTA_UNCHECKED=1 makes a GPU run shaders without bounds checks on array indices: faster, with the same results.";
