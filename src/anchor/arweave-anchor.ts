/**
 * Arweave: the checkpoint as the data of a transaction, signed by a wallet of our own and kept by a network that nobody here rules. The transaction
 * is in the proof, so its signature and its data are verified without asking; the gateway says whether it is there, and the block since when.
 * Proof: {"id","owner","transaction","block"?}: the transaction as the network has it, in JSON; the newest block when it was given away. The transaction
 * is ours, so we may have made it at any time; the block could not be known before it was there.
 */
import type Arweave from 'arweave';
import { utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson, type JsonObject } from '../core/json.ts';
import { verifyArweaveTransaction } from '../verify/arweave.ts';
import { type AnchorTarget, failed, proofText, refused } from './anchor.ts';

export interface ArweaveSettings {
  name: string;
  everyMs: number;
  gateway: string;
  /** The wallet: a JSON Web Key (RSA), as text. */
  wallet: string;
  timeoutMs?: number;
}

const blockPattern = /^[A-Za-z0-9_-]{43,64}$/;

type Wallet = NonNullable<Parameters<Arweave['transactions']['sign']>[1]>;

export function createArweaveTarget({ name, everyMs, gateway, wallet, timeoutMs = 60_000 }: ArweaveSettings): AnchorTarget {
  const { hostname, port, protocol } = new URL(gateway);
  const scheme = protocol.slice(0, -1);
  // Loaded by those who use it.
  const open = async (): Promise<Arweave> => {
    const { default: library } = await import('arweave');
    return library.init({
      host: hostname,
      port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
      protocol: scheme,
      timeout: timeoutMs,
      logging: false,
    });
  };
  const keyOf = (): Wallet => {
    try {
      return JSON.parse(wallet) as Wallet;
    } catch {
      throw refused(name, 'its wallet is not a JSON Web Key');
    }
  };

  return {
    name,
    kind: 'arweave',
    everyMs,
    isBeacon: true,
    async put({ origin, treeSize, checkpoint }) {
      const key = keyOf();
      try {
        const api = await open();
        const transaction = await api.createTransaction({ data: checkpoint }, key);
        transaction.addTag('Content-Type', 'text/plain; charset=utf-8');
        transaction.addTag('App-Name', 'veiltrail');
        transaction.addTag('Origin', origin);
        transaction.addTag('Tree-Size', String(treeSize));
        await api.transactions.sign(transaction, key);
        const { status } = await api.transactions.post(transaction);
        if (status !== 200 && status !== 208) throw failed(name, `the gateway answers with ${status}`);
        const { data: _data, chunks: _chunks, ...rest } = transaction.toJSON() as Record<string, unknown>;
        return {
          id: transaction.id,
          owner: await api.wallets.ownerToAddress(transaction.owner),
          transaction: JSON.parse(JSON.stringify(rest)) as JsonObject,
          ...(await newestBlock()),
        };
      } catch (cause) {
        if (cause instanceof VeiltrailError) throw cause;
        throw failed(name, `the gateway is out of reach (${(cause as Error).message})`, cause);
      }
    },
    async check({ checkpoint, proof }) {
      const id = proofText(proof, 'id');
      const signed = isSigned(id, proof, checkpoint);
      if (signed === undefined) return { ok: undefined, detail: `transaction ${id} is in a form that this version does not know` };
      if (!signed) return { ok: false, detail: `transaction ${id} is not one that signs this checkpoint` };
      try {
        const api = await open();
        const kept = await api.transactions.getData(id, { decode: true, string: true });
        if (kept !== checkpoint) return { ok: false, detail: `transaction ${id} holds something else` };
        const block = proof['block'];
        const seen = typeof block === 'string' ? await blockTime(block) : undefined;
        const notBefore = seen === undefined ? {} : { notBefore: seen };
        const { confirmed } = await api.transactions.getStatus(id);
        // A gateway may know a transaction before its block has a number.
        if (!confirmed?.block_height) return { ok: true, detail: `transaction ${id}, signed and not in a block yet`, ...notBefore };
        const provedAt = await blockTime(confirmed.block_indep_hash);
        return {
          ok: true,
          detail: `transaction ${id}, in block ${confirmed.block_height}${provedAt ? ` of ${provedAt}` : ''}`,
          ...(provedAt ? { provedAt } : {}),
          ...notBefore,
        };
      } catch (cause) {
        throw failed(name, `the gateway is out of reach (${(cause as Error).message})`, cause);
      }
    },
  };

  /** The lower bound is the less that an anchor gives: without one it is an anchor all the same. */
  async function newestBlock(): Promise<{ block?: string }> {
    try {
      const response = await fetch(new URL('info', gateway), { signal: AbortSignal.timeout(timeoutMs) });
      const { value } = parseJson(await response.text());
      return isJsonObject(value) && typeof value.current === 'string' && blockPattern.test(value.current) ? { block: value.current } : {};
    } catch {
      return {};
    }
  }

  async function blockTime(block: string): Promise<string | undefined> {
    // A proof is what somebody wrote into a file: it asks for blocks, and for nothing else.
    if (!blockPattern.test(block)) return undefined;
    const response = await fetch(new URL(`block/hash/${block}`, gateway), { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return undefined;
    const { value } = parseJson(await response.text());
    return isJsonObject(value) && typeof value.timestamp === 'number' ? new Date(value.timestamp * 1_000).toISOString() : undefined;
  }
}

/** Signature, id and data belong together; nobody is asked. Undefined where that cannot be said. */
function isSigned(id: string, { owner, transaction }: JsonObject, checkpoint: string): boolean | undefined {
  try {
    const signed = verifyArweaveTransaction(transaction, utf8(checkpoint));
    return signed.id === id && (owner ?? signed.address) === signed.address;
  } catch (error) {
    return error instanceof VeiltrailError && error.code === 'arweave_unsupported' ? undefined : false;
  }
}
