/** Finding a person, and the report on one: everything that is held, what is not theirs, how long it stays, and who touched it. */
import { expect, test } from 'vitest';
import { formatReportPage } from '../../src/app/report-page.ts';
import type { SubjectReport } from '../../src/app/report-subject.ts';
import { append, asked, directory, event, told, tokenAt, withTrail } from './protected-trail.ts';

const timeout = 300_000;

test(
  'a person is found by id, token and value, with the tokens beside the id, and without those of others',
  async () => {
    await withTrail(directory(), async (trail) => {
      const approver = 'boss@example.com';
      const [jane = -1, omar = -1] = await append(trail, [
        // The boss stands beside both: an address that is in nobody's own.
        event('jane', { actor: { type: 'user', id: 'u-17', email: 'jane.roe@example.com', name: 'Jane Roe', approverEmail: approver } }),
        event('omar', { actor: { type: 'user', id: 'u-178', email: 'omar.haddad@example.com', approverEmail: approver } }),
        event('omar', { message: 'mail to jane.roe@example.com about u-17' }),
        event('omar', { message: 'U-17 and u-178 and xu-17' }),
      ]);
      await append(trail, [event('jane', { outcome: 'denied' })], 'payments');
      const [email, name, omars] = [await tokenAt(trail, jane, 'email'), await tokenAt(trail, jane, 'name'), await tokenAt(trail, omar, 'email')];
      const find = async (request: object): Promise<SubjectReport> => trail.dataProtection.reportSubject(request, asked);

      const byId = await find({ ids: ['u-17'] });
      expect(byId.tokens).toHaveLength(2);
      expect(byId.tokens).toContainEqual(expect.objectContaining({ token: email, by: 'beside', kind: 'email', records: 3 }));
      expect(byId.tokens).toContainEqual(expect.objectContaining({ token: name, by: 'beside', kind: 'person_name', records: 2 }));
      expect(byId.notMeant).toMatchObject([{ because: 'beside another id', paths: ['actor.approverEmail'] }]);
      expect(byId.ids).toMatchObject({ records: 3, paths: ['actor.id', 'message'] });
      expect(byId.records.map(({ log, leafIndex }) => `${log} ${leafIndex}`).toSorted()).toEqual(['default 0', 'default 2', 'payments 0']);

      const byToken = await find({ tokens: [email] });
      expect(byToken.records).toHaveLength(3);
      expect(byToken.tokens.map(({ token }) => token)).toEqual([email]);
      expect(byToken.records.find(({ leafIndex, log }) => log === 'default' && leafIndex === 2)?.paths).toEqual(['/message']);

      // Looked up, on record as a look-up; spelt otherwise, it is the same value.
      const byValue = await find({ values: [{ kind: 'email', value: 'Jane.Roe@Example.com' }] });
      expect(byValue.tokens).toMatchObject([{ token: email, by: 'value', records: 3 }]);
      expect(await told(trail, 'token.find')).toHaveLength(1);

      expect((await find({ ids: ['u-17'], field: 'actor.id' })).records).toHaveLength(3); // with the tokens' own
      expect((await find({ ids: ['u-17'], field: 'actor.id', linked: false })).records).toHaveLength(2);
      expect((await find({ ids: ['u-17'], logs: ['payments'] })).records).toMatchObject([{ log: 'payments', outcome: 'denied' }]);

      for (const [request, code] of [
        [{}, 'subject_request'],
        [{ ids: ['-'] }, 'subject_request'],
        [{ ids: ['u-17'], field: 'a b' }, 'subject_request'],
        [{ tokens: ['tok_short'] }, 'subject_request'],
        [{ ids: ['nobody-1'] }, 'subject_unknown'],
        [{ tokens: [`tok_${'A'.repeat(27)}`] }, 'subject_unknown'],
        [{ values: [{ kind: 'email', value: 'nobody@example.com' }] }, 'subject_unknown'],
        [{ ids: ['u-17'], logs: ['none'] }, 'log_unknown'],
      ] as const) {
        await expect(find(request), JSON.stringify(request)).rejects.toThrow(expect.objectContaining({ code }));
      }
      // That nothing is held is an answer, too.
      expect((await told(trail, 'subject.find'))[0]).toMatchObject({ actor: { id: 'local:test' }, metadata: { records: 0 } });
      expect(omars).not.toBe(email);
    });
  },
  timeout,
);

test(
  'a report shows values only when asked to, who touched them, and how long they stay; it is on record',
  async () => {
    await withTrail(directory(), async (trail) => {
      const [jane = -1] = await append(trail, [
        event('jane'),
        event('jane', { time: '2020-02-03T04:05:06Z', category: 'authentication', message: '<script>alert(1)</script>' }),
      ]);
      const token = await tokenAt(trail, jane, 'email');
      await trail.dataProtection.applyRetention(
        'version: 1\nrules: [{name: logins, category: authentication, keep: 90 days, basis: "art. 5 & more"}]\n',
        asked,
      );
      trail.access.read({ action: 'event.read', principal: 'reader-1', outcome: 'success', log: 'default' }, { leaves: [jane] });
      trail.access.read({ action: 'event.read', principal: 'reader-2', outcome: 'success', log: 'default' }, { leaves: [77] });
      await trail.lookUps.reveal({ ...asked, tokens: [token], purpose: 'claim', reference: 'C-1' });
      await trail.access.flush();

      const veiled = await trail.dataProtection.reportSubject({ ids: ['u-17'] }, asked);
      expect(veiled.tokens.every(({ value }) => value === undefined)).toBe(true);
      expect(JSON.stringify(veiled)).not.toContain('jane.roe');
      expect(veiled.logs).toMatchObject([{ log: 'default', records: 2 }]);
      expect(veiled.logs[0]?.keeps).toContainEqual({ rule: 'logins', keep: '90 days', basis: 'art. 5 & more', records: 1 });
      expect(veiled.logs[0]?.keeps).toContainEqual({ rule: 'no rule', keep: 'forever', basis: '', records: 1 });
      expect(veiled.records.filter(({ keptUntil }) => keptUntil !== undefined)).toHaveLength(1);
      expect(veiled.touched.map(({ action, by }) => [action, by])).toContainEqual(['event.read', 'reader-1']);
      expect(veiled.touched.map(({ by }) => by)).not.toContain('reader-2');
      expect(veiled.touched).toContainEqual(expect.objectContaining({ action: 'token.reveal', by: 'local:test', reference: 'C-1' }));

      const open = await trail.dataProtection.reportSubject({ ids: ['u-17'], reveal: true }, asked);
      expect(new Set(open.tokens.map(({ value }) => value))).toEqual(new Set(['Jane Roe', 'jane.roe@example.com']));
      expect((await told(trail, 'token.reveal')).length).toBe(2);
      const [report] = await told(trail, 'subject.report');
      expect(report).toMatchObject({ category: 'data_export', metadata: { revealed: 2, records: 2 } });
      expect(JSON.stringify(report)).not.toContain('jane.roe');

      const page = formatReportPage({
        ...open,
        tokens: [...open.tokens, { token: 'tok_x', by: 'value', records: 0, paths: ['a"b'], kind: '<b>', value: '</td><script>x</script>' }],
      });
      expect(page).toContain('jane.roe@example.com');
      expect(page).not.toMatch(/<script|<b>|href=|src=|https?:/);
      expect(page).toContain('art. 5 &#38; more');
      // When it happened, and when it was heard of.
      expect(page.replaceAll(/<[^>]*>/g, ' ')).toMatch(/2020-02-03 04:05:06 +received +20/);
    });
  },
  timeout,
);
