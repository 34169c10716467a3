/** Bytes of the heap, and of buffers outside it, that are still in use after a collection; needs `--expose-gc`. */
export function heapInUse(): number {
  if (globalThis.gc === undefined) throw new Error('The heap can only be weighed under --expose-gc.');
  // Twice: the first may only find out what can be finalized.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
