// Code blocks of the documentation: where they are, whether they type-check, what they print.

import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import manifest from "../package.json" with { type: "json" };

export const root = fileURLToPath(new URL("..", import.meta.url));

/** The source of each entry of the package, by its subpath. */
const { "./package.json": _, ...subpaths } = manifest.exports;
const entries = Object.fromEntries(
  Object.entries(subpaths).map(([subpath, { types }]) => [
    subpath,
    types.replace("./dist/types/", "").replace(".d.ts", ".ts"),
  ]),
);

/** A program of the documentation, and where it is from. */
export interface Example {
  readonly from: string;
  readonly code: string;
}

const FENCE = /^```(\w+)\n([\s\S]*?)^```$/gm;

/** The blocks of a Markdown text that are fenced as `language`. */
export function blocksOf(text: string, language: string): string[] {
  return Array.from(text.matchAll(FENCE)).flatMap(([, name, code]) => (name === language ? [code!] : []));
}

/** The TypeScript blocks of a document. */
export async function documentExamples(path: string): Promise<Example[]> {
  const blocks = blocksOf(await readFile(join(root, path), "utf8"), "ts");
  return blocks.map((code, i) => ({ from: `${path}, block ${i + 1}`, code }));
}

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
  types: ["node", "@webgpu/types"],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noUnusedLocals: true,
  skipLibCheck: true,
  noEmit: true,
  allowJs: true,
  resolveJsonModule: true,
  allowImportingTsExtensions: true,
  baseUrl: root,
  paths: Object.fromEntries(
    Object.entries(entries).map(([subpath, source]) => [subpath.replace(".", manifest.name), [source]]),
  ),
};

export interface Export {
  readonly subpath: string;
  readonly name: string;
  /** Whether it exists at run time. */
  readonly isValue: boolean;
  /** The description of its docstring, and its examples. */
  readonly description: string;
  readonly examples: readonly Example[];
}

/** Everything that the entries export, with its docstring. */
export function readExports(): Export[] {
  const files = Object.values(entries).map((path) => join(root, path));
  const program = ts.createProgram([...files, join(root, "host/assets.d.ts")], options);
  const checker = program.getTypeChecker();
  return Object.entries(entries).flatMap(([subpath, path]) => {
    const file = checker.getSymbolAtLocation(program.getSourceFile(join(root, path))!)!;
    return checker.getExportsOfModule(file).map((symbol): Export => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const docs = docstrings(symbol, target);
      const from = `${subpath.replace(".", manifest.name)}: ${symbol.name}`;
      return {
        subpath,
        name: symbol.name,
        isValue: (target.flags & ts.SymbolFlags.Value) !== 0,
        description: docs.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "").join("\n"),
        examples: docs
          .flatMap(({ tags }) => tags ?? [])
          .filter(({ tagName }) => tagName.text === "example")
          .flatMap(({ comment }) => blocksOf(`${ts.getTextOfJSDocComment(comment)}\n`, "ts"))
          .map((code) => ({ from, code })),
      };
    });
  });
}

/** The docstrings of a declaration, or of the statement that exports a namespace. */
function docstrings(symbol: ts.Symbol, target: ts.Symbol): ts.JSDoc[] {
  const namespaces = (symbol.declarations ?? []).filter(ts.isNamespaceExport).map(({ parent }) => parent);
  const nodes = namespaces.length > 0 ? namespaces : (target.declarations ?? []);
  return nodes.flatMap((node) => ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc));
}

/** Writes examples where `exacta` resolves to the package itself, and returns their files in the same order. */
async function writeExamples(examples: readonly Example[]): Promise<{ folder: string; files: string[] }> {
  const folder = join(root, ".cache/examples", String(process.pid));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files = examples.map((_, i) => join(folder, `example${i}.ts`));
  // An example is a module even if it imports nothing.
  await Promise.all(files.map((file, i) => writeFile(file, `${examples[i]!.code}\nexport {};\n`)));
  return { folder, files };
}

const RUN = `import { format } from "node:util";
const answers = [];
for (const file of process.argv.slice(2)) {
  const lines = [];
  console.log = (...values) => void lines.push(...format(...values).split("\\n"));
  try {
    await import(file);
    answers.push({ lines });
  } catch (error) {
    answers.push({ lines, error: String(error) });
  }
}
process.stdout.write(JSON.stringify(answers));
`;

/**
 * Type-checks examples against the sources and runs them on the built package.
 * @returns One complaint for each type error, each error at run time, and each example whose output is not what the comments
 * behind its calls of \`console.log\` say.
 */
export async function complaintsAbout(examples: readonly Example[]): Promise<string[]> {
  const { folder, files } = await writeExamples(examples);
  try {
    const program = ts.createProgram([...files, join(root, "host/assets.d.ts")], options);
    const wrong = files.flatMap((path, i) => {
      const source = program.getSourceFile(path)!;
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
        ({ messageText, start }) =>
          `${examples[i]!.from}, line ${source.getLineAndCharacterOfPosition(start!).line + 1}: ` +
          ts.flattenDiagnosticMessageText(messageText, " "),
      );
    });
    const scripts = await Promise.all(
      files.map(async (file, i) => {
        const script = file.replace(/ts$/, "mjs");
        const { outputText } = ts.transpileModule(examples[i]!.code, { compilerOptions: options });
        await writeFile(script, outputText);
        return script;
      }),
    );
    await writeFile(join(folder, "run.mjs"), RUN);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "run.mjs"), ...scripts]);
    const answers = JSON.parse(stdout) as { lines: string[]; error?: string }[];
    const failed = answers.flatMap(({ lines, error }, i) => {
      const { from, code } = examples[i]!;
      if (error) return [`${from}: ${error}`];
      const promised = promisedLines(code);
      const printed = lines.join("\n");
      return promised === printed ? [] : [`${from}: expected output\n${promised}\ngot\n${printed}`];
    });
    return [...wrong, ...failed];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The output that an example promises: comments behind `console.log(...)`, and lines of comment directly below those. */
export function promisedLines(code: string): string {
  let follows = false;
  return code
    .split("\n")
    .flatMap((line) => {
      const comment = /(?<before>.*)\/\/ (?<text>.*)$/.exec(line)?.groups;
      const prints = line.includes("console.log(");
      const promises = prints || (follows && comment?.["before"]!.trim() === "");
      follows = promises;
      return promises && comment ? [comment["text"]!] : [];
    })
    .join("\n");
}
