/** Steps of a verification: what each found, in words and problems. */
import { VeiltrailError } from '../core/errors.ts';
import { type Problem, Problems } from '../verify/problem.ts';

export interface VerifyStep {
  step: string;
  ok: boolean;
  /** What was proved, or why not. */
  detail: string;
}

export interface Step {
  readonly name: string;
  readonly problems: Problems;
  readonly notChecked: string[];
  detail: string;
}

export function newStep(name: string): Step {
  return { name, problems: new Problems(), notChecked: [], detail: '' };
}

/** Problems that say nothing about a log: whoever has it does not answer. */
const outOfReach: ReadonlySet<string> = new Set(['unreachable', 'queue_full', 'too_many_requests']);

/** Where nothing else is wrong, nothing was found out. @throws VeiltrailError `unreachable`, `queue_full`, `too_many_requests` */
export function refuseOutOfReach(problems: readonly Problem[]): void {
  const [first] = problems;
  if (first && problems.every(({ code }) => outOfReach.has(code))) throw new VeiltrailError(first.code, first.message);
}

/** Runs one step; what it throws is a problem like those it finds. */
export async function runStep(name: string, run: (step: Step) => Promise<string>): Promise<Step> {
  const step = newStep(name);
  try {
    step.detail = await run(step);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    const where = typeof error.detail['where'] === 'string' ? error.detail['where'] : name;
    step.problems.add({ code: error.code, where, message: error.message });
  }
  return step;
}

export function describeStep({ name, problems: { count }, detail }: Step): VerifyStep {
  return { step: name, ok: count === 0, detail: count === 0 ? detail : `${count} problem${count === 1 ? '' : 's'}` };
}
