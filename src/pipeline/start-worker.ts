/** Starts the thread of `worker.ts`. */
import { Worker } from 'node:worker_threads';
import { threadMemory } from '../thread/thread-memory.ts';
import type { WorkerSettings } from './worker.ts';

export function startWorker(settings: WorkerSettings): Worker {
  const thread = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  const workerData = { runs: 'pipeline', ...settings };
  return new Worker(thread, { workerData, transferList: [settings.vaultPort], name: 'pipeline', resourceLimits: threadMemory.busy });
}
