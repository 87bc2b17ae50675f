import { expect } from "vitest";

/** Matches a RequestError of exactly this message: `expect(() => read()).toThrow(refusal("items: expected ..."))`. */
export const refusal = (message: string): Error =>
  expect.objectContaining({ name: "RequestError", message }) as Error;
