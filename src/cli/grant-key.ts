/** Making a key on a data directory where that takes two. */
import { readAccessFile } from '../access/access-file.ts';
import type { KeyInfo, KeyRequest, Keys } from '../access/manage-keys.ts';
import type { Role } from '../access/roles.ts';
import { isGrant, permitGrant } from '../app/permit-grant.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { localPerson, permitOf, type PermitOptions } from './request-desk.ts';
import { withTrailHere } from './trail-here.ts';

type Made = { key: string; info: KeyInfo };

/**
 * Makes the key with a second person's approval, on record.
 * @returns undefined where a single person may make it
 * @throws VeiltrailError as `RequestDesk.permit`; `approval_needed` where a server has the directory, since it is the server's to ask
 */
export function grantHere(dataDir: string, request: KeyRequest, permit: PermitOptions): Promise<Made | undefined> {
  return grant(dataDir, permit, { role: request.role, detailOf: (keys) => keys.grantOf(request), make: (keys) => keys.create(request) });
}

/** The same for a key in the place of another one: whoever rotates a key has its rights from then on. */
export async function grantRotation(dataDir: string, id: string, overlapMs: number, permit: PermitOptions): Promise<Made | undefined> {
  const row = readAccessFile(dataDir).find((one) => one.id === id);
  return row && grant(dataDir, permit, { role: row.role, detailOf: () => ({ rotates: id }), make: (keys) => keys.rotate(id, overlapMs) });
}

interface Grant {
  role: Role;
  detailOf: (keys: Keys) => JsonObject;
  make: (keys: Keys) => Made;
}

async function grant(dataDir: string, permit: PermitOptions, { role, detailOf, make }: Grant): Promise<Made | undefined> {
  if (!isGrant(role) || !(await needsTwo(dataDir))) return undefined;
  const { isDataDirInUse } = await import('../storage/data-dir.ts');
  if (isDataDirInUse(dataDir))
    throw new VeiltrailError(
      'approval_needed',
      'this needs a second person, and a server has the directory: make the key there, at POST /api/v1/keys',
    );
  const { openKeys } = await import('../access/manage-keys.ts');
  const { systemClock } = await import('../core/clock.ts');
  const { systemRandom } = await import('../core/random.ts');
  return withTrailHere(dataDir, async (trail) => {
    const keys = openKeys(dataDir, { clock: systemClock, random: systemRandom });
    const by = localPerson(undefined);
    const permission = await permitGrant(trail.requests, role, detailOf(keys), { ...by, ...permitOf(permit) });
    const made = make(keys);
    await trail.keyChanges.tell({ id: by.principal, role: 'admin' }, made.info.id, {
      permission,
      ...(permit.purpose === undefined ? {} : { purpose: permit.purpose }),
      ...(permit.reference === undefined ? {} : { reference: permit.reference }),
    });
    return made;
  });
}

async function needsTwo(dataDir: string): Promise<boolean> {
  const { readRequests } = await import('../server/requests.ts');
  const opened = readRequests(dataDir);
  try {
    return opened.book.needsTwo(opened.mode);
  } finally {
    opened.close();
  }
}
