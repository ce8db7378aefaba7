/**
 * Node's `crypto` where there is one, else `undefined`: the browser folders hash and verify with it when they can and with
 * @noble otherwise. `process.getBuiltinModule` is Node's way to ask without importing (an import would break browsers).
 */
export interface NativeCrypto {
  hash(algorithm: string, data: Uint8Array | string, encoding: 'buffer'): Uint8Array;
  hash(algorithm: string, data: Uint8Array | string, encoding: 'latin1' | 'hex' | 'utf16le'): string;
  hash(algorithm: string, data: Uint8Array, options: { outputEncoding: 'buffer'; outputLength: number }): Uint8Array;
  hash(algorithm: string, data: Uint8Array, options: { outputEncoding: 'utf16le'; outputLength: number }): string;
  createPublicKey(options: { key: unknown; format: 'der'; type: 'spki' }): unknown;
  /** The public key of a private one. */
  createPublicKey(privateKey: unknown): { export(options: { format: 'der'; type: 'spki' }): Uint8Array };
  createPrivateKey(options: { key: unknown; format: 'der'; type: 'pkcs8' }): unknown;
  sign(algorithm: null, data: Uint8Array, key: unknown): Uint8Array;
  verify(algorithm: null, data: Uint8Array, key: unknown, signature: Uint8Array): boolean;
}

interface Host {
  process?: { getBuiltinModule?: (id: string) => unknown };
}

export const nativeCrypto = (globalThis as Host).process?.getBuiltinModule?.('node:crypto') as NativeCrypto | undefined;
