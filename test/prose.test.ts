// The rules of prose that a machine can keep, over comments, test titles, documents and printed text. CONTRIBUTING.md has
// the others, and docs/glossary.md the words.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { kernelNames } from "../src/kernels/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a piece of a source is: a rule applies to some kinds. `text` is any line at all. */
type Kind = "comment" | "docstring" | "document" | "title" | "group" | "code" | "text";

interface Piece {
  readonly kind: Kind;
  /** The number of its line, from 1. */
  readonly line: number;
  readonly text: string;
}

interface Rule {
  readonly name: string;
  readonly kinds: readonly Kind[];
  /** What breaks the rule; `undefined` for nothing. */
  readonly fault: (text: string, file: string) => string | undefined;
}

/** Lines that keep words which a rule rejects, each with its reason. */
const exceptions: readonly { readonly file: string; readonly line: RegExp; readonly reason: string }[] = [
  {
    file: "CONTRIBUTING.md",
    line: /^> Before: At least so (?:many), /,
    reason: "The example shows a comment that breaks the rules.",
  },
  {
    file: "demo/views/digits.tsx",
    line: /^ {6}<h1>No(?:body) trained this network.<\/h1>$/,
    reason: "The heading of the page is a headline.",
  },
];

/** The widest comment, in columns. */
const COMMENT_COLUMNS = 130;

/** Words in lower case that a title may begin with, since they name something. */
const names: ReadonlySet<string> = new Set([...kernelNames, "exacta", "rssp", "rssp0", "rnpp", "products"]);

/** Whether a word names code: a name of the list, or one that prose would not contain. */
const isCode = (word: string): boolean =>
  names.has(word) || /[A-Z0-9_.()/<>{}[\]=*+:-]/.test(word) || /^["'`%$-]/.test(word);

const matching =
  (pattern: RegExp) =>
  (text: string): string | undefined =>
    pattern.exec(text)?.[0];

const prose = ["comment", "docstring", "document", "title", "group"] as const;

const rules: readonly Rule[] = [
  {
    name: "a quantity or a thing is named, not pointed at",
    kinds: ["text"],
    fault: matching(/\b(so (many|often)|that (?:one)\b|no(?:body)\b|in (?:turns)\b|what\b.* (?:has)\b)/i),
  },
  {
    name: "a quantity is named, something has a reader and an end",
    kinds: prose,
    fault: matching(/\b(so (?:much)|(?:is|are) told|at (?:last))\b/i),
  },
  {
    name: "an error of a docstring is a tag",
    kinds: ["docstring"],
    fault: (text) => (text.includes("@throws") ? undefined : /\bThrows [A-Z`{]\w*/.exec(text)?.[0]),
  },
  {
    name: `a comment has at most ${COMMENT_COLUMNS} columns`,
    kinds: ["comment", "docstring"],
    fault: (text) => (text.length > COMMENT_COLUMNS ? `${text.length} columns` : undefined),
  },
  {
    name: "a title begins with a capital letter, a digit or a name, and has three words or more",
    kinds: ["title"],
    fault(title) {
      const words = title.split(/\s+/);
      const [first = ""] = words;
      if (!/^[A-Z\d]/.test(first) && !isCode(first)) return `"${first} ..."`;
      return words.length < 3 ? `"${title}"` : undefined;
    },
  },
  {
    name: "a group of tests begins with a capital letter or a name",
    kinds: ["group"],
    fault: (title) => (/^[A-Z\d]/.test(title) || isCode(title.split(/\s+/)[0]!) ? undefined : `"${title}"`),
  },
  {
    name: "parameters have the type of their kernel",
    kinds: ["code"],
    fault: matching(/\bparams\)? as (?!const\b).{0,30}/),
  },
  {
    name: "a value has the type that it says",
    kinds: ["code"],
    fault: (text, file) =>
      /^(src|host|demo)\//.test(file) && !file.endsWith(".test.ts")
        ? /\bas unknown as\b.{0,30}/.exec(text)?.[0]
        : undefined,
  },
];

/** The comments of a source in C's style or with `#`, line by line. */
function comments(file: string, text: string): Piece[] {
  const hash = /(\.(py|sh)|^\.ci\/run)$/.test(file);
  const script = /\.(tsx?|mts|js)$/.test(file);
  // Strings come first, so that what looks like a comment in one is none.
  const pattern = hash
    ? /(?:^|(?<=\s))#[^\n]*/g
    : /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\*[^]*?\*\/|(?<![:\\])\/\/[^\n]*|<!--[^]*?-->/g;
  return [...text.matchAll(pattern)].flatMap(({ 0: found, index }): Piece[] => {
    if (/^["']/.test(found)) return [];
    const start = text.slice(0, index).split("\n").length;
    const indent = index - text.lastIndexOf("\n", index - 1) - 1;
    const kind = script && found.startsWith("/**") ? "docstring" : "comment";
    return found.split("\n").map((line, i) => ({
      kind,
      line: start + i,
      text: i === 0 ? " ".repeat(indent) + line : line,
    }));
  });
}

/** The titles of the tests of a source, with `%s` for what is filled in. */
function titles(file: string, text: string): Piece[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Piece[] = [];
  /** The name at the root of `test`, `test.each(rows)` and `test.runIf(condition)`. */
  function rootOf(node: ts.Expression): string | undefined {
    if (ts.isIdentifier(node)) return node.text;
    if (ts.isCallExpression(node) || ts.isPropertyAccessExpression(node)) return rootOf(node.expression);
    return undefined;
  }
  function visit(node: ts.Node): void {
    if (ts.isCallExpression(node)) {
      const name = rootOf(node.expression);
      const [title] = node.arguments;
      // The rows of `test.each` are an argument too, but neither a string nor a template.
      if ((name === "test" || name === "describe") && title && ts.isStringLiteralLike(title))
        found.push({ kind: name === "test" ? "title" : "group", line: lineOf(title), text: title.text });
      if ((name === "test" || name === "describe") && title && ts.isTemplateExpression(title))
        found.push({
          kind: name === "test" ? "title" : "group",
          line: lineOf(title),
          text: title.head.text + title.templateSpans.map(({ literal }) => `%s${literal.text}`).join(""),
        });
    }
    ts.forEachChild(node, visit);
  }
  const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  visit(source);
  return found;
}

/** Everything in a file that some rule applies to. */
function pieces(file: string, text: string): Piece[] {
  const lines = text.split("\n").map((line, i) => ({ line: i + 1, text: line }));
  const all = lines.map((line): Piece => ({ kind: "text", ...line }));
  if (file.endsWith(".md")) return [...all, ...lines.map((line): Piece => ({ kind: "document", ...line }))];
  const code = /\.(tsx?|mts|js)$/.test(file);
  return [
    ...all,
    ...comments(file, text),
    ...(code ? lines.map((line): Piece => ({ kind: "code", ...line })) : []),
    ...(file.endsWith(".test.ts") ? titles(file, text) : []),
  ];
}

/** Each breach as file, line, rule and text. */
function breaches(file: string, text: string): string[] {
  const excepted = exceptions.filter((exception) => exception.file === file);
  const isExcepted = ({ text: line }: Piece) => excepted.some((exception) => exception.line.test(line));
  return pieces(file, text)
    .filter((piece) => !isExcepted(piece))
    .flatMap((piece) =>
      rules.flatMap(({ name, kinds, fault }) => {
        const found = kinds.includes(piece.kind) ? fault(piece.text, file) : undefined;
        return found === undefined ? [] : [`${file}:${piece.line}: ${name}: ${found}`];
      }),
    );
}

const FOLDERS = ["src", "shaders", "host", "demo", "scripts", "test", "docs", "examples", "python"];
const FILES = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "vite.config.ts",
  "vitest.config.ts",
  ".ci/run",
];

/** The sources under a folder. Results and fixtures are data, and a build writes `dist`. */
function sources(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(join(root, path)).isDirectory())
      return /^(results|fixtures|dist)$/.test(name) ? [] : sources(path);
    return /\.(tsx?|mts|js|wgsl|wesl|css|html|c|py|sh|md)$/.test(name) ? [path] : [];
  });
}

/** A sample in which `_` is a blank and `|` is nothing, so that a sample that must be rejected is no breach itself. */
const sample = (text: string) => text.replaceAll("_", " ").replaceAll("|", "");

describe("Rules of prose", () => {
  test.each([
    ["src/a.ts", "// At least so_many bytes."],
    ["src/a.ts", "// It fails so_often that it is drawn again."],
    ["shaders/a.wgsl", "// The place of that_one."],
    ["shaders/a.wgsl", "fn main() { // once more for no|body"],
    ["shaders/a.wgsl", "/* Trials are taken in_turns. */"],
    ["host/a.ts", 'throw new Error("expected what a device_has");'],
    ["README.md", "So_much of it fits."],
    ["host/a.ts", "/** What a dispatch is_told. */"],
    ["scripts/a.sh", "# They fit at_last."],
    ["host/a.ts", "/** Opens a device. Throws RequestError without one. */"],
    ["host/a.ts", `/** ${"The word is long. ".repeat(8)} */`],
    ["src/a.test.ts", 'test("leave all the same", () => {});'],
    ["src/a.test.ts", 'test.each([1, 2])("of %i items are equal", () => {});'],
    ["src/a.test.ts", "test(`are equal ${1}`, () => {});"],
    ["src/a.test.ts", 'test("Equal words", () => {});'],
    ["src/a.test.ts", 'describe("seams", () => {});'],
    ["src/a.ts", "const { count } = params_as ReachParams;"],
    ["src/a.ts", "const law = params_as unknown as Law;"],
    ["host/a.ts", "const source = value as unknown as Source;"],
  ])("The lint rejects, in %s, %s", (file, text) => {
    expect(breaches(file, sample(text))).toHaveLength(text.includes("Law") ? 2 : 1);
  });

  test.each([
    ["src/a.ts", "// Rounds up to one of four sizes per power of two, so that few pipelines are compiled."],
    ["src/a.ts", 'const url = "https://example.org/a"; // The page.'],
    ["host/a.ts", "/** @throws {RequestError} without a device. */"],
    ["host/a.ts", "/**\n * Opens a device.\n * @throws {RequestError} without one.\n */"],
    ["src/a.test.ts", 'test("reach counts a trial once", () => {});'],
    ["src/a.test.ts", 'test("2048 values have slices of 16 bits", () => {});'],
    ["src/a.test.ts", 'test("%s is read as a number", () => {});'],
    ["src/a.test.ts", 'test.each([["a"]])("The text %s is read", () => {});'],
    ["src/a.test.ts", 'describe("Seams", () => {});'],
    ["src/a.ts", "const names = params as const;"],
    ["test/a.test.ts", "const bad = 7 as unknown as Source;"],
  ])("The lint accepts, in %s, %s", (file, text) => {
    expect(breaches(file, text)).toEqual([]);
  });

  test("The lint reports the file, the line and the words", () => {
    expect(breaches("host/a.ts", sample("const a = 1;\n// So_many.\n"))).toEqual([
      `host/a.ts:2: a quantity or a thing is named, not pointed at: ${sample("So_many")}`,
    ]);
  });
});

describe("Prose of the sources", () => {
  const files = [...FOLDERS.flatMap(sources), ...FILES.filter((file) => existsSync(join(root, file)))];

  test("The lint reads sources of every kind", () => {
    const kinds = files.flatMap((file) =>
      pieces(file, readFileSync(join(root, file), "utf8")).map(({ kind }) => kind),
    );
    for (const kind of ["comment", "docstring", "document", "title", "group", "code"] as const)
      expect(kinds.filter((one) => one === kind).length, kind).toBeGreaterThan(50);
  });

  test.each(exceptions)("The exception of $file is needed", ({ file, line }) => {
    const lines = readFileSync(join(root, file), "utf8")
      .split("\n")
      .filter((text) => line.test(text));
    expect(lines.length).toBeGreaterThan(0);
    // In another file, the same line breaks a rule.
    for (const text of lines) expect(breaches("docs/other.md", text), text).not.toEqual([]);
  });

  test("Every source keeps the rules", () => {
    expect(files.flatMap((file) => breaches(file, readFileSync(join(root, file), "utf8")))).toEqual([]);
  });
});
