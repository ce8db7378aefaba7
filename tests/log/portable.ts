/** The log as a browser runs it: the same modules, loaded where there is no Node crypto to be found. */
import { vi } from 'vitest';

export async function importPortable<T>(load: () => Promise<T>): Promise<T> {
  const native = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never);
  vi.resetModules();
  try {
    const { nativeCrypto } = await import('../../src/core/native-crypto.ts');
    if (nativeCrypto !== undefined) throw new Error('the portable modules still see Node’s crypto');
    return await load();
  } finally {
    native.mockRestore();
    vi.resetModules();
  }
}
