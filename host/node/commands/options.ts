// Options that several commands share and that need no code of their own.

import { flag, value } from "./command.ts";

export const jsonOption = { json: flag("print findings as JSON Lines instead of text") };

export const outputOptions = { ...jsonOption, quiet: flag("print neither progress nor a summary") };

export const seedOption = { seed: value("number", "an integer of 64 bits", "1") };

export const theoremOption = {
  theorem: value("number", "1: twice as many layers; 2: one layer more, with copies of neurons", "1"),
};

/** How the weights of a random network are drawn. */
export const randomWeightOptions = {
  initialBits: value("k", "bits of the random weights as drawn", "--bits"),
  zero: flag("let random weights be 0"),
};
