/**
 * Gives the memory of a buffer back now. What a buffer holds is outside of the heap, so its size hardly moves the collector of the thread it
 * was moved to: dozens of megabytes that nobody needs would wait for a collection that does not come.
 */
export function freeBuffer(buffer: ArrayBuffer): void {
  if (!buffer.detached) buffer.transfer(0);
}

/** The same for bytes that have a large buffer for themselves; others may share theirs (what a socket read, `Buffer.poolSize`) and are left alone. */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > sharedBytesMax && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) freeBuffer(buffer);
}

/** What a socket reads at a time, the largest of buffers that are shared. */
const sharedBytesMax = 65_536;
