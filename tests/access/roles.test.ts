import { describe, expect, it } from 'vitest';
import { authorize, mayDo, rights, rightsOf, roleMeanings, roles, rolesWith, type Right, type Role } from '../../src/access/roles.ts';

const table: Record<Role, Right[]> = {
  writer: ['events.append'],
  reader: ['events.read', 'proof.read', 'evidence.export', 'log.list'],
  auditor: [
    'proof.read',
    'evidence.export',
    'log.list',
    'system.read',
    'canary.run',
    'field.read',
    'forwarder.read',
    'request.read',
    'hold.read',
    'retention.read',
    'alert.read',
    'alert.acknowledge',
  ],
  investigator: ['events.read', 'proof.read', 'evidence.export', 'log.list', 'token.search', 'token.reveal', 'request.ask', 'request.read'],
  officer: [
    'proof.read',
    'log.list',
    'field.read',
    'subject.report',
    'subject.erase',
    'value.redact',
    'hold.read',
    'hold.set',
    'retention.read',
    'retention.change',
    'retention.run',
    'request.ask',
    'request.read',
  ],
  approver: ['log.list', 'stop.lift', 'hold.read', 'retention.read', 'request.read', 'request.decide'],
  operator: ['metrics.read', 'canary.run', 'backup.make', 'forwarder.read', 'alert.read', 'alert.acknowledge'],
  admin: [
    'log.list',
    'log.create',
    'key.manage',
    'system.read',
    'field.read',
    'field.classify',
    'forwarder.read',
    'forwarder.set',
    'canary.run',
    'stop.lift',
    'hold.read',
    'retention.read',
    'request.ask',
    'request.read',
  ],
};
/** What is of a single log, or lists logs. */
const ofLogs: readonly Right[] = ['events.append', 'events.read', 'proof.read', 'evidence.export', 'system.read', 'log.list'];
const installationWide: readonly Right[] = rights.filter((right) => !ofLogs.includes(right));

describe('roles', () => {
  it('have these rights and no other', () => {
    expect(rightsOf).toEqual(table);
    for (const role of roles) {
      for (const right of rights) {
        expect(mayDo({ id: 'k', role }, right, 'default'), `${role} ${right}`).toBe(table[role].includes(right));
      }
    }
  });

  it('have words for what each is for', () => {
    for (const role of roles) expect(roleMeanings[role].length, role).toBeGreaterThan(20);
  });

  it('give the one who hands out keys no events, and the one who writes nothing to read', () => {
    expect(table.admin.filter((right) => right.startsWith('events.') || right.startsWith('proof.'))).toEqual([]);
    expect(table.writer).toEqual(['events.append']);
  });

  it('never let one role both ask and decide', () => {
    const asking = [
      'request.ask',
      'token.reveal',
      'subject.erase',
      'value.redact',
      'hold.set',
      'retention.change',
      'key.manage',
      'forwarder.set',
      'backup.make',
    ];
    for (const role of roles) if (table[role].includes('request.decide')) expect(table[role].filter((right) => asking.includes(right))).toEqual([]);
  });

  it('are good for the logs a key names, and never for the whole installation then', () => {
    for (const role of roles) {
      for (const right of rights) {
        const scoped = { id: 'k', role, logs: ['a', 'b'] };
        expect(mayDo(scoped, right, 'a')).toBe(table[role].includes(right) && !installationWide.includes(right));
        expect(mayDo(scoped, right, 'c')).toBe(false);
        expect(mayDo(scoped, right)).toBe(table[role].includes(right) && right === 'log.list');
      }
    }
  });

  it('let the server’s own logs be read by who keeps watch, and be written by nobody', () => {
    const watching: readonly Right[] = ['events.read', 'proof.read', 'evidence.export', 'log.list'];
    for (const role of roles) {
      for (const right of rights) {
        // Whoever may make logs may ask, and is told that the name is taken.
        const may = ((role === 'auditor' || role === 'admin') && watching.includes(right)) || (role === 'admin' && right === 'log.create');
        expect(mayDo({ id: 'k', role }, right, '_system'), `${role} ${right}`).toBe(may);
        expect(mayDo({ id: 'k', role, logs: ['default'] }, right, '_system'), `${role} ${right}`).toBe(false);
      }
    }
  });

  it.each([
    [
      { role: 'writer' },
      'events.read',
      'secret-log',
      'this takes the right events.read; the role writer does not have it, the roles reader and investigator have',
    ],
    [{ role: 'reader' }, 'key.manage', undefined, 'this takes the right key.manage; the role reader does not have it, the role admin has'],
    [
      { role: 'reader' },
      'events.read',
      '_system',
      "this takes the right system.read, which the server's own logs take; the role reader does not have it, the roles auditor and admin have",
    ],
    [
      { role: 'writer' },
      'events.append',
      '_system',
      "this takes the right events.append, which the server's own logs take; the role writer does not have it, and nobody has it",
    ],
    [{ role: 'reader', logs: ['a'] }, 'events.read', 'secret-log', 'the role reader has the right events.read, but this key is for other logs'],
    [
      { role: 'admin', logs: ['a'] },
      'key.manage',
      undefined,
      'the role admin has the right key.manage, but this key is for some logs only, and that right is about the whole installation',
    ],
  ] as const)('are told what is missing and who has it, and nothing about the log: %j %s %s', (principal, right, log, message) => {
    expect(() => authorize({ id: 'k', ...principal }, right, log)).toThrow(
      expect.objectContaining({ code: 'forbidden', message, detail: { right } }),
    );
  });

  it('are told nothing where they have the right', () => {
    expect(() => authorize({ id: 'k', role: 'reader' }, 'events.read', 'a')).not.toThrow();
  });

  it('never have a right that nobody has, or nobody a right', () => {
    for (const right of rights) expect(rolesWith(right).length, right).toBeGreaterThan(0);
  });
});
