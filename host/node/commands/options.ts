// Options that several commands share and that need no code of their own.

import { flag, value } from "./command.ts";

export const jsonOption = { json: flag("print findings as JSON Lines instead of text") };

export const outputOptions = {
  ...jsonOption,
  progress: value(
    "form",
    "auto, a bar on a terminal and lines elsewhere; json, all of stderr as JSON Lines",
    "auto",
  ),
  quiet: flag("print neither progress nor a summary, and keep GPU drivers from printing"),
};

export const seedOption = { seed: value("number", "an integer of 64 bits", "1") };

export const theoremOption = {
  theorem: value("number", "1: twice as many layers; 2: one layer more, with copies of neurons", "1"),
};

export const sparseOption = { sparse: flag("keep the smallest subsets") };

/** How the weights of a random network are drawn. */
export const randomWeightOptions = {
  initialBits: value("k", "bits of the random weights as drawn", "--bits"),
  zero: flag("let random weights be 0"),
};

export const adapterOption = {
  adapter: value(
    "name",
    "the GPU with this part of a name, or with this number in exacta devices",
    "the fastest, as its driver says",
  ),
};
