/**
 * The evidence page: verifies the evidence that stands in it, and says what it says, what was proved and what was not. It asks nobody for anything:
 * its policy forbids every connection, and all it needs is in the one file.
 */
import { visible } from '../../src/core/visible.ts';
import { type EvidenceReport, verifyEvidence } from '../../src/verify/index.ts';
import { element } from '../dom.ts';
import { renderEvents } from './events.ts';
import { renderHead } from './head.ts';
import { renderSigner } from './signer.ts';
import { renderTechnical } from './technical.ts';
import { renderTimes } from './times.ts';

function main(): void {
  const page = document.getElementById('page') as HTMLElement;
  const text = document.getElementById('evidence')?.textContent ?? '';
  let report: EvidenceReport;
  try {
    report = verifyEvidence(text);
  } catch {
    page.replaceChildren(element('p', 'verdict bad', 'This page could not verify its evidence. That is a mistake of the page, not a result.'));
    return;
  }
  const { origin } = report.log ?? { origin: 'unknown log' };
  document.title = visible(`${report.ok ? 'Verified' : 'Not as exported'} · Evidence from ${origin}`);
  const events = renderEvents(report);
  page.replaceChildren(
    ...renderHead(report),
    ...renderSigner(report, text),
    ...renderTimes(report, text, (judged) => events.judge(judged)),
    ...events.elements,
    ...renderTechnical(report, text),
  );
  document.documentElement.dataset['state'] = report.ok ? 'good' : 'bad';
}

// A large file takes seconds: let the page say first that it is at work.
if ((document.getElementById('evidence')?.textContent ?? '').length < 1_000_000) main();
else requestAnimationFrame(() => setTimeout(main));
