// What the names of ensembles stand for, for readers of tables and reports.

import { ensembles, type Ensemble } from "../../../src/ensemble.ts";

/** What each ensemble draws, as plain text with the minus sign of a page. */
export const ensembleTexts: Record<Ensemble, string> = {
  rssp: "items drawn uniformly from −M..M without 0",
  rssp0: "items drawn uniformly from −M..M",
  rnpp: "items drawn uniformly from 1..M, each of which enters the sum with either sign",
  products: "items that are products of one factor of 1..N and one of −N..N without 0, with M = N^2",
  products0: "items that are products of one factor of 1..N and one of −N..N, with M = N^2",
};

/** A sentence for each ensemble of a table in the terminal. */
export const ensembleSentences = (used: readonly Ensemble[]): string[] =>
  ensembles
    .filter((ensemble) => used.includes(ensemble))
    .map((ensemble) => `${ensemble}: ${ensembleTexts[ensemble].replaceAll("−", "-")}.`);
