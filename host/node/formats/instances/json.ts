// JSON: an instance or a list of instances. An own parser, since a refusal names the place of a number, and a number is read as
// it is written: JSON.parse rounds it.

import { decimalText, NumberFault, readNumber } from "../../../../src/numbers.ts";
import { ITEM, TARGET } from "../../../../src/solve/problem.ts";
import type { Parsed } from "./instance.ts";
import { PlacedError } from "./refusal.ts";
import { numberOf, type Num, type Reading } from "./values.ts";

/** A value of JSON with its place in the text. */
type Node = { readonly at: number } & (
  | { readonly kind: "number" | "string"; readonly text: string }
  | { readonly kind: "list"; readonly elements: readonly Node[] }
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, Node> }
  | { readonly kind: "literal"; readonly value: boolean | null }
);
type ListNode = Extract<Node, { readonly kind: "list" }>;

/** An instance that is not read yet, so that a fault of one does not hide the others. */
export interface Unread {
  /** The index of its first character. */
  readonly at: number;
  /** What the text gives for it; undefined for a comment. */
  readonly read: () => Parsed | undefined;
}

/** The deepest nesting. */
const MAX_DEPTH = 1000;

/** Whether brackets that a line opens are still open at its end, so that it is the first line of a longer text. */
export function isOpen(line: string): boolean {
  let depth = 0;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (character === '"') i = (endOfString(line, i) ?? line.length) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
  }
  return depth > 0;
}

/**
 * The instances of a JSON text: an object with items, a list of items, or a list of these.
 * @throws {PlacedError} where the text is no JSON.
 */
export function readJson(text: string, reading: Reading): Unread[] {
  const plain = reading.decimals ? undefined : plainInstance(text);
  if (plain) return [{ at: 0, read: () => plain }];
  const root = new Parser(text).parse();
  const instances = root.kind === "list" && isListOfInstances(root) ? root.elements : [root];
  return instances.map((node) => ({ at: node.at, read: () => parsedOf(node, reading) }));
}

const NAMES: Pick<Parsed, "nameOf" | "targetPlace"> = {
  nameOf: (list, index) => (list === "target" ? list : `${list}.${index}`),
  targetPlace: 'write it as "target" beside "items"',
};

/** An object of integers with at most 15 digits, as JSON.parse reads it; undefined for anything else. */
function plainInstance(text: string): Parsed | undefined {
  if (/\d[.eE]|\d{16}/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { items, target, targets, profits, id } = value as Record<string, unknown>;
  if (!isIntegers(items) || (targets !== undefined && !isIntegers(targets))) return undefined;
  if (profits !== undefined && !isIntegers(profits)) return undefined;
  if (target !== undefined && typeof target !== "number") return undefined;
  if (id !== undefined && typeof id !== "string" && typeof id !== "number") return undefined;
  return {
    items: items.map(unsigned),
    target: target === undefined ? undefined : unsigned(target),
    targets: targets?.map(unsigned),
    profits: profits?.map(unsigned),
    id,
    ...NAMES,
  };
}

function isIntegers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((element) => typeof element === "number");
}

/** The number, without the sign of -0. */
const unsigned = (value: number) => value + 0;

/** Whether a list holds instances; otherwise it holds the items of one. */
function isListOfInstances({ at, elements }: ListNode): boolean {
  const [first] = elements;
  if (!first) throw new PlacedError(at, "instances", "at least one", []);
  return first.kind === "list" || (first.kind === "object" && first.fields.has("items"));
}

function parsedOf(node: Node, reading: Reading): Parsed {
  const fields = node.kind === "object" ? node.fields : new Map([["items", node]]);
  if (node.kind !== "object" && node.kind !== "list")
    throw new PlacedError(node.at, "instance", "an object with items and a target", shown(node));
  const list = fields.get("items");
  const { items, labels } = itemsOf(list, node, reading);
  const target = fields.get("target");
  const targets = fields.get("targets");
  const profits = fields.get("profits");
  return {
    items,
    labels,
    target: target && fieldNumber(target, "target", TARGET, reading),
    targets:
      targets &&
      elementsOf(targets, "targets").map((one, i) => fieldNumber(one, `targets.${i}`, TARGET, reading)),
    profits:
      profits &&
      elementsOf(profits, "profits").map((one, i) =>
        fieldNumber(one, `profits.${i}`, ITEM, { ...reading, decimals: false }),
      ),
    id: idOf(fields.get("id"), "id"),
    ...NAMES,
  };
}

/** The items of a list, each a number or an object of a label and a value. */
function itemsOf(
  list: Node | undefined,
  parent: Node,
  reading: Reading,
): { items: Num[]; labels: (string | null)[] | undefined } {
  if (!list) throw new PlacedError(parent.at, "items", "a list of numbers", undefined);
  const labels: (string | null)[] = [];
  const items = elementsOf(list, "items").map((element, i) => {
    if (element.kind !== "object") {
      labels.push(null);
      return fieldNumber(element, `items.${i}`, ITEM, reading);
    }
    const { fields } = element;
    const value = fields.get("value");
    const label = fields.get("label");
    if (!value || !label)
      throw new PlacedError(
        element.at,
        `items.${i}`,
        'a number, or an object with "label" and "value"',
        shown(element),
      );
    labels.push(String(idOf(label, `items.${i}.label`)));
    return fieldNumber(value, `items.${i}.value`, ITEM, reading);
  });
  return { items, labels: labels.some((label) => label !== null) ? labels : undefined };
}

function elementsOf(node: Node, field: string): readonly Node[] {
  if (node.kind !== "list") throw new PlacedError(node.at, field, "a list of numbers", shown(node));
  return node.elements;
}

/** A number, or a text that holds one. A number of JSON has a decimal point, whatever the notation of texts is. */
function fieldNumber(node: Node, field: string, range: string, reading: Reading): Num {
  const role = { field, range };
  if (node.kind === "number") return numberOf(node, { ...reading, notation: "plain" }, role);
  if (node.kind === "string") return numberOf({ text: node.text.trim(), at: node.at + 1 }, reading, role);
  throw new PlacedError(node.at, field, reading.decimals ? "a number" : range, shown(node));
}

function idOf(node: Node | undefined, field: string): string | number | undefined {
  if (!node || node.kind === "string") return node?.text;
  const number = node.kind === "number" ? readNumber(node.text, "plain") : undefined;
  if (number && !(number instanceof NumberFault) && typeof number.digits === "number")
    return Number(decimalText(number.digits, number.places));
  throw new PlacedError(node.at, field, "a text, or a number of at most 2^53", shown(node));
}

/** A value as an error shows it. */
function shown(node: Node): unknown {
  if (node.kind === "list") return node.elements.map(shown);
  if (node.kind === "object")
    return Object.fromEntries([...node.fields].map(([name, field]) => [name, shown(field)]));
  return node.kind === "literal" ? node.value : node.text;
}

/** Parses JSON, in which a word may be any number that `readNumber` takes, such as 0x1F, and not only one of JSON. */
class Parser {
  readonly #text: string;
  #at: number;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith("\ufeff") ? 1 : 0;
  }

  /** @throws {PlacedError} where the text is not one value of JSON. */
  parse(): Node {
    const root = this.#value(0);
    if (this.#next() !== undefined) throw this.#error("nothing behind the value");
    return root;
  }

  /** The next character that is not blank; undefined at the end. */
  #next(): string | undefined {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
    return this.#text[this.#at];
  }

  /** Takes a character, if it is the next one that is not blank. */
  #take(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  #error(expected: string): PlacedError {
    const rest = this.#text.slice(this.#at, this.#at + 20);
    return new PlacedError(
      this.#at,
      "JSON",
      expected,
      rest || undefined,
      "write one object a line, or one JSON text",
    );
  }

  #value(depth: number): Node {
    const first = this.#next();
    const at = this.#at;
    if (depth > MAX_DEPTH) throw this.#error(`at most ${MAX_DEPTH} brackets within each other`);
    if (first === '"') return { kind: "string", at, text: this.#string() };
    if (first === "[") return { kind: "list", at, elements: this.#list(depth) };
    if (first === "{") return { kind: "object", at, fields: this.#fields(depth) };
    const word = /[^\s,:[\]{}"]*/y;
    word.lastIndex = at;
    const [text] = word.exec(this.#text)!;
    const number = readNumber(text, "plain");
    const literal = literals.get(text);
    if (literal === undefined && number instanceof NumberFault && number.kind !== "size")
      throw this.#error("a value of JSON");
    this.#at += text.length;
    return literal === undefined ? { kind: "number", at, text } : { kind: "literal", at, value: literal };
  }

  #list(depth: number): Node[] {
    const elements: Node[] = [];
    this.#at++;
    if (this.#take("]")) return elements;
    for (;;) {
      elements.push(this.#value(depth + 1));
      if (this.#take("]")) return elements;
      if (!this.#take(",")) throw this.#error("a comma or ]");
    }
  }

  #fields(depth: number): Map<string, Node> {
    const fields = new Map<string, Node>();
    this.#at++;
    if (this.#take("}")) return fields;
    for (;;) {
      if (this.#next() !== '"') throw this.#error("a name in double quotes");
      const name = this.#string();
      if (!this.#take(":")) throw this.#error("a colon");
      // The last one of a name counts, as for JSON.parse.
      fields.set(name, this.#value(depth + 1));
      if (this.#take("}")) return fields;
      if (!this.#take(",")) throw this.#error("a comma or }");
    }
  }

  #string(): string {
    try {
      const end = endOfString(this.#text, this.#at);
      const value: unknown = JSON.parse(this.#text.slice(this.#at, end));
      this.#at = end!;
      return value as string;
    } catch {
      // It has no end, a control character, or an escape that JSON does not have.
      throw this.#error("a string of JSON");
    }
  }
}

const literals = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** The index behind a string that begins at `start`; undefined for one without an end. */
function endOfString(text: string, start: number): number | undefined {
  for (let end = start + 1; (end = text.indexOf('"', end)) >= 0; end++) {
    let escapes = 0;
    while (text[end - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return undefined;
}
