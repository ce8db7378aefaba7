/** The client of a veiltrail server, for browsers and Node alike: `fetch` and nothing else. */
export { VeiltrailError } from '../core/errors.ts';
export { type CheckpointStore, createCheckpointStore } from './checkpoint-memory.ts';
export { createClient } from './client.ts';
export type {
  EvidenceAsked,
  AppendBodyOptions,
  AppendOptions,
  AppendResult,
  Client,
  ClientOptions,
  FoundEvent,
  Receipt,
  SearchOptions,
  SearchResult,
} from './client.ts';
export { createDataProtectionClient, type DataProtectionClient } from './data-protection.ts';
export { createTokenClient, type TokenClient } from './tokens.ts';
export { createRequestClient, type RequestClient } from './requests.ts';
export { type AlertClient, createAlertClient } from './alerts.ts';
export { createAdministrationClient, type AdministrationClient } from './administration.ts';
