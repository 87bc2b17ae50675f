// The views of the page, in the order of its story. A view is loaded when it is first opened.

import type { View } from "./session.ts";

/** A view of any inputs. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyView = View<any>;

const modules = {
  digits: () => import("./views/digits.tsx"),
  sums: () => import("./views/sums.tsx"),
  odds: () => import("./views/odds.tsx"),
  precision: () => import("./views/precision.tsx"),
  ticket: () => import("./views/ticket.tsx"),
  speed: () => import("./views/speed.tsx"),
};

export type ViewName = keyof typeof modules;

export const viewNames = Object.keys(modules) as readonly ViewName[];

/** The title of each view in the bar. */
export const titles: Record<ViewName, string> = {
  digits: "Digits",
  sums: "Sums",
  odds: "Odds",
  precision: "Precision",
  ticket: "Ticket",
  speed: "Speed",
};

export async function loadView(name: ViewName): Promise<AnyView> {
  return (await modules[name]()).view;
}
