/** A trail whose records rules look at, for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AlertInfo } from '../../src/alerts/alert.ts';
import type { AlertRule } from '../../src/alerts/rule.ts';
import { builtInRules } from '../../src/alerts/built-in-rules.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';

export function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-alerts-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'data');
}

export function rule(more: Partial<AlertRule> & Pick<AlertRule, 'name' | 'q'>): AlertRule {
  return { severity: 'high', logs: ['*'], count: 1, withinMs: 0, quietMs: 0, why: '', builtIn: false, ...more };
}

/** Opens, and raises alerts by these rules beside those that come with the program. */
export async function watching(dataDir: string, own: readonly AlertRule[] = []): Promise<OpenTrail> {
  const trail = await openTrail({ dataDir, workers: 1 });
  await trail.startAlerts({ rules: [...own, ...builtInRules], disabled: [] });
  return trail;
}

export async function append(trail: OpenTrail, events: readonly JsonObject[], log = 'default'): Promise<number[]> {
  await trail.createLog(log);
  const { receipts } = await trail.append({ log, principal: 'test', body: Buffer.from(JSON.stringify(events)), format: 'json' });
  return receipts.map(({ leafIndex }) => leafIndex);
}

export function login(who: string, more: JsonObject = {}): JsonObject {
  return { action: 'login', outcome: 'failure', actor: { type: 'user', id: who }, ...more };
}

/** Alerts of a rule, oldest first. */
export async function alertsOf(trail: OpenTrail, name: string): Promise<AlertInfo[]> {
  await trail.alertsIdle();
  return trail.alerts
    .list()
    .filter((one) => one.rule === name)
    .toReversed();
}

/** Records of `_system` that tell of an alert of a rule, oldest first. */
export async function told(trail: OpenTrail, name: string): Promise<JsonObject[]> {
  const { events } = await trail.search('_system', { q: `action:alert.raise rule:${name}`, limit: 1_000 });
  return events.map(({ record }) => record).toReversed();
}
