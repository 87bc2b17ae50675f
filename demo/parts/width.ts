// The width of an element, which follows the page.

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** The width of an element in pixels. */
export function useWidth(ref: RefObject<Element | null>): number {
  const [width, setWidth] = useState(320);
  useLayoutEffect(() => {
    const element = ref.current!;
    const measure = () => setWidth(element.getBoundingClientRect().width);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}
