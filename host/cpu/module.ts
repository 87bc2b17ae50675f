// The module of the WebAssembly kernels.

import hex from "./wasm/index.ts?wasm";

/** The value of a hexadecimal digit by its code: `0` to `9` are 48 to 57, `a` to `f` are 97 to 102. */
const digitOf = (code: number): number => code - (code < 58 ? 48 : 87);

function bytesOf(digits: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = 16 * digitOf(digits.charCodeAt(2 * i)) + digitOf(digits.charCodeAt(2 * i + 1));
  return bytes;
}

export const compileKernels = (): Promise<WebAssembly.Module> => WebAssembly.compile(bytesOf(hex));

let module: Promise<WebAssembly.Module> | undefined;

/** The compiled module, which all threads share. */
export const kernelModule = (): Promise<WebAssembly.Module> => (module ??= compileKernels());
