// Canvases in the pixels of the screen.

import { useLayoutEffect } from "preact/hooks";
import type { Rgb } from "../parts/ramp.ts";

/** Gives a canvas as many pixels as the screen has for it, and returns how many these are for each pixel of CSS. */
export function fitCanvas(canvas: HTMLCanvasElement): number {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) =>
    Math.max(1, Math.round(size * ratio)),
  ) as [number, number];
  // Setting a size clears the canvas.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return ratio;
}

/** The color of the text of an element. */
export function inkOf(element: Element): Rgb {
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(element).color.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}

/** Calls `redraw` when the size of an element or the color scheme changes. */
export function useRedraw(element: { readonly current: HTMLElement | null }, redraw: () => void): void {
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => redraw());
    if (element.current) observer.observe(element.current);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", redraw);
    };
  }, []);
}
