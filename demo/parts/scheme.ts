// Whether the page is dark, for canvases: they are painted anew when that changes.

import { signal } from "@preact/signals";

const query = matchMedia("(prefers-color-scheme: dark)");

export const isDark = signal(query.matches);

query.addEventListener("change", () => (isDark.value = query.matches));
