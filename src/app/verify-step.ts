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

/** Where nothing is wrong but that whoever has the log does not answer, nothing was found out about it. @throws VeiltrailError `unreachable` */
export function refuseOutOfReach(problems: readonly Problem[]): void {
  const [first] = problems;
  if (first && problems.every(({ code }) => code === 'unreachable')) throw new VeiltrailError(first.code, first.message, { where: first.where });
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
