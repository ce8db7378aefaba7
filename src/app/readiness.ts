/** Whether events are taken: by the server, and by each of its logs. */
import { isSystemLog } from '../access/roles.ts';

export interface Readiness {
  /** Events are taken, into one log at least. */
  ready: boolean;
  /** Sentences: why not, or what should be looked at although they are. */
  reasons: string[];
  /** Logs that take none, whether or not others do. */
  stopped: string[];
}

export interface ReadinessFacts {
  /** Why nothing at all is taken. */
  refusal: string | undefined;
  witnesses: { stopped: readonly { log: string; reason: string }[]; flagged: readonly string[] };
  /** All there are, the server's own too. */
  logs: readonly string[];
  /** The server's own, without which nothing is read. */
  systemLog: string;
}

/**
 * A log that is stopped, as one whose history forked is, stops no other: a balancer that took the server out for it would stop them all. The server is not
 * ready where none of the senders' logs takes events, or where its own log is stopped, without which nothing is read.
 */
export function judgeReadiness({ refusal, witnesses, logs, systemLog }: ReadinessFacts): Readiness {
  const stopped = new Set(witnesses.stopped.map(({ log }) => log));
  const senders = logs.filter((log) => !isSystemLog(log));
  const isTaken = senders.length === 0 || senders.some((log) => !stopped.has(log));
  const reasons = [...(refusal === undefined ? [] : [refusal]), ...witnesses.stopped.map(({ reason }) => reason), ...witnesses.flagged];
  return { ready: refusal === undefined && isTaken && !stopped.has(systemLog), reasons, stopped: [...stopped] };
}
