/**
 * Writes docs/reference/policy.schema.json, the JSON Schema of policy files for editors: `node scripts/generate-policy-schema.ts`.
 * A test fails while the file differs from what this writes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { policySchema } from '../src/privacy/policy-schema.ts';

const folder = new URL('../docs/reference/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('policy.schema.json', folder), `${JSON.stringify(policySchema(), null, 2)}\n`);
