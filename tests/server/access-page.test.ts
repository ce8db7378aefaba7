import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { accessPage } from '../../scripts/generate-access-page.ts';

test('docs/reference/access.md is what scripts/generate-access-page.ts writes', () => {
  expect(readFileSync(new URL('../../docs/reference/access.md', import.meta.url), 'utf8')).toBe(accessPage());
});
