// The open view, and the address of the page.
//
// `?view=<name>&<input>=<value>...` names a view and its inputs. `engine` and `embed` are inputs of the whole page. Moving to
// another view and changing an input make entries of the browser's history.

import { signal } from "@preact/signals";
import { RequestError } from "../src/errors.ts";
import { choiceField, switchField } from "./fields.ts";
import { messageOf } from "./message.ts";
import { openSession, readInputs, writeInputs, type OpenSession, type Problems } from "./session.ts";
import { loadView, viewNames, type AnyView, type ViewName } from "./views.ts";
import { pageEngines } from "./worker/orders.ts";

/** The inputs of the whole page: the engine of every view, and whether the page is part of another one. */
const fields = { engine: choiceField("auto", pageEngines), embed: switchField(false) };

interface OpenView {
  readonly name: ViewName;
  readonly view: AnyView;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly session: OpenSession<any>;
}

/** What Share offers of the open view. */
export interface Exports {
  /** The command line that prints the same integers. */
  readonly command: string;
  /** The label of the command where it does not compute the same. */
  readonly label?: string;
  /** What is shown, as records of plain values: JSON, and a row of CSV for each. */
  readonly records: () => readonly object[];
  /** The picture as the text of an SVG document. */
  readonly picture: () => string | Promise<string>;
}

const open = signal<OpenView | undefined>(undefined);
const problems = signal<Problems>({});
const failure = signal("");
const inputs = signal(readInputs({ fields }, new URLSearchParams(location.search)).inputs);
/** Set by the open view (`useExports` in answer.ts). */
export const exported = signal<Exports | undefined>(undefined);

/** The state of the page, which its parts read. */
export const page = { open, problems, failure, inputs } as const;

/** The views that were opened before, which keep their inputs. */
const opened = new Map<ViewName, OpenView>();

/** The first inputs of version 0.1, whose only view was Odds and had no name. */
const FIRST_NAMES = ["ensemble", "bits", "items", "targets", "trials"];

/** The view of an address. @throws {RequestError} There is no view of that name. */
function viewOf(params: URLSearchParams): ViewName {
  const name = params.get("view");
  if (name !== null) return choiceField("digits", viewNames).read(name, "view");
  return FIRST_NAMES.some((first) => params.has(first)) ? "odds" : "digits";
}

/** The address of a view with its inputs. */
function addressOf({ name, view, session }: OpenView): string {
  const params = new URLSearchParams();
  if (name !== "digits") params.set("view", name);
  writeInputs(view.fields, session.inputs.value, params);
  writeInputs(fields, inputs.value, params);
  // Legible where escapes are not needed.
  const query = String(params).replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
  return query ? `?${query}` : location.pathname;
}

function writeAddress(address: string, follows: boolean): void {
  if (new URL(address, location.href).href === location.href) return;
  // The history of a frame is that of the page around it.
  if (follows || inputs.value.embed) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

/** Opens the view of an address with its inputs. A wrong name of a view opens the first one. */
async function openAddress(): Promise<void> {
  const params = new URLSearchParams(location.search);
  const read = readInputs({ fields }, params);
  // A name of an address may be one that every object has.
  const wrong: Record<string, string> = Object.assign(Object.create(null), read.problems);
  inputs.value = read.inputs;
  let name: ViewName = "digits";
  try {
    name = viewOf(params);
  } catch (error) {
    wrong["view"] = messageOf(error);
  }
  const shown = await find(name, params);
  if (!shown) return;
  shown.session.read(params);
  show(shown);
  const names = ["view", ...Object.keys(fields), ...Object.keys(shown.view.fields)];
  if (!wrong["view"])
    for (const given of new Set(params.keys())) {
      const { length } = params.getAll(given);
      if (!names.includes(given)) wrong[given] = `${given}: expected one of ${names.join(", ")}`;
      else if (length > 1) wrong[given] = messageOf(new RequestError(given, "one value", length));
    }
  problems.value = wrong;
}

let asked: ViewName | undefined;

/** Loads a view; undefined where it cannot be loaded, or another one was asked for meanwhile. */
async function find(name: ViewName, params: URLSearchParams): Promise<OpenView | undefined> {
  asked = name;
  try {
    const known = opened.get(name) ?? newView(name, await loadView(name), params);
    opened.set(name, known);
    return asked === name ? known : undefined;
  } catch (error) {
    if (asked === name)
      failure.value = `The view ${name} cannot be loaded: ${messageOf(error)}. Reload the page.`;
    return undefined;
  }
}

function show(view: OpenView): void {
  failure.value = "";
  if (open.value !== view) exported.value = undefined;
  open.value = view;
}

function newView(name: ViewName, view: AnyView, params: URLSearchParams): OpenView {
  const session = openSession(view, params, (follows) => {
    problems.value = {};
    writeAddress(addressOf(shown), follows);
  });
  const shown: OpenView = { name, view, session };
  return shown;
}

/** Moves to a view, which has the inputs that it had when it was last open. */
export async function openView(name: ViewName): Promise<void> {
  await openWith(name, {});
}

/** Moves to a view, and changes some of its inputs. */
export async function openWith(name: ViewName, changes: Readonly<Record<string, unknown>>): Promise<void> {
  const found = await find(name, new URLSearchParams());
  if (!found) return;
  found.session.set(changes);
  problems.value = {};
  // Unless the changes made this entry of the history.
  writeAddress(addressOf(found), false);
  show(found);
  scrollTo(0, 0);
}

/** Changes the engine of all views. */
export function setEngine(engine: (typeof pageEngines)[number]): void {
  inputs.value = { ...inputs.value, engine };
  problems.value = {};
  if (open.value) writeAddress(addressOf(open.value), false);
}

/** The address of what is shown, whole. */
export function shownAddress(): string {
  return new URL(open.value ? addressOf(open.value) : "", location.href).href;
}

/** Opens the view of the address, now and when the visitor goes back or forward. */
export function startPage(): void {
  addEventListener("popstate", () => void openAddress());
  void openAddress();
}
