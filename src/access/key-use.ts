/**
 * When each key was last used, to the minute: `access.used.json` beside the keys. It is written once a minute at the most and not waited for by
 * the disk: a crash loses what the last minute would have said, and nothing that anybody is let in by.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile } from '../storage/files/remove-file.ts';
import { keyIdPattern } from './api-key.ts';

export const keyUseFileName = 'access.used.json';
const minuteMs = 60_000;

export interface KeyUse {
  /** A key counted. */
  note(id: string, nowMs: number): void;
  /** Writes what is new. A disk that takes nothing is tried again later. */
  save(): void;
}

export function openKeyUse(dataDir: string): KeyUse {
  const path = join(dataDir, keyUseFileName);
  const used = readKeyUse(dataDir);
  let savedMs = -Infinity;
  let isNew = false;
  const save = (): void => {
    if (!isNew) return;
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      writeFileSync(temporary, `${JSON.stringify(Object.fromEntries([...used].map(([id, ms]) => [id, new Date(ms).toISOString()])))}\n`, {
        mode: 0o600,
      });
      renameSync(temporary, path);
      isNew = false;
    } catch {
      try {
        removeFile(temporary);
      } catch {}
    }
  };
  return {
    note(id, nowMs) {
      const minute = nowMs - (nowMs % minuteMs);
      if (used.get(id) === minute) return;
      used.set(id, minute);
      isNew = true;
      if (Math.abs(nowMs - savedMs) < minuteMs) return;
      savedMs = nowMs;
      save();
    },
    save,
  };
}

/** By id, ms since 1970. What is missing or damaged says nothing of any key. */
export function readKeyUse(dataDir: string): Map<string, number> {
  const used = new Map<string, number>();
  try {
    const value = JSON.parse(readFileSync(join(dataDir, keyUseFileName), 'utf8')) as Record<string, unknown>;
    for (const [id, time] of Object.entries(value)) {
      const ms = typeof time === 'string' ? Date.parse(time) : NaN;
      if (keyIdPattern.test(id) && !Number.isNaN(ms)) used.set(id, ms);
    }
  } catch {
    // Nothing is known of any use.
  }
  return used;
}
