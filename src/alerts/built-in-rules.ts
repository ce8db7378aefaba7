/**
 * The rules that come with the program, on by default: what somebody should hear of in the server's own log. Each can be replaced, or disabled, by
 * its name in the configuration file; that it was is on record.
 */
import type { AlertRule, AlertSeverity } from './rule.ts';

const minute = 60_000;
const hour = 60 * minute;

interface Counted {
  count?: number;
  withinMs?: number;
  by?: string;
  quietMs?: number;
}

export const builtInRules: readonly AlertRule[] = [
  rule('reveal', 'high', 'action:token.reveal outcome:success', 'Somebody was shown what is behind a token: whoever watches should know why.'),
  rule(
    'reveal-many',
    'critical',
    'action:token.reveal outcome:success',
    'One principal reveals again and again: a sweep below the limits of the policy.',
    {
      count: 20,
      withinMs: hour,
      by: '/actor/id',
    },
  ),
  rule(
    'disclosure-in-bulk',
    'critical',
    '(action:export.raw outcome:success) OR (action:request.use requested:token.reveal-bulk)',
    'Many real values left the vault at once, with a second person or without one.',
  ),
  rule('sweep-stopped', 'critical', 'action:token.sweep', 'Somebody looked up more different people than their work explains, and was stopped.'),
  rule(
    'authentication-failures',
    'high',
    'action:auth.fail severity:4',
    'Twenty or more failed within a minute from one network: keys are guessed.',
    {
      by: '/metadata/network',
      quietMs: 15 * minute,
    },
  ),
  rule(
    'authentication-failures-slow',
    'medium',
    'action:auth.fail',
    'Failures from one network in thirty different minutes of an hour: guessing below the limit.',
    { count: 30, withinMs: hour, by: '/metadata/network' },
  ),
  rule('refusals', 'medium', 'outcome:denied', 'One principal is refused again and again: somebody tries what a key is good for.', {
    count: 10,
    withinMs: 10 * minute,
    by: '/actor/id',
    quietMs: hour,
  }),
  rule(
    'approval-refused',
    'high',
    'outcome:denied severity:4',
    'Somebody decided on their own request, forged an approval, or tried alone what takes two.',
  ),
  rule(
    'history-forked',
    'critical',
    'action:witness.fork OR action:witness.fork.acknowledge',
    'A witness holds another history of a log: it was rewritten.',
  ),
  rule('quorum-missing', 'high', 'action:witness.quorum outcome:failure', 'For minutes nobody but the log itself has vouched for what is new in it.'),
  rule('witness-policy', 'medium', 'action:witness.policy.change', 'Others, or fewer, witnesses are asked from now on.'),
  rule('verification-failed', 'critical', 'action:verification.failed', 'What is stored is not what was stored.'),
  rule('canary-leaked', 'critical', 'action:canary.run outcome:failure', 'A made-up value got through the policy: real ones do, too.'),
  rule('policy-weakened', 'high', 'action:policy.change severity:4', 'The policy in force protects less than the one before.'),
  rule('field-kept', 'medium', 'action:field.classify severity:4', 'Somebody lets the values of a field through.'),
  rule('fields-in-bulk', 'medium', 'action:field.new severity:3', 'Fields that the policy does not know come in flocks: a sender changed.', {
    count: 5,
    withinMs: 10 * minute,
    quietMs: hour,
  }),
  rule('two-persons-changed', 'critical', 'action:approvals.change', 'The rule for when a second person is needed is another one.'),
  rule(
    'rights-granted',
    'medium',
    '(action:key.create OR action:key.rotate OR action:key.change) (keyRole:reader OR keyRole:auditor OR keyRole:investigator OR keyRole:officer OR keyRole:approver OR keyRole:operator OR keyRole:admin)',
    'Somebody got a key that sees, removes, decides or hands out.',
  ),
  rule(
    'rights-granted-unapproved',
    'high',
    '(action:key.create OR action:key.rotate OR action:key.change) severity:4',
    'Such a key was made beside the server, by whoever has its disk, and nobody approved it.',
  ),
  rule('approver-changed', 'high', 'action:approver.enrol OR action:approver.remove', 'Who may be the second person is another one.'),
  rule('signing-key-changed', 'high', 'action:log.key.change', 'A log is signed with another key than before.'),
  rule('key-destroyed', 'high', 'action:secret.destroy severity:4', 'A key was destroyed for good by somebody: what was under it opens no more.'),
  rule('hold-lifted', 'high', 'action:hold.lift outcome:success', 'What had to be kept may be removed now.'),
  rule('retention-shortened', 'high', 'action:retention.change severity:4', 'Records go earlier than they did.'),
  rule(
    'removals-in-bulk',
    'high',
    '(action:subject.erase OR action:subject.unlink OR action:value.redact) outcome:success',
    'Many removals in a day by one principal: evidence may be going.',
    {
      count: 10,
      withinMs: 24 * hour,
      by: '/actor/id',
    },
  ),
  rule('recovery-kit-made', 'high', 'action:backup.make severity:4', 'Whoever has the kit opens every backup that there is.'),
  rule('backup-made', 'medium', 'action:backup.make', 'A copy of the state exists somewhere else.', { quietMs: hour }),
  rule('backup-restored', 'high', 'action:backup.restored', 'The state is an earlier one: what came since is gone.'),
  rule('clock-set-back', 'high', 'action:clock.back', "The machine's clock is behind the newest record: somebody set it back, or it failed."),
  rule('anchor-failed', 'medium', 'action:anchor.failed', 'Nobody outside has seen what is appended now.', { quietMs: 6 * hour }),
  rule(
    'access-unrecorded',
    'high',
    'action:access.unrecorded',
    'Reads were refused because they could not be put on record: the disk takes nothing.',
    {
      quietMs: hour,
    },
  ),
  rule(
    'forwarder-changed',
    'high',
    '((action:forwarder.set OR action:forwarder.remove) outcome:success) OR action:forwarder.stop',
    'What leaves this machine, and alerts with it, goes elsewhere or nowhere.',
  ),
  rule('alert-rules-weakened', 'high', 'action:alert.rules severity:4', 'A rule for alerts was disabled or changed, or their state was lost.'),
];

function rule(name: string, severity: AlertSeverity, q: string, why: string, { count = 1, withinMs = 0, by, quietMs }: Counted = {}): AlertRule {
  const more = by === undefined ? {} : { by };
  return { name, severity, logs: ['_system'], q, count, withinMs, ...more, quietMs: quietMs ?? (count > 1 ? withinMs : 0), why, builtIn: true };
}
