// What a kernel is to everybody but its author: parameters, buffers and the plain sequential answer.

/** One buffer of 32-bit words, bound in the order of the contract's `buffers`, after the uniform parameters. */
interface BufferContract<Param extends string> {
  readonly type: "u32" | "i32";
  readonly access: "read" | "read_write";
  /** Its length in words. */
  readonly length: (params: Readonly<Record<Param, number>>) => number;
}

export interface Kernel<Param extends string = string, Buffer extends string = string> {
  readonly name: string;
  /** The u32 fields of the shader's `struct Params`, in order. */
  readonly params: readonly Param[];
  readonly buffers: Readonly<Record<Buffer, BufferContract<Param>>>;
  /** The definition: writes every word of every `read_write` buffer. */
  readonly twin: (
    params: Readonly<Record<Param, number>>,
    buffers: Readonly<Record<Buffer, Int32Array | Uint32Array>>,
  ) => void;
}

/** The parameters of a kernel as the words of its `struct Params`. */
export function packParams<Param extends string>(
  kernel: Pick<Kernel<Param>, "params">,
  params: Readonly<Record<Param, number>>,
): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(kernel.params, (name) => params[name]);
}
