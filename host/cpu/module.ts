// The module of the WebAssembly kernels.

import base64 from "./wasm/index.ts?wasm";

export const compileKernels = (): Promise<WebAssembly.Module> =>
  WebAssembly.compile(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));

let module: Promise<WebAssembly.Module> | undefined;

/** The compiled module, which all threads share. */
export const kernelModule = (): Promise<WebAssembly.Module> => (module ??= compileKernels());
