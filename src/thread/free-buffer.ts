/**
 * Gives the memory of a buffer back now. What a buffer holds is outside of the heap, so its size hardly moves the collector of the thread it
 * was moved to: dozens of megabytes that nobody needs would wait for a collection that does not come.
 */
export function freeBuffer(buffer: ArrayBuffer): void {
  if (!buffer.detached) buffer.transfer(0);
}
