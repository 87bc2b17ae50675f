// Makes Dawn run with the C++ library of GCC 11, which systems with glibc 2.34 have (RHEL 9 and its derivatives).

/**
 * Types of the sections SHT_GNU_versym and SHT_GNU_verneed.
 * https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
 */
const SYMBOL_VERSIONS = 0x6fffffff;
const NEEDED_VERSIONS = 0x6ffffffe;

const WAIT = "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE";
const NEW_VERSION = "GLIBCXX_3.4.30";
const OLD_VERSION = "GLIBCXX_3.4.11";

interface Section {
  readonly type: number;
  readonly link: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Changes a 64-bit ELF file, in place, so that it requires `std::condition_variable::wait` of GLIBCXX_3.4.11 instead of 3.4.30.
 * GCC 12 gave the function the newer version for a promise not to throw, and still has the older one for older programs. A file
 * that does not require 3.4.30 is not changed.
 *
 * @throws {RangeError} The file requires another function of 3.4.30.
 */
export function acceptOldWait(elf: Buffer): void {
  const sections = sectionsOf(elf);
  const find = (type: number) => {
    const section = sections.find((section) => section.type === type);
    if (!section) throw new RangeError(`ELF: expected a section of type ${type}, got none`);
    return section;
  };
  const needs = find(NEEDED_VERSIONS);
  const entries = [...needsOf(elf, needs, sections[needs.link]!)];
  const [newer, older] = [NEW_VERSION, OLD_VERSION].map((name) =>
    entries.find((entry) => entry.name === name),
  );
  if (!newer) return;
  const versions = find(SYMBOL_VERSIONS);
  const symbols = sections[versions.link]!;
  const used = Array.from({ length: versions.size / 2 }, (_, symbol) => symbol)
    .filter((symbol) => elf.readUInt16LE(versions.offset + 2 * symbol) === newer.index)
    .map((symbol) =>
      textAt(elf, sections[symbols.link]!.offset + elf.readUInt32LE(symbols.offset + 24 * symbol)),
    );
  if (!older || used.some((name) => name !== WAIT))
    throw new RangeError(`${NEW_VERSION}: expected ${WAIT} alone, got ${used.join(", ")}`);
  // An entry identifies its version by a hash at offset 0 and the offset of its name at offset 8.
  elf.copy(elf, newer.at, older.at, older.at + 4);
  elf.copy(elf, newer.at + 8, older.at + 8, older.at + 12);
}

/** The section headers, whose offset, size and number are e_shoff, e_shentsize and e_shnum of the file header. */
function sectionsOf(elf: Buffer): Section[] {
  const [start, step, count] = [Number(elf.readBigUInt64LE(40)), elf.readUInt16LE(58), elf.readUInt16LE(60)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * step;
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40),
    };
  });
}

/** The versions that a file requires of its libraries: the offset of the entry, the index that symbols have for it, its name. */
function* needsOf(elf: Buffer, { offset }: Section, names: Section) {
  for (let library = offset, next = 1; next !== 0; library += next) {
    const count = elf.readUInt16LE(library + 2);
    let at = library + elf.readUInt32LE(library + 8);
    for (let entry = 0; entry < count; entry++) {
      const name = textAt(elf, names.offset + elf.readUInt32LE(at + 8));
      yield { at, index: elf.readUInt16LE(at + 6), name };
      at += elf.readUInt32LE(at + 12);
    }
    next = elf.readUInt32LE(library + 12);
  }
}

/** The text at an offset, up to a zero byte. */
function textAt(elf: Buffer, at: number): string {
  return elf.toString("latin1", at, elf.indexOf(0, at));
}
