// The contract of a kernel: parameters, buffers, and the plain sequential definition that every engine must equal.

/** 32-bit words as kernels read them. */
export type Words = Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Values of parameters by name, each a u32. */
export type Values<Param extends string> = Readonly<Record<Param, number>>;

/** One buffer of 32-bit words, bound in the order of the contract's `buffers`, after the uniform parameters. */
interface BufferContract<Param extends string, Access extends "read" | "read_write"> {
  readonly type: "u32" | "i32";
  readonly access: Access;
  /** Its length in words. */
  length(params: Values<Param>): number;
}

/** A kernel with parameters `Param` that reads the buffers `Input` and writes the buffer `Output`. */
export interface Contract<Param extends string, Input extends string, Output extends string> {
  readonly name: string;
  /** The u32 fields of the shader's `struct Params`, in order. */
  readonly params: readonly Param[];
  readonly buffers: {
    readonly [Name in Input | Output]: BufferContract<Param, Name extends Output ? "read_write" : "read">;
  };
  /** The definition: writes every word of the output. */
  twin(params: Values<Param>, buffers: Readonly<Record<Input | Output, Int32Array | Uint32Array>>): void;
}

/** Any kernel, for code that serves all of them and looks names up as text. */
export interface Kernel {
  readonly name: string;
  readonly params: readonly string[];
  readonly buffers: Readonly<Record<string, BufferContract<string, "read" | "read_write">>>;
  twin(params: Values<string>, buffers: Readonly<Record<string, Int32Array | Uint32Array>>): void;
}

/** The parameters of a kernel as the words of its `struct Params`. */
export function packParams(kernel: Pick<Kernel, "params">, params: Values<string>): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(kernel.params, (name) => params[name]!);
}
