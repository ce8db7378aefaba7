/** Writes and signs an evidence file. */
import { VeiltrailError } from '../../core/errors.ts';
import { type NoteSigner, signNote } from '../../log/note.ts';
import { countLeaves } from '../../log/range-proof.ts';
import { digestsLine, eventsClose, partLine, signedText } from './lines.ts';
import { type Evidence, evidenceLimits } from './model.ts';
import { headReaders, writeEvent, writeHead } from './parts.ts';

/**
 * The text of the file.
 * @param signers of `evidence.log.vkeys`, in their order
 * @throws VeiltrailError `evidence_syntax` for what cannot stand in a file, `evidence_too_large`
 */
export function formatEvidence(evidence: Evidence, signers: readonly NoteSigner[]): string {
  const head = writeHead(evidence);
  // What no reader takes is not written.
  headReaders.export(head[1] as string);
  headReaders.log(head[2] as string);
  headReaders.policy(head[3] as string);
  headReaders.anchors(head[5] as string);
  headReaders.ranges(head[6] as string);
  if (countLeaves(evidence.ranges) !== evidence.events.length) throw new VeiltrailError('evidence_syntax', 'not as many events as leaves');
  const body = [...head, ...evidence.events.map((event, i) => writeEvent(event, i === evidence.events.length - 1)), eventsClose];
  const digests = digestsLine(body);
  const signature = partLine('signature', signNote(signedText(evidence.log.origin, digests), signers), '}');
  const text = `${[...body, digests, signature].join('\n')}\n`;
  if (text.length > evidenceLimits.lengthMax) throw new VeiltrailError('evidence_too_large', `more than ${evidenceLimits.lengthMax} characters`);
  return text;
}
