// What happens between two ReLUs: one affine map, composed operator by operator.

import { RequestError } from "../../errors.ts";
import { largestOf, type GivenLayer } from "../given.ts";
import { quoted } from "../text.ts";

/** A matrix that is applied, of shape [rows, columns], row by row. */
export interface Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** A copy, which is changed. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Whether its numbers are integers in the model. */
  readonly integer: boolean;
  /** Factors of its rows, or one for all of them. */
  readonly scales: Float64Array<ArrayBuffer>;
}

/** A layer of which we know whether all numbers in the model were integers. */
export interface ClosedLayer {
  readonly layer: GivenLayer;
  readonly exact: boolean;
  /** Whether its matrix is one of the model, and not one that only carries factors. */
  readonly hasMatrix: boolean;
}

/** The most products of two matrices that follow one another. */
const MAX_PRODUCTS = 2 ** 33;

/**
 * The map x -> scale (M x) + bias of the outputs of the layer before. Lists of one number stand for the same number in every
 * row. As long as no operator needs them, M is the identity and the numbers of rows and columns are not known.
 */
export class Affine {
  /** Shape [rows, columns], row by row; undefined for the identity. */
  private readonly matrix: Float64Array<ArrayBuffer> | undefined;
  private readonly columns: number;
  private readonly scale: Float64Array<ArrayBuffer>;
  private readonly bias: Float64Array<ArrayBuffer> | undefined;
  /** The name of the matrix. */
  readonly name: string;
  /** Whether all numbers of the matrix are integers, in the model as well. */
  readonly integer: boolean;
  /** Whether all numbers so far were integers in the model. All numbers here are then integers. */
  readonly exact: boolean;

  private constructor(parts: {
    matrix: Float64Array<ArrayBuffer> | undefined;
    columns: number;
    scale: Float64Array<ArrayBuffer>;
    bias: Float64Array<ArrayBuffer> | undefined;
    name: string;
    integer: boolean;
    exact: boolean;
  }) {
    this.matrix = parts.matrix;
    this.columns = parts.columns;
    this.scale = parts.scale;
    this.bias = parts.bias;
    this.name = parts.name;
    this.integer = parts.integer;
    this.exact = parts.exact;
  }

  static identity(): Affine {
    return new Affine({
      matrix: undefined,
      columns: NaN,
      scale: Float64Array.of(1),
      bias: undefined,
      name: "",
      integer: true,
      exact: true,
    });
  }

  private with(
    changes: Partial<Pick<Affine, "name" | "integer" | "exact">> & {
      matrix?: Float64Array<ArrayBuffer>;
      columns?: number;
      scale?: Float64Array<ArrayBuffer>;
      bias?: Float64Array<ArrayBuffer> | undefined;
    },
  ): Affine {
    const { matrix, columns, scale, bias, name, integer, exact } = this;
    const next = new Affine({ matrix, columns, scale, bias, name, integer, exact, ...changes });
    if (next.exact) for (const list of [next.scale, next.bias ?? []]) checkExact(next.name, list);
    return next;
  }

  /** Whether there is a matrix, and not only factors and shifts. */
  get hasMatrix(): boolean {
    return this.matrix !== undefined;
  }

  /** The number of weights of a layer of `rows` outputs. */
  weightsOf(rows: number): number {
    return this.matrix?.length ?? rows * rows;
  }

  /** Whether the map changes nothing. */
  get isIdentity(): boolean {
    return !this.matrix && !this.bias && this.scale.every((factor) => factor === 1);
  }

  /** Whether the map multiplies rows by factors above 0 and adds shifts, so that the larger of two numbers stays the larger. */
  get isIncreasing(): boolean {
    return !this.matrix && this.scale.every((factor) => factor > 0);
  }

  get hasShifts(): boolean {
    return this.bias?.some((value) => value !== 0) ?? false;
  }

  /** Whether the map turns numbers of 0 or more into such numbers. */
  get keepsSigns(): boolean {
    return !this.matrix && [this.scale, this.bias ?? []].every((list) => list.every((value) => value >= 0));
  }

  /** The same map where factors and shifts repeat after `period` rows; undefined where they differ. */
  periodic(period: number): Affine | undefined {
    const first = (list: Float64Array<ArrayBuffer>) => {
      if (list.length === 1) return list;
      return list.every((value, row) => value === list[row % period]) ? list.slice(0, period) : undefined;
    };
    const scale = first(this.scale);
    const bias = this.bias && first(this.bias);
    if (this.matrix || !scale || (this.bias && !bias)) return undefined;
    return this.with({ scale, bias });
  }

  /** The factors and shifts of rows, picked by their indices. A list of one number stays. */
  picked(indices: readonly number[]): Affine {
    const pick = (list: Float64Array<ArrayBuffer>) =>
      list.length === 1 ? list : Float64Array.from(indices, (row) => list[row]!);
    return this.with({ scale: pick(this.scale), bias: this.bias && pick(this.bias) });
  }

  /** The map of each block of `points` rows, one row for each; undefined where the rows of a block differ. */
  ofBlocks(points: number): Affine | undefined {
    if (this.matrix) return undefined;
    if (points === 1) return this;
    const areAlike = (list: Float64Array) =>
      list.length === 1 || list.every((value, row) => value === list[row - (row % points)]);
    if (!areAlike(this.scale) || (this.bias && !areAlike(this.bias))) return undefined;
    const rows = Math.max(this.scale.length, this.bias?.length ?? 1) / points;
    return this.picked(Array.from({ length: Math.max(Math.floor(rows), 1) }, (_, block) => block * points));
  }

  /** Applies factors and shifts behind this map. */
  followedBy({ scale, bias, exact }: Affine): Affine {
    const scaled = this.scaled(scale, exact);
    return bias ? scaled.shifted(bias, exact) : scaled;
  }

  /** Multiplies rows by factors: one, or one for each row. */
  scaled(factors: Float64Array<ArrayBuffer>, exact: boolean): Affine {
    return this.with({
      scale: combined(this.scale, factors, (x, y) => x * y),
      bias: this.bias && combined(this.bias, factors, (x, y) => x * y),
      exact: this.exact && exact,
    });
  }

  /** Adds shifts: one, or one for each row. */
  shifted(shifts: Float64Array<ArrayBuffer>, exact: boolean): Affine {
    return this.with({
      bias: this.bias ? combined(this.bias, shifts, (x, y) => x + y) : shifts,
      exact: this.exact && exact,
    });
  }

  /**
   * Applies a matrix.
   * @throws {RequestError} For products of two matrices that would take too long, and for integers beyond 2^53.
   */
  times(next: Matrix): Affine {
    const { name, rows, columns, values, scales } = next;
    const exact = this.exact && next.integer && scales.every((factor) => factor === 1);
    const isUniform = this.scale.every((factor) => factor === this.scale[0]);
    // Factors of columns go into the matrix, one factor for all of them to its rows.
    let integer = next.integer && this.integer;
    const bias = this.bias && dot(values, repeated(this.bias, columns), rows, exact && name);
    if (!isUniform) {
      for (let i = 0; i < values.length; i++) values[i]! *= this.scale[i % columns]!;
      integer &&= this.exact;
      if (exact) checkExact(name, values);
    }
    const uniform = Float64Array.of(isUniform ? this.scale[0]! : 1);
    const shared = {
      scale: combined(scales, uniform, (x, y) => x * y),
      bias: bias && combined(bias, scales, (x, y) => x * y),
      exact,
    };
    if (!this.matrix) return this.with({ ...shared, matrix: values, columns, name, integer });
    const products = values.length * this.columns;
    if (products > MAX_PRODUCTS)
      throw new RequestError(
        `${quoted(this.name)} and ${quoted(name)}`,
        `at most ${MAX_PRODUCTS} products`,
        products,
        "there is no ReLU between these matrices: multiply them before the export",
      );
    integer &&= isExactProduct(values, this.matrix, rows, columns);
    if (exact && !integer) throw beyond(name);
    return this.with({
      ...shared,
      matrix: product(values, this.matrix, rows, columns),
      name: `${this.name} then ${name}`,
      integer,
    });
  }

  /**
   * The map as a layer. A layer of integers with factors that are not keeps them as scales. The numbers of the matrix are
   * changed, so that the map itself is of no use afterwards.
   * @param width The number of rows.
   * @param isShared Whether other maps have the same matrix, which is then copied.
   */
  close(width: number, isShared = false): ClosedLayer {
    const { name, exact, scale, columns } = this;
    const rows = width;
    const weights = (isShared ? this.matrix?.slice() : this.matrix) ?? diagonal(width);
    const layer = {
      name,
      rows,
      columns: this.matrix ? columns : width,
      biases: this.bias && repeated(this.bias, rows),
    };
    const factor = (i: number) => scale[scale.length === 1 ? 0 : Math.floor(i / layer.columns)]!;
    if (this.matrix && this.integer && !exact) {
      for (let i = 0; i < weights.length; i++) weights[i] = weights[i]! * Math.sign(factor(i)) + 0;
      // A row of zeros has any scale.
      const scales = repeated(scale, rows).map((value) => Math.abs(value) || 1);
      return { layer: { ...layer, weights, scales }, exact, hasMatrix: true };
    }
    if (scale.some((value) => value !== 1)) for (let i = 0; i < weights.length; i++) weights[i]! *= factor(i);
    if (exact) checkExact(name, weights);
    return { layer: { ...layer, weights }, exact, hasMatrix: this.hasMatrix };
  }
}

function beyond(name: string, value?: number): RequestError {
  return new RequestError(quoted(name), "integers within 2^53", value ?? "larger ones");
}

function checkExact(name: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) if (!Number.isSafeInteger(values[i])) throw beyond(name, values[i]);
}

/** The number of a row, in a list of one number for all rows or of one for each. */
export function entryOf(list: Float64Array, row: number): number {
  return list[list.length === 1 ? 0 : row]!;
}

/** Combines two such lists row by row. */
function combined(
  a: Float64Array,
  b: Float64Array,
  combine: (x: number, y: number) => number,
): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: Math.max(a.length, b.length) }, (_, row) =>
    combine(entryOf(a, row), entryOf(b, row)),
  );
}

function repeated(list: Float64Array<ArrayBuffer>, rows: number): Float64Array<ArrayBuffer> {
  return list.length === rows ? list : new Float64Array(rows).fill(list[0]!);
}

function diagonal(width: number): Float64Array<ArrayBuffer> {
  const values = new Float64Array(width * width);
  for (let i = 0; i < width; i++) values[i * width + i] = 1;
  return values;
}

/**
 * The product of a matrix by a column.
 * @param exact The name for the error where integers are beyond 2^53; false for real numbers.
 */
function dot(
  values: Float64Array,
  column: Float64Array,
  rows: number,
  exact: string | false,
): Float64Array<ArrayBuffer> {
  const columns = column.length;
  return Float64Array.from({ length: rows }, (_, row) => {
    let [sum, magnitude] = [0, 0];
    for (let i = 0; i < columns; i++) {
      const part = values[row * columns + i]! * column[i]!;
      sum += part;
      magnitude += Math.abs(part);
    }
    if (exact !== false && magnitude > Number.MAX_SAFE_INTEGER) throw beyond(exact, magnitude);
    return sum;
  });
}

/** Whether no sum of a product of two matrices of integers can be beyond 2^53. */
function isExactProduct(a: Float64Array, b: Float64Array, rows: number, inner: number): boolean {
  const columns = b.length / inner;
  const largest = Float64Array.from({ length: inner }, (_, k) =>
    largestOf(b.subarray(k * columns, (k + 1) * columns)),
  );
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += Math.abs(a[row * inner + k]!) * largest[k]!;
    if (!(sum <= Number.MAX_SAFE_INTEGER)) return false;
  }
  return true;
}

/** The product of matrices of shapes [rows, inner] and [inner, columns]. */
function product(a: Float64Array, b: Float64Array, rows: number, inner: number): Float64Array<ArrayBuffer> {
  const columns = b.length / inner;
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < inner; k++) {
      const factor = a[row * inner + k]!;
      for (let column = 0; column < columns; column++)
        result[row * columns + column]! += factor * b[k * columns + column]!;
    }
  return result;
}
