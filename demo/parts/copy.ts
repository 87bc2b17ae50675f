// Copies a text.

import { useEffect, useState } from "preact/hooks";

/** Milliseconds for which a copied text is said to be copied. */
const SAID_MS = 2000;

/** A function that copies a text, and how that went lately. A page that is not served over HTTPS has no clipboard. */
export function useCopy(): { readonly state: "" | "copied" | "refused"; copy: (text: string) => void } {
  const [state, setState] = useState<"" | "copied" | "refused">("");
  useEffect(() => {
    if (state !== "copied") return undefined;
    const timer = setTimeout(() => setState(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [state]);
  async function copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("refused");
    }
  }
  return { state, copy: (text) => void copy(text) };
}
