// What the module of all kernels exports beside the kernels. scripts/assemblyscript.ts adds the function of every kernel's file,
// which host/cpu/worker.js calls by the name of the kernel.

export { heapBase, isExhausted } from "./memory";
// These read lines of instances, answer them and write findings, in one memory.
export { readJson, readText, writeFindings } from "./lines";
export { answerColumns, answerPlain } from "./plain";
// These are called by the benchmark and by a test alone.
export { chooseShapes, countTrials, drawTrials, reachPrefix } from "./reach";
