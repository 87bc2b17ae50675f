import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../errors.ts";
import { quantizers, type Outline } from "../network.ts";
import { decodeTicket, encodeTicket } from "./file.ts";
import { outlineOfGraph } from "../graph/outline.ts";
import { readGraph } from "../graph/read.ts";
import { layersOf, weightCount, type GraphScheme, type Scheme } from "./scheme.ts";
import type { GraphTicket, Ticket } from "./ticket.ts";

const digest = "0123456789abcdef".repeat(4);
const one: Scheme = {
  theorem: 1,
  initialBits: 4,
  bits: 2,
  weightQuantizer: "away",
  zero: true,
  pools: "shared",
  support: false,
  units: [5, 3],
  copies: [],
};
const two: Scheme = { ...one, theorem: 2, zero: false, units: [5], copies: [3] };

/** Whether the simple rule of ticketOf keeps a place. */
const ruled = (place: number, layer: number, salt: number) => ((place * 5 + layer * 3 + salt) % 7) & 1;

/** A ticket with masks by a simple rule. */
function ticketOf(scheme: Scheme, widths: readonly number[], salt = 1, seed = 7n): Ticket {
  const masks = layersOf(widths, 2, scheme).map((layer, l) => {
    const mask = new Uint8Array(Math.ceil(weightCount(layer) / 8));
    for (let p = 0; p < weightCount(layer); p++) mask[p >> 3]! += ruled(p, l, salt) * 2 ** (p & 7);
    return mask;
  });
  const target: Outline = {
    widths,
    bits: 2,
    quantizer: "truncate",
    activationBits: 8,
    clamp: false,
    constant: false,
  };
  return { scheme, seed, target, masks };
}

/** The parts of a file, read without the decoder. */
function partsOf(bytes: Uint8Array<ArrayBuffer>) {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return { header: new TextDecoder().decode(bytes.subarray(8, 8 + length)), data: bytes.slice(8 + length) };
}

/** A file of a header and data; the length is that of the header unless it is given. */
function fileOf(header: string | Uint8Array, data: Uint8Array, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** What decoding refuses a file for, or throws otherwise. */
function refusalOf(bytes: Uint8Array): string {
  try {
    decodeTicket(bytes);
  } catch (error) {
    if (error instanceof RequestError) return `${error.name}: ${error.message}`;
    throw error;
  }
  return "none";
}

const sample = ticketOf(two, [2, 3, 1]);
const file = encodeTicket(sample, digest);
const { header, data } = partsOf(file);

test("A ticket file is that of its format version, byte for byte", () => {
  expect(header).toBe(
    `{"__metadata__":{"format":"exacta.ticket","version":"1","seed":"7","widths":"[2,3,1]","targetBits":"2",` +
      `"quantizer":"truncate","activationBits":"8","clamp":"false","constant":"false",` +
      `"theorem":"2","initialBits":"4","bits":"2","weightQuantizer":"away","zero":"false",` +
      `"pools":"shared","support":"false","units":"[5]","copies":"[3]","targetDigest":"${digest}"},` +
      `"mask.0":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},` +
      `"mask.1":{"dtype":"U8","shape":[12],"data_offsets":[2,14]},` +
      `"mask.2":{"dtype":"U8","shape":[2],"data_offsets":[14,16]}}     `,
  );
  expect(Array.from(file.subarray(0, 8))).toEqual([
    header.length & 255,
    header.length >> 8,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  expect(file).toHaveLength(8 + header.length + 16);
});

test("A ticket file is a safetensors file with one bit for each weight of a mask", () => {
  const big = ticketOf({ ...one, units: [9, 4, 2] }, [3, 4, 5, 2], 4, 2n ** 64n - 1n);
  const parts = partsOf(encodeTicket(big, digest));
  expect(parts.header.length % 8).toBe(0);
  const { __metadata__: metadata, ...tensors } = JSON.parse(parts.header);
  expect(Object.values(metadata).filter((value) => typeof value !== "string")).toEqual([]);
  expect(metadata).toMatchObject({ seed: "18446744073709551615", zero: "true", copies: "[]" });
  let end = 0;
  layersOf([3, 4, 5, 2], 2, big.scheme).forEach((layer, l) => {
    const places = weightCount(layer);
    const { dtype, shape, data_offsets: offsets } = tensors[`mask.${l}`];
    expect([dtype, shape[0]]).toEqual(["U8", Math.ceil(places / 8)]);
    expect(offsets).toEqual([end, end + shape[0]]);
    const bits = Array.from(parts.data.slice(...offsets)).flatMap((byte) =>
      [1, 2, 4, 8, 16, 32, 64, 128].map((unit) => Number((byte & unit) > 0)),
    );
    expect(bits.slice(0, places)).toEqual(Array.from({ length: places }, (_, p) => ruled(p, l, 4)));
    expect(bits.slice(places)).not.toContain(1);
    end = offsets[1];
  });
  expect([Object.keys(tensors).length, parts.data.length]).toEqual([big.masks.length, end]);
});

test("Every ticket is read back from any offset in a buffer and is always written as the same bytes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 }),
      fc.constantFrom(1, 2),
      fc.constantFrom(...quantizers),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 4 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.nat(),
      (widths, theorem, weightQuantizer, zero, halves, support, counts, seed, salt) => {
        const depth = widths.length - 1;
        const scheme = {
          ...one,
          theorem: theorem as 1 | 2,
          weightQuantizer,
          zero,
          pools: halves ? ("halves" as const) : ("shared" as const),
          support,
          units: counts.slice(0, theorem === 1 ? depth : 1).map((count) => (halves ? 2 * count : count)),
          copies: theorem === 1 ? [] : counts.slice(0, depth - 1),
        };
        const ticket = ticketOf(scheme, widths, salt, seed);
        const bytes = encodeTicket(ticket, digest);
        const shifted = new Uint8Array(bytes.length + 7).fill(255);
        shifted.set(bytes, 3);
        const decoded = decodeTicket(shifted.subarray(3, 3 + bytes.length));
        expect(decoded).toEqual({ ticket, digest });
        const { copies, ...rest } = scheme;
        const again = { ...ticket, ...decoded.ticket, scheme: { copies, ...rest } } as Ticket;
        expect(Buffer.compare(encodeTicket(again, digest), bytes)).toBe(0);
        // Masks take no memory of their own.
        for (const mask of decoded.ticket.masks) expect(mask.buffer).toBe(shifted.buffer);
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});

test("The largest number of layers fits into a header", { tags: ["wide"] }, () => {
  const widths = Array.from({ length: 1001 }, () => 1);
  const scheme = { ...one, units: Array.from({ length: 1000 }, () => 10_000) };
  const masks = layersOf(widths, 2, scheme).map((layer) => new Uint8Array(Math.ceil(weightCount(layer) / 8)));
  const bytes = encodeTicket({ ...sample, scheme, target: { ...sample.target, widths }, masks }, digest);
  expect(partsOf(bytes).header.length).toBeLessThan(2 ** 20);
  expect(decodeTicket(bytes).ticket.masks).toHaveLength(2000);
});

test.each<[string, Partial<Ticket>, string, string]>([
  ["too few masks", { masks: [] }, digest, "masks: expected 3, got 0"],
  [
    "a mask of another layer",
    { masks: sample.masks.with(1, new Uint8Array(11)) },
    digest,
    "mask.1: expected 12 bytes for 90 weights, got 11",
  ],
  [
    "a mask with bits behind its last place",
    { masks: sample.masks.with(0, sample.masks[0]!.with(1, 128)) },
    digest,
    "mask.0, unused bits: expected 0, got 32",
  ],
  [
    "a seed beyond 64 bits",
    { seed: 2n ** 64n },
    digest,
    "seed: expected an integer in 0..18446744073709551615",
  ],
  [
    "no layer",
    { target: { ...sample.target, widths: [3] } },
    digest,
    "widths: expected inputs and outputs, got [3]",
  ],
  [
    "another scheme",
    { scheme: { ...two, copies: [] } },
    digest,
    "copies: expected 1 numbers for theorem 2 and 2 layers",
  ],
  ["no digest", {}, digest.toUpperCase(), "targetDigest: expected 64 digits of 0-9 and a-f, got "],
])("A ticket with %s is refused before it is written", (_, change, its, message) => {
  const encode = () => encodeTicket({ ...sample, ...change }, its);
  expect(encode).toThrow(message);
});

describe("Damaged ticket file", () => {
  test("A ticket file that is cut off at any length is refused", () => {
    for (let length = 0; length < file.length; length++)
      expect([length, refusalOf(file.subarray(0, length))]).toEqual([
        length,
        expect.stringMatching(
          length < 8 ? /^RequestError: file: / : length < 8 + header.length ? /: header: / : /: data: /,
        ),
      ]);
  });

  test(
    "A ticket file with one byte changed to any other, or in the header to one of 18, and of 35 where a digit stands, is refused or is the file of another ticket",
    { tags: ["wide"] },
    () => {
      let tickets = 0;
      const wrong: string[] = [];
      const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      // In the header: some letters and digits, the punctuation of JSON, and bytes that the header never has; and hexadecimal
      // digits and blanks as well where one of those stands.
      const few = Buffer.from('0axE"\\,:[]{}-.\0\x80\xc3\xff', "latin1");
      const many = Buffer.from('0123456789abcdefglxAEF"\\,:[]{}+-. \t\0\x7f\x80\xc3\xff', "latin1");
      const bytesAt = (at: number) => {
        if (at < 8 || at >= 8 + header.length) return all;
        return /[0-9a-f ]/.test(header[at - 8]!) ? many : few;
      };
      for (let at = 0; at < file.length; at++)
        for (const byte of bytesAt(at)) {
          if (byte === file[at]) continue;
          const bytes = file.with(at, byte);
          if (refusalOf(bytes) !== "none") continue;
          const { ticket, digest: its } = decodeTicket(bytes);
          if (Buffer.compare(encodeTicket(ticket, its), bytes) !== 0) wrong.push(`${at}: ${bytes[at]}`);
          tickets++;
        }
      expect(wrong).toEqual([]);
      // 13 bytes of masks are full, and three have 2, 2 and 1 bits. There are 64 digits in the digest and one in the seed, and
      // activationBits may be 0..9, initialBits 2..9, bits 0 and 2..4, targetBits 0..2.
      expect(tickets).toBe(13 * 255 + 3 + 3 + 1 + 64 * 15 + 9 + 9 + 7 + 3 + 2);
    },
  );

  test("A damaged ticket file never causes an error of another kind", () => {
    const pieces = [
      '"mask.0"',
      "[",
      "]",
      "{",
      "}",
      ":",
      ",",
      "-1",
      "1e99",
      "null",
      '"',
      "\\u0000",
      " ",
      "[2]",
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: header.length }), fc.nat({ max: 30 }), fc.constantFrom(...pieces)), {
          minLength: 1,
          maxLength: 4,
        }),
        (edits) => {
          let text = header;
          for (const [at, length, piece] of edits) text = text.slice(0, at) + piece + text.slice(at + length);
          const bytes = fileOf(text, data);
          if (refusalOf(bytes) === "none") {
            const { ticket, digest: its } = decodeTicket(bytes);
            expect(Buffer.compare(encodeTicket(ticket, its), bytes)).toBe(0);
          }
        },
      ),
      { seed: 11, numRuns: 3000 },
    );
  });
});

describe("Hostile ticket file", () => {
  /** The sample with something in its header replaced; the length of the header stays a multiple of 8. */
  const edited = (from: string, to: string, its = data) => {
    expect(header).toContain(from);
    const text = header.replace(from, to).trimEnd();
    return fileOf(text.padEnd(Math.ceil(text.length / 8) * 8), its);
  };
  const none = new Uint8Array();
  const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

  test.each<[string, Uint8Array, string]>([
    ["nothing", none, "RequestError: file: expected at least 8 bytes, got 0"],
    ["a header of 2^40 bytes", fileOf(header, data, 2n ** 40n), "at most 1048576 bytes"],
    ["a header of 2^64 - 1 bytes", fileOf(header, data, 2n ** 64n - 1n), "got 18446744073709551615"],
    ["a header just too long", fileOf(" ".repeat(2 ** 20 + 1), none), "got 1048577"],
    [
      "a header beyond the file",
      fileOf("{}", none, 3n),
      "header: expected 3 bytes before the end of the file, got 2",
    ],
    ["an empty header", fileOf("", data), 'RequestError: header: expected JSON, got ""'],
    ["no JSON", fileOf("{'a': 1}", data), "RequestError: header: expected JSON, got "],
    [
      "no UTF-8",
      fileOf(Uint8Array.of(0x22, 0xff, 0x22), data),
      "RequestError: header, byte 1: expected ASCII, as in an exacta ticket, got 255",
    ],
    ["beyond ASCII", edited("away", "äway"), "expected ASCII"],
    ["a list", fileOf("[]", data), "RequestError: header: expected an object, got []"],
    ["null", fileOf("null", data), "RequestError: header: expected an object, got null"],
    ["a number", fileOf("7", data), "RequestError: header: expected an object, got 7"],
    [
      "a deep header",
      fileOf(deep(2 ** 19), none),
      "RequestError: header: expected JSON at most 3 deep, got ",
    ],
    [
      "a deep tensor",
      edited("[0,2]", deep(9000)),
      "RequestError: header: expected JSON at most 3 deep, got ",
    ],
    [
      "a deep field",
      edited('"[5]"', `"${deep(9000)}"`),
      "RequestError: units: expected JSON at most 1 deep, got ",
    ],

    [
      "a foreign file",
      fileOf('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', new Uint8Array(4)),
      "RequestError: file: expected an exacta ticket, got nothing",
    ],
    [
      "a foreign format",
      edited("exacta.ticket", "pt"),
      'RequestError: file: expected an exacta ticket, got "pt"',
    ],
    [
      "metadata that is a list",
      fileOf('{"__metadata__":[]}', none),
      "file: expected an exacta ticket, got nothing",
    ],
    [
      "another version",
      edited('"version":"1"', '"version":"3"'),
      'RequestError: version: expected 1 or 2, got "3"',
    ],
    [
      "metadata that is no text",
      edited('"seed":"7"', '"seed":7'),
      "RequestError: seed: expected a text, got 7",
    ],

    ["a dtype", edited("U8", "I8"), 'RequestError: header.mask.0.dtype: expected "U8", got "I8"'],
    [
      "a negative shape",
      edited('"shape":[2]', '"shape":[-2]'),
      "RequestError: header.mask.0.shape: expected [2], got [-2]",
    ],
    [
      "a fractional shape",
      edited('"shape":[2]', '"shape":[2.5]'),
      "header.mask.0.shape: expected [2], got [2.5]",
    ],
    [
      "an absurd shape",
      edited('"shape":[2]', '"shape":[1e300]'),
      "header.mask.0.shape: expected [2], got [1e+300]",
    ],
    ["another rank", edited('"shape":[2]', '"shape":[2,1]'), "header.mask.0.shape: expected [2], got [2,1]"],
    [
      "a shape that is none",
      edited('"shape":[2]', '"shape":"[2]"'),
      'header.mask.0.shape: expected [2], got "[2]"',
    ],
    ["no shape", edited('"shape":[2],', ""), "header.mask.0.shape: expected [2], got nothing"],
    ["a number in another form", edited('"shape":[2]', '"shape":[2.0]'), "RequestError: header, byte "],
    ["a field of a tensor", edited('"dtype"', '"x":1,"dtype"'), "header.mask.0.x: expected nothing, got 1"],
    [
      "a tensor that is none",
      edited('{"dtype":"U8","shape":[2],"data_offsets":[0,2]}', "null"),
      "header.mask.0: expected {",
    ],
    [
      "offsets that overlap",
      edited("[2,14]", "[1,13]"),
      "header.mask.1.data_offsets: expected [2,14], got [1,13]",
    ],
    ["a gap", edited("[14,16]", "[15,17]"), "header.mask.2.data_offsets: expected [14,16], got [15,17]"],
    [
      "offsets beyond the file",
      edited("[14,16]", "[14,1e15]"),
      "header.mask.2.data_offsets: expected [14,16]",
    ],
    ["negative offsets", edited("[0,2]", "[-2,0]"), "header.mask.0.data_offsets: expected [0,2], got [-2,0]"],
    [
      "offsets of another shape",
      edited("[14,16]", "[14,15]"),
      "header.mask.2.data_offsets: expected [14,16]",
    ],
    [
      "a missing tensor",
      edited(',"mask.2":{"dtype":"U8","shape":[2],"data_offsets":[14,16]}', ""),
      'header.mask.2: expected {"dtype":"U8","shape":[2],"data_offsets":[14,16]}, got nothing',
    ],
    [
      "a tensor too many",
      edited('"mask.0"', '"mask.3":{"dtype":"U8","shape":[0],"data_offsets":[16,16]},"mask.0"'),
      "header.mask.3: expected nothing, got ",
    ],
    ["a tensor of another name", edited('"mask.0"', '"mask.00"'), "header.mask.0: expected {"],
    [
      "a tensor twice",
      edited('"mask.0"', '"mask.0":{"dtype":"F64","shape":[9],"data_offsets":[0,72]},"mask.0"'),
      "RequestError: header, byte ",
    ],
    [
      "a tensor twice, in disguise",
      edited('"mask.0"', '"mask.0":7,"\\u006dask.0"'),
      "RequestError: header, byte ",
    ],
    [
      "a tensor twice, alike",
      edited('"mask.1"', '"mask.0":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"mask.1"'),
      'as encodeTicket writes it, got "0',
    ],
    [
      "metadata twice",
      edited('"__metadata__"', '"__metadata__":{"format":"pt"},"__metadata__"'),
      "RequestError: header, byte ",
    ],
    ["a prototype", edited('"mask.0"', '"__proto__":{},"mask.0"'), "RequestError: header, byte "],
    ["a prototype of metadata", edited('"seed"', '"__proto__":"x","seed"'), "RequestError: header"],
    [
      "tensors in another order",
      edited('"theorem":"2","initialBits":"4"', '"initialBits":"4","theorem":"2"'),
      "RequestError: header, byte ",
    ],
    ["blanks", edited('"mask.0":', '"mask.0": '), "RequestError: header, byte "],
    ["no alignment", fileOf(header.trimEnd(), data), "RequestError: header, byte "],
    [
      "too much alignment",
      fileOf(`${header}        `, data),
      "expected its end, as encodeTicket writes it, got ",
    ],

    [
      "no seed",
      edited('"seed":"7",', ""),
      "seed: expected an integer in 0..18446744073709551615, got nothing",
    ],
    [
      "a seed beyond 64 bits",
      edited('"seed":"7"', '"seed":"18446744073709551616"'),
      "RequestError: seed: expected an integer in 0..",
    ],
    [
      "a negative seed",
      edited('"seed":"7"', '"seed":"-7"'),
      "seed: expected an integer in 0..18446744073709551615, got -7",
    ],
    [
      "a seed in another form",
      edited('"seed":"7"', '"seed":"07"'),
      'header.__metadata__.seed: expected "7", got "07"',
    ],
    [
      "widths that are no list",
      edited('"[2,3,1]"', '"7"'),
      "RequestError: widths: expected a list of integers, got 7",
    ],
    [
      "widths that are no JSON",
      edited('"[2,3,1]"', '"2,3,1"'),
      'RequestError: widths: expected JSON, got "2,3,1"',
    ],
    ["no widths", edited('"widths":"[2,3,1]",', ""), "RequestError: widths: expected JSON, got nothing"],
    [
      "a width of 0",
      edited('"[2,3,1]"', '"[2,0,1]"'),
      "RequestError: widths.1: expected an integer in 1..1048576, got 0",
    ],
    [
      "a fractional width",
      edited('"[2,3,1]"', '"[2,3.5,1]"'),
      "widths.1: expected an integer in 1..1048576, got 3.5",
    ],
    [
      "an absurd width",
      edited('"[2,3,1]"', '"[2,1e300,1]"'),
      "widths.1: expected an integer in 1..1048576, got 1e+300",
    ],
    [
      "too many layers",
      edited('"[2,3,1]"', `"[${"1,".repeat(1001)}1]"`),
      "widths: expected at most 1000 layers",
    ],
    ["no units", edited('"[5]"', '"[0]"'), "RequestError: units.0: expected an integer in 1..10000, got 0"],
    [
      "no copies",
      edited('"copies":"[3]"', '"copies":"[0]"'),
      "RequestError: copies.0: expected an integer in 1..10000, got 0",
    ],
    ["absurd units", edited('"[5]"', '"[1e9]"'), "units.0: expected an integer in 1..10000, got 1000000000"],
    [
      "negative copies",
      edited('"copies":"[3]"', '"copies":"[-3]"'),
      "copies.0: expected an integer in 1..10000, got -3",
    ],
    [
      "copies for another depth",
      edited('"copies":"[3]"', '"copies":"[3,3]"'),
      "copies: expected 1 numbers for theorem 2 and 2 layers, got 2",
    ],
    ["another theorem", edited('"theorem":"2"', '"theorem":"3"'), "theorem: expected 1 or 2, got 3"],
    [
      "another quantizer",
      edited("away", "astray"),
      'weightQuantizer: expected one of floor, truncate, nearest, away, got "astray"',
    ],
    [
      "zero that is no truth",
      edited('"zero":"false"', '"zero":"0"'),
      "RequestError: zero: expected true or false, got 0",
    ],
    [
      "pools of no kind",
      edited('"pools":"shared"', '"pools":"sheared"'),
      'RequestError: pools: expected one of shared, halves, got "sheared"',
    ],
    [
      "halves of an odd number",
      edited('"pools":"shared"', '"pools":"halves"'),
      "RequestError: units.0: expected an even number for halves, got 5",
    ],
    ["no pools", edited('"pools":"shared",', ""), "pools: expected one of shared, halves, got nothing"],
    [
      "support that is no truth",
      edited('"support":"false"', '"support":"1"'),
      "RequestError: support: expected true or false, got 1",
    ],
    ["no support", edited('"support":"false",', ""), "RequestError: support: expected JSON, got nothing"],
    [
      "places beyond 2^31",
      edited('"[2,3,1]"', '"[1000000,1000000,1]"'),
      "RequestError: mask.1: expected at most 2147483648 weights, got 15000000000000; ask for fewer units and copies",
    ],
    [
      "bits out of range",
      edited('"initialBits":"4"', '"initialBits":"11"'),
      "initialBits: expected an integer in 0..10, got 11",
    ],
    [
      "negative target bits",
      edited('"targetBits":"2"', '"targetBits":"-1"'),
      "targetBits: expected an integer in 0..20, got -1",
    ],
    [
      "no digest",
      edited(`,"targetDigest":"${digest}"`, ""),
      "targetDigest: expected 64 digits of 0-9 and a-f, got nothing",
    ],
    [
      "a short digest",
      edited(digest, digest.slice(1)),
      "RequestError: targetDigest: expected 64 digits of 0-9 and a-f, got ",
    ],
    [
      "a field too many",
      edited('"seed"', '"comment":"x","seed"'),
      'header.__metadata__.comment: expected nothing, got "x"',
    ],

    [
      "a byte too many",
      fileOf(header, Uint8Array.of(...data, 0)),
      "RequestError: data: expected 16 bytes, got 17",
    ],
    ["a byte too few", fileOf(header, data.subarray(1)), "RequestError: data: expected 16 bytes, got 15"],
    [
      "an unused bit",
      fileOf(header, data.with(1, data[1]! | 128)),
      "RequestError: mask.0, unused bits: expected 0, got 32",
    ],
  ])("A hostile ticket file is refused: %s", (_, bytes, message) => {
    expect(refusalOf(bytes)).toContain(message);
  });

  test("A consistent ticket file that claims more bytes than its length is refused", () => {
    const widths = [2 ** 10, 2 ** 11, 1];
    const sizes = [5 * 2 ** 10, 3 * 2 ** 11 * 5 * 2 ** 10, 3 * 2 ** 11].map((places) => places / 8);
    const claim = (text: string) => {
      let at = 0;
      const tensors = sizes.map((size, l) => {
        const offsets = `[${at},${(at += size)}]`;
        return `"mask.${l}":{"dtype":"U8","shape":[${size}],"data_offsets":${offsets}}`;
      });
      const full = `${text.slice(0, text.indexOf('"mask.0"'))}${tensors.join(",")}}`;
      return fileOf(full.padEnd(Math.ceil(full.length / 8) * 8), none);
    };
    expect(refusalOf(claim(header.replace("[2,3,1]", JSON.stringify(widths))))).toBe(
      `RequestError: data: expected ${sizes.reduce((a, b) => a + b)} bytes, got 0`,
    );
    const huge = header
      .replace("[2,3,1]", JSON.stringify([2 ** 20, 2 ** 20, 2 ** 20]))
      .replace("[5]", "[10000]");
    expect(refusalOf(claim(huge))).toMatch(
      /^RequestError: mask\.0: expected at most 2147483648 weights, got 10485760000; ask for fewer units and copies$/,
    );
  });
});

describe("File of a graph's ticket", () => {
  const graph = readGraph({
    input: { shape: [2, 3, 3], activationBits: 2, nonnegative: true },
    activationBits: 2,
    nodes: [
      {
        kind: "conv",
        bits: 2,
        weights: [[[[1, -2]]], [[[4, 0]]]],
        biases: [1, 2],
        groups: 2,
        padding: [0, 1, 0, 0],
        relu: true,
      },
      { kind: "average-pool", size: [3, 1], stride: [3, 1], quantizer: "nearest" },
      { kind: "flatten" },
      { kind: "dense", bits: 1, weights: [[1, 0, -1, 2, 0, 1]], activationBits: "exact" },
    ],
  });
  const scheme: GraphScheme = {
    theorem: 1,
    initialBits: [3, 1],
    bits: [1, 1],
    weightQuantizer: "floor",
    zero: true,
    pools: "shared",
    support: false,
    units: [4, 2],
    skip: "identity",
  };
  const target = outlineOfGraph(graph);
  /** A mask by a simple rule. */
  const maskOf = (weights: number, salt: number) => {
    const mask = new Uint8Array(Math.ceil(weights / 8));
    for (let p = 0; p < weights; p++) mask[p >> 3]! += ruled(p, salt, 1) * 2 ** (p & 7);
    return mask;
  };
  // Hidden units of two channels and the constant; of each output a window of 2 and a bias; 6 features.
  const counts = [3 * 4, 2 * 3 * 4, 6 * 2, 6 * 2];
  const sampleGraph: GraphTicket = { scheme, seed: 7n, target, masks: counts.map(maskOf) };
  const bytes = encodeTicket(sampleGraph, digest);
  const parts = partsOf(bytes);
  const escaped = (text: string) => JSON.stringify(text).slice(1, -1);

  test("The file of a graph's ticket is that of version 2, byte for byte", () => {
    const epilogue = (bits: number, shift: number, quantizer: string, relu: boolean) =>
      `"epilogue":{"activationBits":${bits},"shift":${shift},"quantizer":"${quantizer}","relu":${relu},"clamp":false}}`;
    const outline =
      `{"input":{"shape":[2,3,3],"activationBits":2,"nonnegative":true},"nodes":[` +
      `{"kind":"conv","from":[0],"shape":[2,3,3],"bits":2,"biases":true,"window":{"size":[1,2],"stride":[1,1],` +
      `"padding":[0,1,0,0],"dilation":[1,1]},"groups":2,${epilogue(2, 2, "floor", true)},` +
      `{"kind":"average-pool","from":[1],"shape":[2,1,3],"window":{"size":[3,1],"stride":[3,1],` +
      `"padding":[0,0,0,0],"dilation":[1,1]},"countPadding":false,${epilogue(2, 0, "nearest", false)},` +
      `{"kind":"flatten","from":[2],"shape":[6],${epilogue(2, 0, "floor", false)},` +
      `{"kind":"dense","from":[3],"shape":[1],"bits":1,"biases":false,${epilogue(3, 0, "floor", false)}]}`;
    const schemeText =
      `{"theorem":1,"initialBits":[3,1],"bits":[1,1],"weightQuantizer":"floor","zero":true,"pools":"shared",` +
      `"support":false,"units":[4,2],"skip":"identity"}`;
    const text =
      `{"__metadata__":{"format":"exacta.ticket","version":"2","seed":"7","target":"${escaped(outline)}",` +
      `"scheme":"${escaped(schemeText)}","targetDigest":"${digest}"},` +
      `"mask.0":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},` +
      `"mask.1":{"dtype":"U8","shape":[3],"data_offsets":[2,5]},` +
      `"mask.2":{"dtype":"U8","shape":[2],"data_offsets":[5,7]},` +
      `"mask.3":{"dtype":"U8","shape":[2],"data_offsets":[7,9]}}`;
    expect(parts.header.trimEnd()).toBe(text);
    expect(parts.header.length % 8).toBe(0);
    expect(Array.from(parts.data)).toEqual(sampleGraph.masks.flatMap((mask) => Array.from(mask)));
    expect(decodeTicket(bytes)).toEqual({ ticket: sampleGraph, digest });
  });

  test("The names of nodes and the order of fields change no byte of the file", () => {
    const renamed = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, name: `${node.name}\u00e9` })) };
    const { nodes, input } = outlineOfGraph(renamed);
    const { units, ...rest } = scheme;
    const again = { ...sampleGraph, target: { nodes, input }, scheme: { units, ...rest } };
    expect(encodeTicket(again, digest)).toEqual(bytes);
  });

  /** The file with one text of its header replaced. */
  const edited = (from: string, to: string) => {
    expect(parts.header).toContain(escaped(from));
    return fileOf(
      parts.header.replace(escaped(from), () => escaped(to)),
      parts.data,
    );
  };
  const nested = "[".repeat(3000) + "]".repeat(3000);
  test.each([
    [
      "a shape of 2^40",
      '"shape":[2,3,3]',
      '"shape":[2,3,1099511627776]',
      "target.input.shape.2: expected an integer in 1..16777216, got 1099511627776",
    ],
    [
      "more numbers than a value may have",
      '"shape":[2,3,3]',
      '"shape":[2,16777216,3]',
      "expected at most 16777216 numbers",
    ],
    [
      "a shape that does not follow",
      '"shape":[2,1,3]',
      '"shape":[2,1,4]',
      "target.nodes.1.shape: expected [2,1,3], got [2,1,4]",
    ],
    [
      "a shift that does not follow",
      '"shift":2',
      '"shift":1',
      "target.nodes.0.epilogue.shift: expected 2, got 1",
    ],
    [
      "a cycle",
      '"from":[1]',
      '"from":[2]',
      "target.nodes.1.from: expected 1 of the values 0..1, which precede it",
    ],
    ["a value that nothing reads", '"from":[3]', '"from":[2]', "expected an input of one dimension"],
    ["two reads of one node", '"from":[1]', '"from":[1,1]', "target.nodes.1.from: expected 1 of the values"],
    ["an unknown kind", '"kind":"flatten"', '"kind":"relu"', "expected a node whose kind is"],
    ["an unknown field", '"kind":"flatten"', '"kind":"flatten","x":1', "known fields only"],
    ["a name", '"kind":"flatten"', '"kind":"flatten","name":"x"', "known fields only"],
    ["deep nesting", '"from":[3]', `"from":${nested}`, "expected JSON at most 5 deep"],
    ["a stride of 0", '"stride":[1,1]', '"stride":[0,1]', "stride.0: expected an integer in 1..65536"],
    ["a fraction", '"groups":2', '"groups":1.5', "groups: expected an integer"],
    ["other groups", '"groups":2', '"groups":1', "header.mask.1.shape: expected [5], got [3]"],
    [
      "outputs beyond all memory",
      '"shape":[1],"bits":1',
      '"shape":[16777216],"bits":1',
      "at most 16777216 weights up to here",
    ],
    [
      "units beyond all memory",
      '"units":[4,2]',
      '"units":[4,10001]',
      "units.1: expected an integer in 1..10000",
    ],
    [
      "units of another number",
      '"units":[4,2]',
      '"units":[4]',
      "units: expected 2 numbers for 2 layers, got 1",
    ],
    [
      "more units than masks have",
      '"units":[4,2]',
      '"units":[4,9999]',
      "header.mask.2.shape: expected [7500]",
    ],
    ["bits that are no list", '"bits":[1,1]', '"bits":1', "bits: expected integers in 0..10, got 1"],
    ["too few bits", '"bits":2', '"bits":3', "target.nodes.0.epilogue.shift: expected 3"],
    ["theorem 2", '"theorem":1', '"theorem":2', "theorem: expected 1, got 2"],
    [
      "copies",
      '"skip":"identity"',
      '"skip":"identity","copies":[]',
      "bits: expected 0, for weights in depth",
    ],
    ["another skip", '"skip":"identity"', '"skip":"all"', "skip: expected one of identity, none, random"],
    [
      "a skip that does not apply",
      '"skip":"identity"',
      '"skip":"none"',
      "skip: expected identity, where there are no additions",
    ],
    ["a blank in the JSON", '"skip":"identity"', '"skip": "identity"', "header.__metadata__.scheme"],
    ["a number in another form", '"groups":2', '"groups":2.0', "header.__metadata__.target"],
    ["no input", '"input"', '"output"', "target.input: expected an object"],
  ])("A hostile file of a graph's ticket is refused: %s", (_, from, to, message) => {
    expect(refusalOf(edited(from, to))).toContain(message);
  });

  test("A graph of a thousand nodes fits into the header of its file", () => {
    const window = { size: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] };
    const long = readGraph({
      input: { shape: [1, 3, 3], activationBits: 1 },
      bits: 0,
      activationBits: 1,
      clamp: true,
      nodes: Array.from({ length: 1000 }, (_, i) => ({
        kind: "conv",
        weights: [[Array.from({ length: 3 }, () => [0, 1, 0])]],
        stride: window.stride,
        padding: window.padding,
        relu: i < 999,
      })),
    });
    const each = Array.from({ length: 1000 }, () => 1);
    const wide = { ...scheme, bits: each.map(() => 0), initialBits: each.map(() => 0), units: each };
    const masks = each.flatMap(() => [Uint8Array.of(1), Uint8Array.of(0, 1)]);
    const ticket: GraphTicket = { scheme: wide, seed: 1n, target: outlineOfGraph(long), masks };
    const file = encodeTicket(ticket, digest);
    expect(decodeTicket(file)).toEqual({ ticket, digest });
  });

  test("A large pool in a short file is refused or read in no time", () => {
    const shape = [1, 2 ** 23, 1] as const;
    const pool = {
      kind: "max-pool",
      from: [0],
      shape,
      window: { size: [65536, 1], stride: [1, 1], padding: [65535, 0, 0, 0], dilation: [1, 1] },
      epilogue: { activationBits: 2, shift: 0, quantizer: "floor", relu: false, clamp: false },
    } as const;
    const hostile = {
      input: { shape, activationBits: 2, nonnegative: true },
      nodes: Array.from({ length: 999 }, (_, i) => ({ ...pool, from: [i] })),
    };
    const start = performance.now();
    const edit = escaped(JSON.stringify(hostile));
    const header = parts.header.replace(/"target":"(?:[^"\\]|\\.)*"/, () => `"target":"${edit}"`);
    expect(refusalOf(fileOf(header, parts.data))).toContain("network: expected a layer with weights or more");
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
