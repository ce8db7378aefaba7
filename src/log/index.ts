/**
 * `veiltrail/log`: a transparency log as bytes and proofs, after RFC 6962 and C2SP. Pure and synchronous, in Node and in browsers: nothing here
 * reads, writes, waits or looks at a clock.
 *
 * From a record to its place in the log: `flattenRecord` → `commitFields` → `formatEntry` → `leafHash` → `Frontier` and `growTiles` →
 * `signCheckpoint`; and back, for whoever has only a key: `createTrust` → `parseProof` → `verifyProof`.
 */
export * from './record.ts';
export * from './commitment.ts';
export * from './packed-record.ts';
export * from './redacted-record.ts';
export * from './packed-commitment.ts';
export * from './entry.ts';
export * from './tree.ts';
export * from './frontier.ts';
export * from './tile-path.ts';
export * from './tile.ts';
export * from './entry-bundle.ts';
export * from './ed25519.ts';
export * from './note.ts';
export * from './note-key.ts';
export * from './checkpoint.ts';
export * from './cosignature.ts';
export * from './trust.ts';
export * from './witness-policy.ts';
export * from './add-checkpoint.ts';
export * from './proof.ts';
export * from './range-proof.ts';
export * from './disclosure.ts';
