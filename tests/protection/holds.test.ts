/** Holds: what they cover, that they outlast a restart, that nobody's id is in them, and who set them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { HoldRequest } from '../../src/app/holds.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { OpenTrail } from '../../src/server/compose.ts';
import { append, asked, directory, event, told, tokenAt, withTrail } from './protected-trail.ts';

const timeout = 300_000;

async function isHeld(trail: OpenTrail, request: Parameters<OpenTrail['dataProtection']['planErasure']>[0]): Promise<string | undefined> {
  return (await trail.dataProtection.planErasure(request, asked)).held;
}

async function heldRedaction(trail: OpenTrail, leafIndex: number): Promise<string | undefined> {
  return (await trail.dataProtection.planRedaction({ places: [{ leafIndex, pointers: ['/action'] }] }, asked)).held;
}

test(
  'a hold covers records by subject, actor, log, time and query, and vault rows that such records bear',
  async () => {
    await withTrail(directory(), async (trail) => {
      const leaves = await append(trail, [
        event('jane'),
        event('omar', { targets: [{ type: 'user', id: 'u-17' }] }),
        event('omar', { message: 'asked about u-17, then about u-178' }),
        event('omar', { time: '2020-02-03T04:05:06Z' }),
        event('omar', { action: 'key.rotate' }),
      ]);
      const [jane, asTarget, inText, old, rotated] = leaves as [number, number, number, number, number];
      await append(trail, [event('omar')], 'payments');
      const token = await tokenAt(trail, jane, 'email');
      const omars = await tokenAt(trail, asTarget, 'email');
      const covered: [HoldRequest, number[]][] = [
        [{ name: 'token', why: 'w', subject: [token] }, [jane]],
        [{ name: 'id', why: 'w', subject: ['u-17'] }, [jane, asTarget, inText]],
        [{ name: 'id-as-typed', why: 'w', subject: ['U-17'] }, [jane, asTarget, inText]],
        [{ name: 'actor', why: 'w', actor: ['u-17'] }, [jane]],
        [{ name: 'actor-token', why: 'w', actor: [omars] }, [asTarget, inText, old, rotated]],
        [{ name: 'log', why: 'w', log: 'default' }, leaves],
        [{ name: 'other-log', why: 'w', log: 'payments' }, []],
        [{ name: 'time', why: 'w', since: '2020-01-01T00:00:00Z', until: '2021-01-01T00:00:00Z' }, [old]],
        [{ name: 'received', why: 'w', since: '2025-01-01T00:00:00Z' }, leaves],
        [{ name: 'future', why: 'w', since: '2999-01-01T00:00:00Z' }, []],
        [{ name: 'query', why: 'w', query: 'action:key.rotate' }, [rotated]],
        [{ name: 'all-of-it', why: 'w', query: 'action:file.read', subject: ['u-17'], log: 'default' }, [jane, asTarget, inText]],
      ];
      for (const [request, held] of covered) {
        await trail.dataProtection.setHold(request, 'officer-1');
        for (const leafIndex of leaves)
          expect(await heldRedaction(trail, leafIndex), `${request.name}, leaf ${leafIndex}`).toBe(
            held.includes(leafIndex) ? request.name : undefined,
          );
        await trail.dataProtection.liftHold(request.name, asked);
        expect(await heldRedaction(trail, jane)).toBeUndefined();
      }
      // A row of the vault: its own hold, one of a record that bears it, and none of somebody else.
      const unlink = { mode: 'unlink', tokens: [token] } as const;
      for (const request of [
        { name: 'row', why: 'w', subject: [token] },
        { name: 'row-query', why: 'w', query: 'actor.id:u-17' },
        { name: 'row-log', why: 'w', log: 'default' },
      ]) {
        await trail.dataProtection.setHold(request, 'officer-1');
        expect(await isHeld(trail, unlink)).toBe(request.name);
        await trail.dataProtection.liftHold(request.name, asked);
      }
      await trail.dataProtection.setHold({ name: 'row-other', why: 'w', log: 'payments' }, 'officer-1');
      expect(await isHeld(trail, unlink)).toBeUndefined();
      expect(await isHeld(trail, { mode: 'unlink', tokens: [omars] })).toBe('row-other');
    });
  },
  timeout,
);

test(
  'a hold outlasts a restart, covers what comes in later, and is an event',
  async () => {
    const dataDir = directory();
    await withTrail(dataDir, async (trail) => {
      await append(trail, [event('omar')]);
      const info = await trail.dataProtection.setHold(
        { name: 'case-7', why: 'claim 7', reference: 'C-7', subject: ['u-17'], query: 'action:file.read' },
        'officer-1',
      );
      expect(info).toMatchObject({ name: 'case-7', setBy: 'officer-1', covers: { ids: 1, query: 'action:file.read' } });
    });
    await withTrail(dataDir, async (trail) => {
      const [leaf = -1] = await append(trail, [event('jane')]);
      expect(await heldRedaction(trail, leaf)).toBe('case-7');
      const [set] = await told(trail, 'hold.set');
      expect(set).toMatchObject({
        outcome: 'success',
        purpose: 'claim 7',
        targets: [{ type: 'hold', id: 'case-7' }],
        metadata: { covers: { ids: 1 }, reference: 'C-7' },
      });
      expect(JSON.stringify(set)).not.toContain('file.read'); // the query may quote somebody: only its digest is told
      expect(JSON.stringify(set)).not.toContain('u-17');
      await trail.dataProtection.liftHold('case-7', asked);
      const [lifted] = await told(trail, 'hold.lift');
      expect(lifted).toMatchObject({ outcome: 'success', actor: { id: 'local:test' }, metadata: { permitted: 'single-person' } });
      expect(trail.dataProtection.holds()).toMatchObject([{ name: 'case-7', liftedBy: 'local:test', covers: {} }]);
    });
    const sealed = readFileSync(join(dataDir, 'holds.sealed'));
    expect(sealed.includes('case-7')).toBe(false);
    // Whoever changes a byte of it is noticed.
    const text = sealed.toString();
    writeFileSync(join(dataDir, 'holds.sealed'), `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`);
    await expect(withTrail(dataDir, async () => undefined)).rejects.toThrow(expect.objectContaining({ code: 'sealed_text_damaged' }));
  },
  timeout,
);

test(
  'a hold that was taken away, or put back to an older state, stops removals until it is there again',
  async () => {
    const dataDir = directory();
    const file = join(dataDir, 'holds.sealed');
    let older = Buffer.alloc(0);
    await withTrail(dataDir, async (trail) => {
      await append(trail, [event('jane'), event('omar')]);
      await trail.dataProtection.setHold({ name: 'case-1', why: 'w', log: 'default' }, 'x');
      await trail.dataProtection.liftHold('case-1', asked);
      // The policy of `_system` may take a name for a person's.
      await trail.dataProtection.setHold({ name: 'jane.roe', why: 'w', query: 'action:none' }, 'x');
      expect((await told(trail, 'hold.set'))[0]).toMatchObject({ metadata: { holdDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string } });
      older = readFileSync(file);
      await trail.dataProtection.setHold({ name: 'case-2', why: 'w', subject: ['u-17'] }, 'x');
    });
    const right = readFileSync(file);
    const erase = (trail: OpenTrail): Promise<unknown> => trail.dataProtection.eraseSubject({ mode: 'erase', ids: ['u-178'] }, asked);
    writeFileSync(file, older);
    await withTrail(dataDir, (trail) =>
      expect(erase(trail)).rejects.toThrow(expect.objectContaining({ code: 'holds_missing', detail: { hold: 'case-2' } })),
    );
    writeFileSync(file, right);
    await withTrail(dataDir, async (trail) => expect(await erase(trail)).toMatchObject({ removal: { records: 1 } }));
  },
  timeout,
);

test(
  'what is no hold is refused',
  async () => {
    await withTrail(directory(), async (trail) => {
      const { dataProtection } = trail;
      await append(trail, [event('jane')]);
      const codeOf = (request: HoldRequest): Promise<string> =>
        dataProtection.setHold(request, 'x').then(
          () => 'set',
          (error: VeiltrailError) => error.code,
        );
      expect(await codeOf({ name: 'a', why: 'w' })).toBe('hold_scope');
      expect(await codeOf({ name: 'Jane Roe', why: 'w', log: 'default' })).toBe('hold_request');
      expect(await codeOf({ name: 'a', why: ' ', log: 'default' })).toBe('hold_request');
      expect(await codeOf({ name: 'a', why: 'w', since: 'yesterday' })).toBe('hold_scope');
      expect(await codeOf({ name: 'a', why: 'w', subject: ['--'] })).toBe('hold_scope');
      expect(await codeOf({ name: 'a', why: 'w', query: '(' })).toBe('query_syntax');
      // What could never cover anything.
      expect(await codeOf({ name: 'a', why: 'w', log: 'nosuch' })).toBe('hold_scope');
      expect(await codeOf({ name: 'a', why: 'w', since: '2026-02-01T00:00:00Z', until: '2026-02-01T01:00:00+01:00' })).toBe('hold_scope');
      expect(await codeOf({ name: 'a', why: 'w', query: 'action:x email:"jane@example.com"' })).toBe('hold_scope');
      expect(await codeOf({ name: 'a', why: 'w', log: 'default' })).toBe('set');
      expect(await codeOf({ name: 'a', why: 'w', log: 'default' })).toBe('hold_exists');
      await expect(dataProtection.liftHold('b', asked)).rejects.toThrow(expect.objectContaining({ code: 'hold_unknown' }));
      await dataProtection.liftHold('a', asked);
      await expect(dataProtection.liftHold('a', asked)).rejects.toThrow(expect.objectContaining({ code: 'hold_lifted' }));
    });
  },
  timeout,
);
