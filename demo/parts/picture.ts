// A picture of the page as a document of its own.

/** The properties of style sheets that a picture takes along. */
const PROPERTIES = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
] as const;

/** The text of an SVG document with the colors that an element has on the page now. */
export function svgText(shown: SVGSVGElement): string {
  const copy = shown.cloneNode(true) as SVGSVGElement;
  const elements = [shown, ...shown.querySelectorAll("*")];
  for (const [i, element] of [copy, ...copy.querySelectorAll<SVGElement>("*")].entries()) {
    const style = getComputedStyle(elements[i]!);
    element.removeAttribute("class");
    for (const name of PROPERTIES) element.style.setProperty(name, style.getPropertyValue(name));
  }
  const { width, height } = shown.getBoundingClientRect();
  copy.setAttribute("width", String(Math.round(width)));
  copy.setAttribute("height", String(Math.round(height)));
  copy.style.background = getComputedStyle(document.documentElement).backgroundColor;
  return new XMLSerializer().serializeToString(copy);
}
