/** Making a key on a data directory where that takes two. */
import type { KeyInfo, KeyRequest } from '../access/manage-keys.ts';
import { isGrant, permitGrant } from '../app/permit-grant.ts';
import { VeiltrailError } from '../core/errors.ts';
import { localPerson, permitOf, type PermitOptions } from './request-desk.ts';

/**
 * Makes the key with a second person's approval, on record.
 * @returns undefined where a single person may make it
 * @throws VeiltrailError as `RequestDesk.permit`; `approval_needed` where a server has the directory, since it is the server's to ask
 */
export async function grantHere(dataDir: string, request: KeyRequest, permit: PermitOptions): Promise<{ key: string; info: KeyInfo } | undefined> {
  if (!isGrant(request.role) || !(await needsTwo(dataDir))) return undefined;
  const { isDataDirInUse } = await import('../storage/data-dir.ts');
  if (isDataDirInUse(dataDir))
    throw new VeiltrailError(
      'approval_needed',
      'this needs a second person, and a server has the directory: make the key there, at POST /api/v1/keys',
    );
  const { openTrail } = await import('../server/compose.ts');
  const { openKeys } = await import('../access/manage-keys.ts');
  const { systemClock } = await import('../core/clock.ts');
  const { systemRandom } = await import('../core/random.ts');
  const trail = await openTrail({ dataDir, workers: 1 });
  try {
    const keys = openKeys(dataDir, { clock: systemClock, random: systemRandom });
    const by = localPerson(undefined);
    const permission = await permitGrant(trail.requests, request.role, keys.grantOf(request), { ...by, ...permitOf(permit) });
    const made = keys.create(request);
    await trail.keyChanges.tell({ id: by.principal, role: 'admin' }, made.info.id, permission);
    return made;
  } finally {
    await trail.close();
  }
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
