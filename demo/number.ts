// Numbers as the page writes them.

/** An integer with a comma after every three digits and a true minus sign. */
export function numberText(value: number | string): string {
  return BigInt(value).toLocaleString("en").replace("-", "−");
}

/** A count with its noun: `1 way`, `2 ways`. */
export function counted(count: number | string, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${Number(count) === 1 ? one : many}`;
}

/** A share in percent, with a space that does not break the line. */
export function percentText(share: number, digits = 3): string {
  return `${Number((100 * share).toPrecision(digits))}\u00a0%`;
}

/** The seed after a seed, as its decimal digits. */
export function nextSeed(seed: string): string {
  return String(BigInt.asUintN(64, BigInt(seed) + 1n));
}

/** Terms with their signs between them: `33 − 15 + 19`. */
export function termsText([first, ...others]: readonly number[]): string {
  const rest = others.map((term) => `${term < 0 ? "−" : "+"} ${numberText(Math.abs(term))}`);
  return [numberText(first!), ...rest].join(" ");
}
