// Dawn for the C++ library of GCC 11, which systems with glibc 2.34 have (RHEL 9 and what is made of it).

/** Types of sections, https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html */
const VERSIONS = 0x6fffffff;
const NEEDS = 0x6ffffffe;

const WAIT = "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE";
const NEW = "GLIBCXX_3.4.30";
const OLD = "GLIBCXX_3.4.11";

interface Section {
  readonly type: number;
  readonly link: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Makes a 64-bit ELF file, in place, ask for `std::condition_variable::wait` as of GLIBCXX_3.4.11 instead of 3.4.30. GCC 12
 * gave the function the newer version for a promise not to throw, and keeps the older one for programs like this.
 * A file that does not ask for 3.4.30 stays as it is. Throws RangeError where it asks for anything else of 3.4.30.
 */
export function acceptOldWait(elf: Buffer): void {
  const sections = sectionsOf(elf);
  const find = (type: number) => {
    const section = sections.find((section) => section.type === type);
    if (!section) throw new RangeError(`ELF: expected a section of type ${type}, got none`);
    return section;
  };
  const needs = find(NEEDS);
  const entries = [...needsOf(elf, needs, sections[needs.link]!)];
  const [newer, older] = [NEW, OLD].map((name) => entries.find((entry) => entry.name === name));
  if (!newer) return;
  const versions = find(VERSIONS);
  const symbols = sections[versions.link]!;
  const used = Array.from({ length: versions.size / 2 }, (_, symbol) => symbol)
    .filter((symbol) => elf.readUInt16LE(versions.offset + 2 * symbol) === newer.index)
    .map((symbol) =>
      textAt(elf, sections[symbols.link]!.offset + elf.readUInt32LE(symbols.offset + 24 * symbol)),
    );
  if (!older || used.some((name) => name !== WAIT))
    throw new RangeError(`${NEW}: expected ${WAIT} alone, got ${used.join(", ")}`);
  // Of an entry, the hash at 0 and the place of the name at 8 say which version is meant.
  elf.copy(elf, newer.at, older.at, older.at + 4);
  elf.copy(elf, newer.at + 8, older.at + 8, older.at + 12);
}

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

/** The versions that a file asks of all its libraries: where the entry is, what symbols name it by, and its name. */
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

function textAt(elf: Buffer, at: number): string {
  return elf.toString("latin1", at, elf.indexOf(0, at));
}
