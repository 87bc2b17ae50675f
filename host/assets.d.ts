/// <reference types="vite/types/importMeta.d.ts" />

/** A program linked from WESL modules, as WGSL (scripts/wesl.ts). */
declare module "*.wesl?wgsl" {
  const source: string;
  export default source;
}

/** A WESL module without imports, which is WGSL, as text. */
declare module "*.wesl?raw" {
  const source: string;
  export default source;
}

/** A WGSL file as text. */
declare module "*.wgsl?raw" {
  const source: string;
  export default source;
}

/** A Python program as text. */
declare module "*.py?raw" {
  const source: string;
  export default source;
}

/** A style sheet as text. */
declare module "*.css?raw" {
  const source: string;
  export default source;
}

/** A script as text. */
declare module "*.js?raw" {
  const source: string;
  export default source;
}

/** An AssemblyScript module, compiled to WebAssembly, in hexadecimal digits. */
declare module "*?wasm" {
  const hex: string;
  export default hex;
}

/** A C program as text. */
declare module "*.c?raw" {
  const source: string;
  export default source;
}
