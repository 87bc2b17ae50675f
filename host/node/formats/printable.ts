// Text that cannot act on a terminal.

/** Control characters of the sets C0 and C1, line separators, and marks that change the direction of text. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * A line with the characters as `\\u001b` by which names in it could move the cursor of a terminal, change its settings or hide
 * text. JSON stays the same value.
 */
export function printable(line: string): string {
  return line.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
