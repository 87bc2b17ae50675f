// Networks and arrays as files, written byte by byte: what the readers read, by other hands.

/** A layer of a network: rows of weights, and a bias for each. */
export interface WrittenLayer {
  readonly weights: readonly (readonly number[])[];
  readonly biases?: readonly number[] | undefined;
}

const encoder = new TextEncoder();

export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

export function doubles(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(values).buffer);
}

/** A file of safetensors; the length of the header is its own unless it is given. */
export function safetensorsFile(
  header: unknown,
  data: Uint8Array = new Uint8Array(),
  length?: bigint,
): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(typeof header === "string" ? header : JSON.stringify(header));
  const word = new Uint8Array(8);
  new DataView(word.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  return join(word, text, data);
}

/** A network as PyTorch's Sequential names it, F64. */
export function safetensorsOf(layers: readonly WrittenLayer[]): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const data: Uint8Array[] = [];
  let end = 0;
  const add = (name: string, shape: number[], values: readonly number[]) => {
    header[name] = { dtype: "F64", shape, data_offsets: [end, (end += 8 * values.length)] };
    data.push(doubles(values));
  };
  layers.forEach(({ weights, biases }, l) => {
    if (biases) add(`${2 * l}.bias`, [biases.length], biases);
    add(`${2 * l}.weight`, [weights.length, weights[0]!.length], weights.flat());
  });
  return safetensorsFile(header, join(...data));
}

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  I8: Int8Array,
  U8: Uint8Array,
  I32: Int32Array,
  I64: BigInt64Array,
};

/** A tensor of a state dict. */
export interface WrittenTensor {
  readonly dtype: keyof typeof arrays | "BOOL";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A state dict as a file of safetensors. */
export function stateDict(
  tensors: Readonly<Record<string, WrittenTensor>>,
  metadata?: Readonly<Record<string, unknown>>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const data: Uint8Array[] = [];
  let end = 0;
  for (const [name, { dtype, shape, values }] of Object.entries(tensors)) {
    const bytes =
      dtype === "I64"
        ? new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
        : new Uint8Array(arrays[dtype === "BOOL" ? "U8" : dtype].from(values).buffer);
    header[name] = { dtype, shape, data_offsets: [end, (end += bytes.length)] };
    data.push(bytes);
  }
  return safetensorsFile(header, join(...data));
}

/** A varint: seven bits a byte, the lowest ones first. */
export function varint(value: number | bigint): Uint8Array {
  if (value >= 0 && value < 128) return Uint8Array.of(Number(value));
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...bytes, Number(rest));
}

/** A field of a protocol buffer: a number as a varint, a text or bytes with their length. */
export function field(number: number, value: number | bigint | string | Uint8Array): Uint8Array {
  if (typeof value === "number" || typeof value === "bigint") return join(varint(8 * number), varint(value));
  const bytes = typeof value === "string" ? encoder.encode(value) : value;
  return join(varint(8 * number + 2), varint(bytes.length), bytes);
}

/** A float of 4 bytes as a field. */
export function floatField(number: number, value: number): Uint8Array {
  return join(varint(8 * number + 5), new Uint8Array(Float32Array.of(value).buffer));
}

/** A tensor of ONNX, F64 with raw bytes. */
export function tensor(name: string, shape: readonly number[], values: readonly number[]): Uint8Array {
  return join(
    ...shape.map((size) => field(1, size)),
    field(2, 11),
    field(8, name),
    field(9, doubles(values)),
  );
}

export interface WrittenNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: readonly Uint8Array[];
  readonly more?: Uint8Array;
}

export function node({ operator, inputs, output, attributes = [], more }: WrittenNode): Uint8Array {
  return join(
    ...inputs.map((name) => field(1, name)),
    field(2, output),
    field(3, `to ${output}`),
    field(4, operator),
    ...attributes.map((attribute) => field(5, attribute)),
    ...(more ? [more] : []),
  );
}

export function integerAttribute(name: string, value: number): Uint8Array {
  return join(field(1, name), field(3, value), field(20, 2));
}

/** A model of ONNX whose input is x and whose output is y. */
export function model(
  nodes: readonly Uint8Array[],
  initializers: readonly Uint8Array[],
  more: Uint8Array = new Uint8Array(),
): Uint8Array<ArrayBuffer> {
  const graph = join(
    ...nodes.map((bytes) => field(1, bytes)),
    field(2, "graph"),
    ...initializers.map((bytes) => field(5, bytes)),
    field(11, field(1, "x")),
    field(12, field(1, "y")),
    more,
  );
  return join(field(1, 8), field(7, graph), field(8, field(2, 17)));
}

/** A network as PyTorch exports it: Gemm with transB, Relu between. */
export function onnxOf(layers: readonly WrittenLayer[]): Uint8Array<ArrayBuffer> {
  const initializers: Uint8Array[] = [];
  const nodes: Uint8Array[] = [];
  layers.forEach(({ weights, biases }, l) => {
    const input = l === 0 ? "x" : `r${l - 1}`;
    const output = l === layers.length - 1 ? "y" : `h${l}`;
    initializers.push(tensor(`w${l}`, [weights.length, weights[0]!.length], weights.flat()));
    if (biases) initializers.push(tensor(`b${l}`, [biases.length], biases));
    nodes.push(
      node({
        operator: "Gemm",
        inputs: [input, `w${l}`, ...(biases ? [`b${l}`] : [])],
        output,
        attributes: [integerAttribute("transB", 1)],
      }),
    );
    if (output !== "y") nodes.push(node({ operator: "Relu", inputs: [output], output: `r${l}` }));
  });
  return model(nodes, initializers);
}

/** JSON of real numbers. */
export function jsonOf(layers: readonly WrittenLayer[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encoder.encode(JSON.stringify({ layers })));
}

/** An array for a file of numpy. */
export interface WrittenArray {
  readonly descr: string;
  /** Rows of numbers; a list for an array of one axis. */
  readonly rows: readonly (readonly (number | bigint)[])[] | readonly (number | bigint)[];
  readonly fortran?: boolean;
  readonly version?: number;
}

/** Writes a number of a type at a place. */
function putNumber(view: DataView, descr: string, at: number, value: number | bigint): void {
  const little = descr[0] !== ">";
  const number = Number(value);
  const writers: Record<string, () => void> = {
    i1: () => view.setInt8(at, number),
    u1: () => view.setUint8(at, number),
    i2: () => view.setInt16(at, number, little),
    u2: () => view.setUint16(at, number, little),
    i4: () => view.setInt32(at, number, little),
    u4: () => view.setUint32(at, number, little),
    i8: () => view.setBigInt64(at, BigInt(value), little),
    u8: () => view.setBigUint64(at, BigInt(value), little),
    f4: () => view.setFloat32(at, number, little),
    f8: () => view.setFloat64(at, number, little),
  };
  writers[descr.slice(1)]!();
}

const isList = (rows: WrittenArray["rows"]): rows is readonly (number | bigint)[] => !Array.isArray(rows[0]);

/** A file of numpy, written by hand. */
export function npyFile({ descr, rows, fortran = false, version = 1 }: WrittenArray): Buffer {
  const shape = isList(rows) ? [rows.length] : [rows.length, (rows[0] as unknown[]).length];
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${tuple}, }`;
  const header = `${text.padEnd(63 - 12 + 64)}\n`;
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(header.length, 0, length.length);
  const size = Number(descr[2]);
  const flat = isList(rows) ? rows : rows.flat();
  const data = Buffer.alloc(flat.length * size);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const columns = shape[1] ?? 1;
  flat.forEach((value, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    putNumber(view, descr, (fortran ? column * shape[0]! + row : i) * size, value);
  });
  return Buffer.concat([
    Buffer.from([0x93, ...Buffer.from("NUMPY"), version, 0]),
    length,
    Buffer.from(header),
    data,
  ]);
}
