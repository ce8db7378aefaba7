/**
 * Builds the page on which approvers decide: three files that the server serves (src/server/routes/approve.ts), since its policy lets nothing run
 * that stands in the page itself. What works out digests and verifies signatures is src/verify, as everywhere. The same sources give the same bytes.
 */
import type { ApprovePage } from '../src/server/approve-page.ts';
import { bundleScript, bundleStyle, readPage } from './bundle-page.ts';

export async function buildApprovePage(): Promise<ApprovePage> {
  return { html: readPage('approve'), script: `${await bundleScript('approve')}\n`, style: `${bundleStyle('approve')}\n` };
}
