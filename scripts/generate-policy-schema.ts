/**
 * Writes docs/reference/policy.schema.json and retention.schema.json, the JSON Schemas of policies and retention tables for editors: `node scripts/generate-policy-schema.ts`.
 * A test fails while the file differs from what this writes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { retentionSchema } from '../src/app/retention-table.ts';
import { policySchema } from '../src/privacy/policy-schema.ts';

const folder = new URL('../docs/reference/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('policy.schema.json', folder), `${JSON.stringify(policySchema(), null, 2)}\n`);
writeFileSync(new URL('retention.schema.json', folder), `${JSON.stringify(retentionSchema(), null, 2)}\n`);
