// The reader of instances: three formats, any cut of the bytes, exact numbers, and an error with its line for whatever is
// malformed.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isRefusal } from "../../src/check.ts";
import type { Instance } from "../../src/problem.ts";
import { formatOf, readInstances, type Format, type ReadOptions } from "./instances.ts";

async function* streamOf(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

async function read(input: string | Uint8Array, options: ReadOptions = {}): Promise<Instance[]> {
  return Array.fromAsync(readInstances(streamOf(input), options));
}

/** What arrives, and the errors beside it. */
async function sift(input: string | Uint8Array, options: ReadOptions = {}) {
  const errors: string[] = [];
  const onMalformed = (error: Error) => {
    expect(isRefusal(error), error.message).toBe(true);
    errors.push(error.message);
  };
  return { instances: await read(input, { ...options, onMalformed }), errors };
}
