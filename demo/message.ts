// Errors in the words of the page.

import { RequestError, type Spelling } from "../src/errors.ts";

/** Names the settings of the page. */
const spelling: Spelling = {
  field: (name) => name,
  option: (name, value) =>
    value === undefined || value === true ? `the ${name}` : `the ${name} ${String(value)}`,
};

/** What the page says of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof RequestError && error.field === "engine gpu") return `${whyNoGpu()}. Choose the CPU.`;
  if (error instanceof RequestError) return error.spelled(spelling);
  return error instanceof Error ? error.message : String(error);
}

/** Why there is no GPU, as a sentence without its full stop. */
export function whyNoGpu(): string {
  if (!isSecureContext) return "The page has no WebGPU, since it was not loaded over https";
  if (!("gpu" in navigator)) return "This browser has no WebGPU";
  return "WebGPU finds no adapter on this machine";
}
