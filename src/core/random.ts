/** Randomness, as a port: a simulation brings a seeded one, everything else uses the system's. */
export interface Random {
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array;
}

interface WebCrypto {
  getRandomValues(array: Uint8Array): Uint8Array;
}

const chunkMax = 65_536; // WebCrypto's own limit for one call

export const systemRandom: Random = {
  bytes(length) {
    const out = new Uint8Array(length);
    const { crypto } = globalThis as unknown as { crypto: WebCrypto };
    for (let at = 0; at < length; at += chunkMax) crypto.getRandomValues(out.subarray(at, at + chunkMax));
    return out;
  },
};
