import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { evidenceIn, writeEvidencePage } from '../evidence-file.ts';
import { say } from '../output.ts';

export function addEvidencePage(program: Command): void {
  program
    .command('evidence-page')
    .description('Put evidence into one HTML file that verifies and shows it in any browser, without a network.')
    .argument('<file>', 'the evidence')
    .requiredOption('--out <file>', 'where to write the page')
    .action((file: string, { out }: { out: string }) => {
      let bytes: Uint8Array;
      try {
        bytes = readFileSync(file);
      } catch {
        throw new VeiltrailError('input_unreadable', `${file}: cannot be read`);
      }
      const found = evidenceIn(bytes);
      if (!found) throw new VeiltrailError('evidence_syntax', `${file}: not evidence; "veiltrail export --evidence" makes it`);
      writeEvidencePage(out, typeof found.evidence === 'string' ? found.evidence : decodeUtf8(found.evidence));
      say(`written to ${out}; whether the evidence is in order, the page says, and so does veiltrail verify ${out}`);
    });
}
