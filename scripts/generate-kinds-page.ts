/**
 * Writes docs/reference/kinds.md, all kinds as the detectors know them: `node scripts/generate-kinds-page.ts`. A test fails while the file
 * differs from what this writes.
 */
import { writeFileSync } from 'node:fs';
import { kindSpecs } from '../src/privacy/detectors/all.ts';
import type { KindSpec } from '../src/privacy/detectors/detector.ts';
import { defaultPolicyYaml, parsePolicy } from '../src/privacy/policy.ts';

const families: Readonly<Record<KindSpec['family'], string>> = {
  contact: 'Contact',
  network: 'Network and devices',
  person: 'Person',
  money: 'Money',
  government: 'Numbers that states give out',
  secret: 'Secrets',
  other: 'Other',
};

/** The page as Markdown. */
export function kindsPage(): string {
  const policy = parsePolicy(defaultPolicyYaml);
  const transformOf = (kind: string): string => {
    const { transform, options } = policy.kinds[kind] ?? { transform: 'redact', options: undefined };
    const shown = Object.entries(options ?? {}).map(([name, value]) => `${name} ${String(value)}`);
    return shown.length > 0 ? `${transform} (${shown.join(', ')})` : transform;
  };
  const specs = [...kindSpecs.values()];
  const sections = Object.entries(families).flatMap(([family, title]) => {
    const own = specs.filter((spec) => spec.family === family);
    if (own.length === 0) return [];
    const rows = own.map(({ kind, example, check }) => `| \`${kind}\` | ${cell(example)} | ${cell(check)} | ${transformOf(kind)} |`);
    return [`## ${title}\n\n| kind | example | check | by default |\n|---|---|---|---|\n${rows.join('\n')}\n`];
  });
  return `# Kinds of personal data

${specs.length} kinds. Written by \`scripts/generate-kinds-page.ts\` from the detectors; what adds up to a finding is in [decision 17](../decisions/0017-kinds.md).
A field that a policy names for a kind is that kind whatever its value; and what a label announces is found although its check fails.

${sections.join('\n')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\\\|').replaceAll('<', '&lt;');
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/kinds.md', import.meta.url), kindsPage());
