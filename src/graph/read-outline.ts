// Reads the outline of a graph from JSON that may be hostile.

import * as z from "zod/mini";
import { firstDifference, integer, parse } from "../check.ts";
import { RequestError } from "../errors.ts";
import { quantizers } from "../network.ts";
import { buildOutline, MAX_ELEMENTS, MAX_NODES, MAX_WEIGHTS, type OutlinePart } from "./build.ts";
import { isLinear } from "./model.ts";
import type { GraphOutline, NodeOutline } from "./outline.ts";
import { KINDS, MAX_BITS, shapeSchema, windowSchema } from "./read.ts";

const truth = z.boolean("true or false");
const base = {
  from: z.array(integer(0, MAX_NODES), "a list of values").check(z.minLength(1, "one value or two")),
  shape: shapeSchema,
  epilogue: z.strictObject({
    activationBits: integer(0, 52),
    shift: integer(-52, 52),
    quantizer: z.enum(quantizers, `one of ${quantizers.join(", ")}`),
    relu: truth,
    clamp: truth,
  }),
};
const linear = { ...base, bits: integer(0, MAX_BITS), biases: truth };
const factored = {
  ...base,
  bits: linear.bits,
  biases: z.literal(false, "false"),
  inner: integer(1, MAX_WEIGHTS),
};
const outlineSchema = z.object({
  target: z.strictObject(
    {
      input: z.strictObject({ shape: shapeSchema, activationBits: integer(0, MAX_BITS), nonnegative: truth }),
      nodes: z
        .array(
          z.discriminatedUnion(
            "kind",
            [
              z.strictObject({ kind: z.literal("dense"), ...linear }),
              z.strictObject({
                kind: z.literal("conv"),
                ...linear,
                window: windowSchema,
                groups: integer(1, MAX_ELEMENTS),
              }),
              z.strictObject({ kind: z.literal("bilinear"), ...factored }),
              z.strictObject({ kind: z.literal("product"), ...factored }),
              z.strictObject({ kind: z.literal("max-pool"), ...base, window: windowSchema }),
              z.strictObject({
                kind: z.literal("average-pool"),
                ...base,
                window: windowSchema,
                countPadding: truth,
              }),
              z.strictObject({ kind: z.literal("flatten"), ...base }),
              z.strictObject({ kind: z.literal("add"), ...base }),
            ],
            { error: `a node whose kind is ${KINDS}` },
          ),
          "a list of nodes",
        )
        .check(z.maxLength(MAX_NODES, `at most ${MAX_NODES} nodes`)),
    },
    "an object with input and nodes",
  ),
});

/**
 * The outline in an object. Nothing is allocated that its nodes ask for.
 * @throws {RequestError} For fields of another form, and where an outline does not follow from its nodes: a shape or a shift that
 * does not fit, a value that is read before it is computed, or one that nothing reads.
 */
export function readOutline(value: unknown): GraphOutline {
  const given: GraphOutline = parse(outlineSchema, { target: value }).target;
  const parts = given.nodes.map(partOf);
  const built = buildOutline(given.input, parts);
  const different = firstDifference("target", built, given);
  if (different) throw new RequestError(different.path, JSON.stringify(different.wanted), different.got);
  return built;
}

function partOf(node: NodeOutline, i: number): OutlinePart {
  const { kind, from, shape, epilogue } = node;
  const name = `target.nodes.${i}`;
  const reads = kind === "add" ? 2 : 1;
  if (from.length !== reads || from.some((read) => read > i))
    throw new RequestError(`${name}.from`, `${reads} of the values 0..${i}, which precede it`, from);
  const { shift: _, ...rounding } = epilogue;
  const layer = isLinear(node) && { bits: node.bits, biases: node.biases, outputs: shape[0] };
  return { name, from, part: { ...node, ...rounding, ...layer } as OutlinePart["part"] };
}
