/** Where the same value has the same token: everywhere, in a log, in a tenant, as the policy wants it. */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTokenCache } from '../../src/pipeline/token-cache.ts';
import { createScopes } from '../../src/pipeline/token-scope.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { vaultRulesOf } from '../../src/privacy/vault-rules.ts';
import { createContext, createRequest, recordsOf } from './context.ts';

const tenantKey = new Uint8Array(32).fill(3);
const byTenant = createScopes(vaultRulesOf({ vault: { scope: 'tenant', tenant: 'metadata.tenant' } }), tenantKey);
const byLog = createScopes(vaultRulesOf({ vault: { scope: 'log' } }), tenantKey);

describe('the scope of an event', () => {
  it('is the installation unless the policy says otherwise', () => {
    expect(createScopes(vaultRulesOf({}), tenantKey)).toBeUndefined();
  });

  it('is its log', () => {
    expect(byLog?.({}, 'payments')).toBe('log:payments');
  });

  it('is its tenant, whose name it does not tell', () => {
    const scope = (metadata: object): string | undefined => byTenant?.({ metadata: metadata as never }, 'default');
    const acme = scope({ tenant: 'acme' });
    expect(acme).toMatch(/^tenant:[A-Za-z0-9_-]{22}$/);
    expect(acme).not.toContain('acme');
    expect(scope({ tenant: 'acme' })).toBe(acme);
    expect(scope({ tenant: 'other' })).not.toBe(acme);
    expect(byTenant?.({ metadata: { metadata: { tenant: 'acme' } } }, 'default')).toBe(acme);
    expect(scope({ tenant: 17 })).toBe(scope({ tenant: '17' }));
    expect([scope({}), scope({ tenant: '' }), scope({ tenant: { id: 'acme' } })]).toEqual(['tenant:none', 'tenant:none', 'tenant:none']);
    const other = createScopes(vaultRulesOf({ vault: { scope: 'tenant', tenant: 'metadata.tenant' } }), new Uint8Array(32));
    expect(other?.({ metadata: { tenant: 'acme' } }, 'default')).not.toBe(acme);
  });
});

describe('events of a batch', () => {
  it('get the tokens of their scopes, whatever they share', async () => {
    const asked: string[] = [];
    const context = {
      ...createContext(),
      ...(byTenant ? { scopeOf: byTenant } : {}),
      tokens: createTokenCache(async (needs, scope) => {
        asked.push(`${scope} ${needs.length}`);
        return needs.map(({ canonical }) => `tok_${hash('sha256', `${scope} ${canonical}`, 'base64url').slice(0, 27)}`);
      }),
    };
    const event = (tenant: string | undefined, email: string): string => JSON.stringify({ action: 'a', actor: { email }, metadata: { tenant } });
    const [jane, joe] = ['jane@example.com', 'joe@example.com'];
    const body = [event('a', jane), event('b', jane), event('a', jane), event('a', joe), event(undefined, jane), 'broken'].join('\n');
    const { batch } = await processBatch(createRequest(body, { format: 'ndjson' }), context);
    const tokens = recordsOf(batch).map(({ actor }) => (actor as { id?: string } | undefined)?.id);
    expect(tokens[0]).toBe(tokens[2]);
    expect(new Set(tokens.slice(0, 5)).size).toBe(4);
    expect(asked).toHaveLength(3);
    // What is at hand is not asked for again.
    await processBatch(createRequest(body, { format: 'ndjson' }), context);
    expect(asked).toHaveLength(3);
  });
});

describe('the cache', () => {
  it('keeps scopes apart, and forgets the oldest of all of them', async () => {
    let asked = 0;
    const cache = createTokenCache(async (needs, scope) => needs.map(({ canonical }) => (asked++, `${scope}/${canonical}`)), 8);
    const need = (canonical: string): { kind: string; canonical: string; value: string } => ({ kind: 'k', canonical, value: canonical });
    for (const scope of ['a', 'b', '']) expect((await cache.settle([need('x')], scope))(need('x'))).toBe(`${scope}/x`);
    expect(asked).toBe(3);
    for (let i = 0; i < 20; i++) await cache.settle([need(`v${i}`)], 'c');
    await cache.settle([need('x')], 'a');
    expect(asked).toBe(24);
  });
});
