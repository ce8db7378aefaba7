/** A transaction of Arweave, made and signed by its own library. */
import { generateKeyPairSync } from 'node:crypto';
import library from 'arweave';
import type { JsonObject } from '../../src/core/json.ts';

/** As the network has it, without the data. @param signed members that are signed as they are given */
export async function rawTransaction(
  text: string,
  signed: { quantity?: string; reward?: string; last_tx?: string; target?: string } = {},
): Promise<JsonObject> {
  const api = library.init({});
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }) as Parameters<typeof api.transactions.sign>[1];
  const transaction = await api.createTransaction({ data: text, last_tx: 'A'.repeat(64), reward: '1000' }, key);
  Object.assign(transaction, signed);
  transaction.addTag('App-Name', 'veiltrail');
  await api.transactions.sign(transaction, key);
  const { data: _data, chunks: _chunks, ...rest } = transaction.toJSON() as Record<string, unknown>;
  return JSON.parse(JSON.stringify(rest)) as JsonObject;
}
