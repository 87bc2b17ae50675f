// Integers of any size: a number where that is exact (up to 2^53 - 1 in magnitude), otherwise a bigint. Numbers are the fast
// case. JavaScript compares numbers with bigints exactly, so that comparisons need no functions.

/** An integer: a number up to 2^53 in magnitude, or a bigint. */
export type Whole = number | bigint;

/** A bigint as a number where that is exact. */
function whole(value: bigint): Whole {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export function add(a: Whole, b: Whole): Whole {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return whole(BigInt(a) + BigInt(b));
}

export function subtract(a: Whole, b: Whole): Whole {
  if (typeof a === "number" && typeof b === "number") {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return whole(BigInt(a) - BigInt(b));
}

export function times(a: Whole, b: number): Whole {
  if (typeof a === "number") {
    const product = a * b;
    // 0 times a negative number is 0 and not -0.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return whole(BigInt(a) * BigInt(b));
}

/** The greatest integer that is at most a / b, for a positive b. */
export function floorDivide(a: Whole, b: number): Whole {
  if (typeof a === "number" && Number.isSafeInteger(a)) return Math.floor(a / b) + 0;
  const [dividend, divisor] = [BigInt(a), BigInt(b)];
  const quotient = dividend / divisor;
  return whole(dividend < 0n && quotient * divisor !== dividend ? quotient - 1n : quotient);
}

export function least(a: Whole, b: Whole): Whole {
  return b < a ? b : a;
}

export function greatest(a: Whole, b: Whole): Whole {
  return b > a ? b : a;
}

/** An integer for JSON: a number where that is exact, otherwise its decimal digits. */
export function toJson(value: Whole): number | string {
  const exact = add(value, 0);
  return typeof exact === "number" ? exact : String(exact);
}
