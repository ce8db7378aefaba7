/**
 * SIGKILL at every call of a life: the directory as each call found it, and as it is when the process ends in the middle of a write. States that have one
 * name (directory-state.ts) and come with the same acknowledgements are one state, of which some are judged: the first, and others by chance.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SeededRandom } from '../../../tests/simulation/seeded-random.ts';
import { DirectoryState } from './directory-state.ts';
import type { Life } from './lives.ts';
import { expectSame, halfOf, replay } from './tape.ts';

/** Where a process was killed: at the call of a number, counted from 0; torn: half of it was written. */
export interface Kill {
  call: number;
  isTorn: boolean;
  acknowledged: number;
  state: string;
}

/** Kills that leave one state and have one set of promises to keep. */
export type KillClass = readonly Kill[];

/** A kill whose state has no name yet. */
interface Step extends Omit<Kill, 'state'> {
  /** While the directory is as it leaves it. */
  nameState: () => string;
}

/** All kills of a life. @throws Error when the calls of the tape do not lead to the directory at its end */
export function findKills(life: Life, home: string): KillClass[] {
  const classes = new Map<string, Kill[]>();
  for (const { nameState, ...step } of steps(life, join(home, 'replay'))) {
    const kill = { ...step, state: nameState() };
    const key = `${kill.state} ${kill.acknowledged}`;
    const members = classes.get(key);
    if (members) members.push(kill);
    else classes.set(key, [kill]);
  }
  expectSame(join(home, 'replay'), life.end);
  return [...classes.values()];
}

/** Of each class the first, and others by chance. */
export function chooseKills(classes: readonly KillClass[], membersMax: number, random: SeededRandom): Kill[] {
  return classes
    .flatMap((members) => {
      const [first, ...others] = members;
      const chosen = first ? [first] : [];
      while (chosen.length < membersMax && others.length > 0) chosen.push(...others.splice(random.below(others.length), 1));
      return chosen;
    })
    .toSorted((a, b) => a.call - b.call || Number(a.isTorn) - Number(b.isTorn));
}

/** What came of a kill: an error where something is violated. */
export interface Judged {
  error?: string;
  /** Judged by real processes as well, and they said the same. */
  controlled?: true;
}

/** Makes what some kills leave, one after the other, and judges it, until `tell` returns false. */
export async function judgeKills(life: Life, home: string, kills: readonly Kill[], tell: (kill: Kill, judged: Judged) => boolean): Promise<void> {
  if (kills.length === 0) return;
  const wanted = new Map(kills.map((kill) => [`${kill.call} ${kill.isTorn}`, kill]));
  const left = join(home, 'left');
  const errorOf = async (judge: NonNullable<Life['control']>, acknowledged: number): Promise<string | undefined> => {
    rmSync(left, { recursive: true, force: true });
    cpSync(join(home, 'replay'), left, { recursive: true });
    return judge(left, acknowledged).then(
      () => undefined,
      (thrown: Error) => thrown.message,
    );
  };
  for (const step of steps(life, join(home, 'replay'))) {
    const asked = wanted.get(`${step.call} ${step.isTorn}`);
    if (!asked) continue;
    if (asked.state !== step.nameState()) throw new Error(`call ${step.call} found another state than before`);
    const error = await errorOf(life.judge, step.acknowledged);
    let judged: Judged = error === undefined ? {} : { error };
    if (life.control && isDrawn(asked)) {
      const other = await errorOf(life.control, step.acknowledged);
      if ((other === undefined) === (error === undefined)) judged.controlled = true;
      else judged = { error: `judged otherwise by real processes: ${other ?? 'well'}; here: ${error ?? 'well'}` };
    }
    if (!tell(asked, judged)) return;
  }
}

/** One in forty, by its name. */
function isDrawn({ state }: Kill): boolean {
  return Number.parseInt(state.slice(0, 8), 16) % 40 === 0;
}

/** Does a life again, call after call; when a kill is told of, the directory is what it leaves; after the last, what the life left. */
function* steps(life: Life, directory: string): Generator<Step> {
  rmSync(directory, { recursive: true, force: true });
  cpSync(life.seed, directory, { recursive: true, preserveTimestamps: true });
  const state = new DirectoryState(directory);
  const nameState = (): string => state.name();
  let calls = 0;
  let answers = 0;
  for (const call of life.tape) {
    if (call.kind === 'answer') {
      answers++;
      continue;
    }
    const kill = { call: calls, acknowledged: life.acknowledgedBy(calls, answers) };
    yield { ...kill, isTorn: false, nameState };
    const half = halfOf(call);
    if (half) {
      replay(directory, half);
      state.note(half);
      yield { ...kill, isTorn: true, nameState };
    }
    replay(directory, call);
    state.note(call);
    calls++;
  }
}
