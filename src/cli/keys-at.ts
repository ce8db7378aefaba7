/** What the commands about API keys work on: a server, or a data directory. The same steps, the same answers. */
import type { KeyInfo, KeyRequest, Keys } from '../access/manage-keys.ts';
import { type AdministrationClient, createAdministrationClient } from '../sdk/administration.ts';
import { VeiltrailError } from '../core/errors.ts';
import { dataDirOf, readKey } from './connection.ts';
import { grantHere, grantRotation } from './grant-key.ts';
import type { PermitOptions } from './request-desk.ts';

export interface KeysOptions {
  data?: string;
  url?: string;
  key?: string;
}

type Made = { key: string; info: KeyInfo };

export interface KeysHere {
  create(request: KeyRequest, permit: PermitOptions): Promise<Made>;
  list(): Promise<KeyInfo[]>;
  rotate(id: string, overlapHours: number, permit: PermitOptions): Promise<Made>;
  /** @throws VeiltrailError `key_remote` for reasons where no server puts them on record */
  revoke(id: string, why: Pick<PermitOptions, 'purpose' | 'reference'>): Promise<KeyInfo>;
}

const hourMs = 3_600_000;

export function keysAt(options: KeysOptions): KeysHere {
  return options.url === undefined ? keysIn(dataDirOf(options)) : keysOf(options.url, readKey(options.key));
}

function keysIn(dataDir: string): KeysHere {
  const manage = async <T>(use: (keys: Keys) => T): Promise<T> => {
    const { openKeys } = await import('../access/manage-keys.ts');
    const { systemClock } = await import('../core/clock.ts');
    const { systemRandom } = await import('../core/random.ts');
    const { editDataDir } = await import('../server/seal-at-rest.ts');
    return editDataDir(dataDir, () => use(openKeys(dataDir, { clock: systemClock, random: systemRandom })));
  };
  return {
    create: async (request, permit) => (await grantHere(dataDir, request, permit)) ?? manage((keys) => keys.create(request)),
    list: () => manage((keys) => keys.list()),
    rotate: async (id, overlapHours, permit) =>
      (await grantRotation(dataDir, id, overlapHours * hourMs, permit)) ?? manage((keys) => keys.rotate(id, overlapHours * hourMs)),
    revoke(id, { purpose, reference }) {
      if (purpose !== undefined || reference !== undefined)
        throw new VeiltrailError('key_remote', 'a server puts on record why: use --url and --key, or leave --purpose and --reference out');
      return manage((keys) => keys.revoke(id));
    },
  };
}

function keysOf(url: string, key: string): KeysHere {
  const client: AdministrationClient = createAdministrationClient({ url, key });
  const made = ({ key: text, ...info }: Record<string, unknown>): Made => ({ key: text as string, info: info as unknown as KeyInfo });
  return {
    create: async (request, { request: approved, purpose, reference }) =>
      made(
        await client.createKey({
          ...request,
          ...(approved === undefined ? {} : { request: approved }),
          ...(purpose === undefined ? {} : { purpose }),
          ...(reference === undefined ? {} : { reference }),
        }),
      ),
    list: async () => (await client.keys()) as unknown as KeyInfo[],
    rotate: async (id, overlapHours, { request, purpose, reference }) =>
      made(
        await client.rotateKey(id, {
          overlapHours,
          ...(request === undefined ? {} : { request }),
          ...(purpose === undefined ? {} : { purpose }),
          ...(reference === undefined ? {} : { reference }),
        }),
      ),
    revoke: async (id, { purpose, reference }) =>
      (await client.revokeKey(id, {
        ...(purpose === undefined ? {} : { purpose }),
        ...(reference === undefined ? {} : { reference }),
      })) as unknown as KeyInfo,
  };
}
