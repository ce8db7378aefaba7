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

/** A signed checkpoint that was shown by whoever then fell silent. */
export interface Shown {
  /** As signed. */
  checkpoint: string;
  treeSize: number;
  /** Hex. */
  root: string;
  /** It grew from the checkpoints kept elsewhere, of which there was one. */
  compared: boolean;
}

/**
 * Where nothing is wrong but that whoever has the log does not answer, or that it is elsewhere, nothing was found out about it.
 * @throws VeiltrailError `redirected`; `unreachable`, where the checkpoint that was shown is in the detail, and told of where its growth was not compared
 */
export function refuseOutOfReach(problems: readonly Problem[], shown?: Shown): void {
  const [first] = problems;
  // Whoever shows a checkpoint and sends on whoever asks for more has answered.
  const isAway = ({ code, where }: Problem): boolean => code === 'unreachable' || (code === 'redirected' && where === 'checkpoint');
  if (!first || !problems.every(isAway)) return;
  const { code, where, message } = first;
  const evidence =
    !shown || shown.compared
      ? ''
      : `; it shows a signed checkpoint of size ${shown.treeSize} and root ${shown.root}, and nothing says what that grew from: keep it (--json prints it)`;
  throw new VeiltrailError(code, `${message}${evidence}`, { where, ...shown });
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
