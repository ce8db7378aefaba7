/**
 * The process that verifies the data directory of the server that started it, at the lowest priority, and ends. A process and not a thread, for the memory:
 * a thread leaves tens of megabytes behind in the server (docs/decisions/0034-verifying.md). Only `self-verify.ts` starts it.
 */
import { setPriority } from 'node:os';
import { VeiltrailError } from '../core/errors.ts';
import { runSelfVerification, selfVerifyKinds, type SelfVerifyResult } from './self-verify-pass.ts';
import type { SelfVerifyState } from './self-verify-state.ts';

export type SelfVerifyMessage = { state: SelfVerifyState } | { result: SelfVerifyResult } | { failed: string };

const lowest = 19;

const [dataDir, asked, share] = process.argv.slice(2);
const kind = selfVerifyKinds.find((one) => one === asked);
if (process.send && dataDir !== undefined && kind) {
  // Without its server it has nothing to do.
  process.once('disconnect', () => process.exit(1));
  if (!process.connected) process.exit(1);
  try {
    setPriority(lowest);
  } catch {
    // Then it has the priority that everybody has, and its share.
  }
  const tell = (message: SelfVerifyMessage): Promise<void> =>
    new Promise((resolve) => {
      process.send?.(message, () => resolve());
    });
  try {
    const result = await runSelfVerification({ dataDir, kind, share: Number(share) }, (state) => void tell({ state }));
    await tell({ result });
  } catch (error) {
    await tell({ failed: error instanceof VeiltrailError ? error.code : ((error as Error).stack ?? 'internal') });
  }
  process.removeAllListeners('disconnect');
  process.disconnect?.();
}
