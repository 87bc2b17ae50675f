// Typed text as values. Text that is not a number stays text, so that the check of the experiment can refuse it by name.

/** A number such as `1e6` or `1_000_000`; other text, or nothing, as it is. */
export function readNumber<Text extends string | undefined>(text: Text): number | Text {
  return text !== undefined && /^[+-]?\d[\d_]*(\.\d+)?(e[+-]?\d+)?$/i.test(text)
    ? Number(text.replaceAll("_", ""))
    : text;
}

/** The most numbers of one range in a list. */
const MAX_RANGE = 1000;

/** The numbers of a list of numbers and ranges, such as `4,6,8..10`. */
export function readList(text: string): unknown[] {
  return text.split(",").flatMap((part) => {
    const range = /^\s*(\d+)\.\.(\d+)\s*$/.exec(part);
    if (!range) return [readNumber(part.trim())];
    const [from, to] = [Number(range[1]), Number(range[2])];
    // A reversed or vast range stays text, which every check refuses.
    if (from > to || to - from > MAX_RANGE) return [part.trim()];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/**
 * The request that holds the fields that are given. Typed text may be of any kind, so the type is a claim; the experiment's own
 * check of the request refuses what does not fit.
 */
export function given<Request>(fields: { readonly [Name in keyof Request]?: unknown }): Request {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Request;
}
