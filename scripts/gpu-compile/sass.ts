// Reads the machine code of NVIDIA GPUs of compute capability 8.0 to 9.0 from the files of `nvcc -cubin`. An instruction has 16
// bytes, and its lowest 9 bits are the operation. The table comes from listings of nvdisasm 11.8, which is not needed here. Those
// listings lack VIADD, VIMNMX, VIMNMX3 and VIADDMNMX for sm_90; small kernels of one operation each showed their codes.

import type { Counts, Feature, Instruction } from "./loops.ts";

/** Where an instruction is executed. */
type Pipe = "alu" | "imad" | "xu" | "lsu" | "control" | "uniform" | "other";

const pipes: Readonly<Record<Pipe, Readonly<Record<number, string>>>> = {
  alu: {
    0x002: "MOV",
    0x003: "P2R",
    0x004: "R2P",
    0x006: "VOTE",
    0x007: "SEL",
    0x00c: "ISETP",
    0x010: "IADD3",
    0x011: "LEA",
    0x012: "LOP3",
    0x013: "IABS",
    0x016: "PRMT",
    0x017: "IMNMX",
    0x019: "SHF",
    0x01a: "SGXT",
    0x01b: "BMSK",
    0x01c: "PLOP3",
    0x00f: "VIMNMX3",
    0x036: "VIADD",
    0x046: "VIADDMNMX",
    0x048: "VIMNMX",
  },
  imad: { 0x024: "IMAD", 0x025: "IMAD.WIDE", 0x026: "IDP", 0x027: "IMAD.HI", 0x035: "HFMA2" },
  xu: {
    0x100: "FLO",
    0x101: "BREV",
    0x105: "F2I",
    0x106: "I2F",
    0x108: "MUFU",
    0x109: "POPC",
    0x0bd: "UFLO",
    0x0bf: "UPOPC",
  },
  lsu: {
    0x180: "LD",
    0x181: "LDG",
    0x182: "LDC",
    0x183: "LDL",
    0x184: "LDS",
    0x185: "ST",
    0x186: "STG",
    0x187: "STL",
    0x188: "STS",
    0x189: "SHFL",
    0x18c: "ATOMS",
    0x18d: "ATOMS.CAS",
    0x18e: "RED",
    0x1a8: "ATOMG",
    0x1a9: "ATOMG.CAS",
    0x1c4: "REDUX",
  },
  control: {
    0x11b: "ENDCOLLECTIVE",
    0x11d: "BAR",
    0x141: "BSYNC",
    0x142: "BREAK",
    0x143: "CALL",
    0x145: "BSSY",
    0x146: "YIELD",
    0x147: "BRA",
    0x148: "WARPSYNC",
    0x149: "BRX",
    0x14d: "EXIT",
    0x150: "RET",
  },
  uniform: {
    0x082: "UMOV",
    0x086: "VOTEU",
    0x087: "USEL",
    0x08c: "UISETP",
    0x090: "UIADD3",
    0x091: "ULEA",
    0x092: "ULOP3",
    0x096: "UPRMT",
    0x099: "USHF",
    0x09c: "UPLOP3",
    0x0a4: "UIMAD",
    0x0a5: "UIMAD.WIDE",
    0x0b9: "ULDC",
    0x0ca: "R2UR",
    0x1c3: "S2UR",
  },
  other: { 0x005: "CS2R", 0x118: "NOP", 0x119: "S2R", 0x192: "MEMBAR" },
};

const operations = new Map(
  Object.entries(pipes).flatMap(([pipe, names]) =>
    Object.entries(names).map(([code, name]) => [Number(code), { name, pipe: pipe as Pipe }] as const),
  ),
);

/** Operations on the ALU that nvdisasm 11.8 leaves out of listings for sm_90. */
const UNLISTED = /^VI/;

const INSTRUCTION_BYTES = 16;

/** The code of the only kernel of a file. @throws {Error} The file is no ELF file with code. */
export function codeOf(cubin: Uint8Array): Uint8Array {
  const view = new DataView(cubin.buffer, cubin.byteOffset, cubin.byteLength);
  const at = (offset: number) => Number(view.getBigUint64(offset, true));
  if (view.byteLength < 64 || view.getUint32(0) !== 0x7f454c46)
    throw new Error("cubin: expected an ELF file");
  const [table, size, count, namesIndex] = [
    at(40),
    view.getUint16(58, true),
    view.getUint16(60, true),
    view.getUint16(62, true),
  ];
  const sections = Array.from({ length: count }, (_, i) => table + i * size);
  const names = at(sections[namesIndex]! + 24);
  for (const section of sections) {
    const name = names + view.getUint32(section, true);
    if (new TextDecoder().decode(cubin.subarray(name, name + 6)) === ".text.")
      return cubin.subarray(at(section + 24), at(section + 24) + at(section + 32));
  }
  throw new Error("cubin: no section has code");
}

/** The instruction that a branch goes to, given its low word of 64 bits: 8 bits and 30 bits of a signed distance in words. */
function targetOf(at: number, low: bigint): number {
  const distance = (BigInt.asIntN(30, low >> 34n) << 10n) + (((low >> 16n) & 0xffn) << 2n);
  return at + 1 + Number(distance) / INSTRUCTION_BYTES;
}

/** The words of workgroup memory that a load or store accesses. */
const wordsOf = (high: bigint): number => [1, 1, 1, 1, 1, 2, 4, 4][Number((high >> 9n) & 7n)]!;

function doesOf(name: string, words: number): Partial<Record<Feature, number>> {
  if (name === "LDS") return { loads: words };
  if (name === "STS") return { stores: words };
  if (/^(ATOMS|RED$|ATOMG)/.test(name)) return { atomics: 1 };
  if (name === "SHFL" || name === "REDUX") return { shuffles: 1 };
  return name === "POPC" ? { ones: 1 } : {};
}

/**
 * The instructions of some code. Three-input logic is counted as an exclusive or where its truth table is one of two inputs or of
 * three.
 *
 * @throws {Error} An operation is not in the table.
 */
export function readSass(code: Uint8Array): Instruction[] {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  return Array.from({ length: code.byteLength / INSTRUCTION_BYTES }, (_, at) => {
    const low = view.getBigUint64(at * INSTRUCTION_BYTES, true);
    const high = view.getBigUint64(at * INSTRUCTION_BYTES + 8, true);
    const operation = operations.get(Number(low & 0x1ffn));
    if (!operation) throw new Error(`SASS: operation 0x${(low & 0x1ffn).toString(16)} is not in the table`);
    const { name, pipe } = operation;
    const words = name === "LDS" || name === "STS" ? wordsOf(high) : 1;
    const isXor = name === "LOP3" && [0x3cn, 0x5an, 0x66n, 0x96n].includes((high >> 8n) & 0xffn);
    const issues: Counts = {
      ...(name !== "NOP" && { issued: 1, [pipe]: pipe === "lsu" ? words : 1 }),
      ...(UNLISTED.test(name) && { unlisted: 1 }),
    };
    return {
      opcode: name,
      issues,
      does: isXor ? { xors: 1 } : doesOf(name, words),
      ...(name === "BRA" && { target: targetOf(at, low) }),
    };
  });
}
