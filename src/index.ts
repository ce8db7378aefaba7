/**
 * veiltrail, embedded: the trail in a directory, the server in front of it, and their verification. The parts that need neither are exported
 * apart: `veiltrail/privacy`, `veiltrail/log`, `veiltrail/verify`, `veiltrail/sdk`.
 *
 * @example
 * ```ts
 * const trail = await openTrail({ dataDir: './audit' });
 * await trail.createLog('default');
 * await trail.append({ log: 'default', principal: 'billing', body: Buffer.from(JSON.stringify(event)), format: 'json' });
 * await trail.close();
 * ```
 */
export type { AppendAnswer, AppendedEvent, AppendRequest } from './app/append-events.ts';
export type { FoundEvent, SearchAnswer, SearchRequest, Trail, TrailReader } from './app/trail.ts';
export type { VerifyOptions, VerifyReport } from './app/verify-log.ts';
export type { VerifyStep } from './app/verify-step.ts';
export { VeiltrailError } from './core/errors.ts';
export type { AuditEvent } from './event/audit-event.ts';
export { openTrail, type OpenTrail, type TrailOptions } from './server/compose.ts';
export { openTrailReader } from './server/open-reader.ts';
export { startServer, type RunningServer, type ServerOptions } from './server/start.ts';
export { verifyPublishedLog, verifyStoredLog } from './server/verify.ts';
