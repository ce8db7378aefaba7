/** A report on a person as one self-contained page: no scripts, no addresses of anything outside, fit for printing. */
import type { SubjectReport } from './report-subject.ts';

/** The HTML of the page. Everything in it that was ever stored is escaped. */
export function formatReportPage(report: SubjectReport): string {
  const { tokens, logs, records, touched, ids } = report;
  const inVault = tokens.filter(({ kind }) => kind !== undefined).length;
  const total = logs.reduce((sum, one) => sum + one.records, 0) || records.length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>What is held about a person</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<p class="kicker">${text(report.installation)}</p>
<h1>What is held about a person</h1>
<p class="lead">Report under article 15 GDPR, made ${time(report.madeAt)} by ${text(report.madeBy)}.</p>
</header>
<dl class="figures">
${figure(total, total === 1 ? 'record' : 'records')}
${figure(tokens.length, tokens.length === 1 ? 'pseudonym' : 'pseudonyms')}
${figure(inVault, inVault === 1 ? 'value in the vault' : 'values in the vault')}
${figure(touched.length + report.moreTouched, touched.length + report.moreTouched === 1 ? 'access on record' : 'accesses on record')}
</dl>
<section>
<h2>Personal values</h2>
<p>Records hold pseudonyms; the values they stand for are kept apart, in a vault.${tokens.some(({ value }) => value !== undefined) ? '' : ' This report was made without revealing them.'}</p>
${table(
  ['Kind', 'Value', 'Pseudonym', 'Records', 'Where'],
  tokens.map(({ kind, value, token, records: count, paths, by }) => [
    text(kind ?? 'no longer in the vault'),
    value === undefined ? '<span class="quiet">not revealed</span>' : `<strong>${text(value)}</strong>`,
    `<code>${text(token)}</code>${by === 'beside' ? '<br><span class="quiet">found beside the id</span>' : ''}`,
    number(count),
    list(paths),
  ]),
  'Nothing is in the vault.',
)}
${ids.records > 0 ? `<p>The id itself stands in ${number(ids.records)} ${ids.records === 1 ? 'record' : 'records'}: ${list(ids.paths)}.</p>` : ''}
</section>
<section>
<h2>How long it is kept, and why</h2>
${table(
  ['Log', 'Rule', 'Kept', 'Legal basis', 'Records'],
  logs.flatMap(({ log, keeps }) =>
    keeps.map(({ rule, keep, basis, records: count }) => [text(log), text(rule), text(keep), text(basis), number(count)]),
  ),
  'There are no records.',
)}
</section>
<section>
<h2>Records</h2>
${table(
  ['When', 'Log and leaf', 'What happened', 'Outcome', 'Where the person stands', 'Kept until'],
  records.map((record) => [
    whenOf(record),
    `${text(record.log)} <span class="quiet">${number(record.leafIndex)}</span>`,
    text(record.action ?? record.category ?? ''),
    text(record.outcome ?? ''),
    list(record.paths),
    record.keptUntil === undefined ? '<span class="quiet">no end</span>' : text(record.keptUntil.slice(0, 10)),
  ]),
  'There are no records.',
)}
${more(report.moreRecords, 'records')}
</section>
<section>
<h2>Who touched it</h2>
<p>Reads, searches, reveals and removals that are on record in the log <code>_system</code>, which nobody can change.</p>
${table(
  ['When', 'Who', 'What', 'Outcome', 'Why', 'Records'],
  touched.map(({ at, by, action, outcome, purpose, reference, records: count }) => [
    time(at),
    text(by),
    text(action),
    text(outcome ?? ''),
    [purpose, reference]
      .filter((one) => one !== undefined)
      .map(text)
      .join('<br>'),
    count === undefined ? '' : number(count),
  ]),
  'No access is on record.',
)}
${more(report.moreTouched, 'accesses')}
</section>
<footer>
<p>Records are committed to in an append-only log: each can be proved with its receipt (<code>veiltrail prove LEAF</code>).</p>
</footer>
</main>
</body>
</html>
`;
}

const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--quiet:#5b6570;--line:#d9dee4;--ground:#fff;--soft:#f5f7f9;--mark:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--quiet:#9aa5b1;--line:#333b45;--ground:#14181d;--soft:#1c2229;--mark:#7db7f0}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
.kicker{margin:0;color:var(--mark);font-size:.8rem;font-weight:600;letter-spacing:.04em}
h1{margin:.2rem 0 .4rem;font-size:1.9rem;line-height:1.2}
h2{margin:2.5rem 0 .5rem;font-size:1.2rem}
.lead,.quiet,footer{color:var(--quiet)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.75rem;margin:1.5rem 0 0}
.figures div{padding:.8rem 1rem;background:var(--soft);border:1px solid var(--line);border-radius:.5rem}
.figures dt{font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums}
.figures dd{margin:0;color:var(--quiet)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th,td{padding:.5rem .75rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{background:var(--soft);color:var(--quiet);font-weight:600;white-space:nowrap}
tr:last-child td{border-bottom:0}
td{overflow-wrap:anywhere;min-width:5.5rem}
time{white-space:nowrap;font-variant-numeric:tabular-nums}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.nothing{padding:.8rem 1rem;background:var(--soft);border:1px solid var(--line);border-radius:.5rem;color:var(--quiet)}
footer{margin-top:3rem;border-top:1px solid var(--line);font-size:.85rem}
@media (max-width:48rem){table{min-width:46rem}}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}.scroll{overflow:visible}}
`;

function figure(value: number, what: string): string {
  return `<div><dt>${number(value)}</dt><dd>${what}</dd></div>`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[], nothing: string): string {
  if (rows.length === 0) return `<p class="nothing">${nothing}</p>`;
  const head = heads.map((one) => `<th scope="col">${one}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function more(count: number, what: string): string {
  return count > 0 ? `<p class="quiet">… and ${number(count)} more ${what}.</p>` : '';
}

function list(items: readonly string[]): string {
  return items.map((item) => `<code>${text(item)}</code>`).join(' ');
}

function number(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ' ');
}

/** RFC 3339, as people read it: to the second, in UTC. */
/** When it happened, as its sender says; and when it came in, if that is another minute. */
function whenOf({ time: happened = '', receivedAt = '' }: SubjectReport['records'][number]): string {
  if (happened === '' || happened.slice(0, 16) === receivedAt.slice(0, 16)) return time(receivedAt || happened);
  return receivedAt === '' ? time(happened) : `${time(happened)}<br><span class="quiet">received ${time(receivedAt)}</span>`;
}

function time(at: string): string {
  return at === '' ? '' : `<time datetime="${text(at)}">${text(at.slice(0, 19).replace('T', ' '))}</time>`;
}

function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
