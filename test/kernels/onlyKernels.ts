// An edit of the entries of the WebAssembly of all kernels, after which fewer of them are compiled.

/** Leaves out all exports but those of the memory and of some kernels, which halves the time of compiling. */
export const onlyKernels = (text: string, kernels: readonly string[]): string =>
  text.replaceAll(/^export \{[^}]*\} from "\.\/(\w+)";$/gm, (line, file: string) =>
    ["memory", ...kernels].includes(file) ? line : "",
  );
