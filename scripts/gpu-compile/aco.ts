// Reads the listings of ACO, the compiler of Mesa's driver for AMD (RADV).

import type { Counts, Feature, Instruction } from "./loops.ts";

/** Issue slots of vector instructions at a quarter of the rate: products of 32 bits, reciprocals and the like. */
const QUARTER_RATE = /^v_(mul_(lo|hi)_[ui]32|mad_[ui]64|rcp|rsq|sqrt|exp|log|sin|cos)/;
/** Instructions that no unit executes: waits, and hints to the scheduler. */
const HINT = /^s_(wait|nop|clause|delay_alu|inst_prefetch|sleep|endpgm|code_end)/;
/** Waits until all accesses to workgroup memory and all scalar loads are done. */
const DRAIN = /^s_waitcnt\b.*\blgkmcnt\(0\)|^s_wait_dscnt 0x0\b/;

/** The words of workgroup memory that an instruction accesses. */
function wordsOf(opcode: string): number {
  if (/_b128|_b96/.test(opcode)) return 4;
  return /_b64|2addr|read2|write2/.test(opcode) ? 2 : 1;
}

/** What an instruction issues: `slots` of vector units, `lds` instructions and words, `drains`, `scalar` and `memory` ones. */
function issuesOf(text: string, opcode: string): Counts {
  if (DRAIN.test(text)) return { drains: 1 };
  if (HINT.test(opcode)) return {};
  if (opcode.startsWith("v_")) return { slots: QUARTER_RATE.test(opcode) ? 4 : 1 };
  if (opcode.startsWith("ds_")) return { lds: 1, ldsWords: wordsOf(opcode) };
  return opcode.startsWith("s_") ? { scalar: 1 } : { memory: 1 };
}

function doesOf(opcode: string): Partial<Record<Feature, number>> {
  if (/^ds_(load|read)/.test(opcode)) return { loads: wordsOf(opcode) };
  if (/^ds_(store|write)/.test(opcode)) return { stores: wordsOf(opcode) };
  if (/^ds_(add|or|and|max|min|sub|inc|dec|wrxchg|storexchg|cmpst)|_atomic_/.test(opcode))
    return { atomics: 1 };
  if (opcode.startsWith("v_bcnt")) return { ones: 1 };
  if (/^ds_(swizzle|b?permute)|^v_permlane|_dpp/.test(opcode)) return { shuffles: 1 };
  return /^v_(xor|xad)/.test(opcode) ? { xors: 1 } : {};
}

/** The instructions of a listing. Its lines are `BB<n>:`, and an instruction and its code with a semicolon between them. */
export function readAco(listing: string): Instruction[] {
  const lines: string[] = [];
  /** The instruction that a block begins with. */
  const blocks = new Map<string, number>();
  for (const line of listing.split("\n")) {
    const block = /^(BB\d+):/.exec(line);
    const text = line.split(";")[0]!.trim();
    if (block) blocks.set(block[1]!, lines.length);
    // Lines of other forms are headings, and the padding behind the program.
    else if (/^[a-z]+\d*_/.test(text)) lines.push(text);
  }
  return lines.map((text) => {
    const [opcode] = text.split(/\s/) as [string];
    const label = /^s_c?branch\S*\s+(BB\d+)/.exec(text)?.[1];
    const target = label === undefined ? undefined : blocks.get(label);
    if (label !== undefined && target === undefined) throw new Error(`ACO: no block ${label}: ${text}`);
    return {
      opcode,
      issues: issuesOf(text, opcode),
      does: doesOf(opcode),
      ...(target !== undefined && { target }),
    };
  });
}
