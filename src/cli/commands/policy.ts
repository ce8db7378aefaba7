import { Option, type Command } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import { addConnectionOptions } from '../connection.ts';
import { print } from '../output.ts';

/** What a policy says, what it does to events, and tests of it. Each command's work is loaded when it runs. */
export function addPolicy(program: Command): void {
  const policy = program
    .command('policy')
    .description('What happens to personal data before it is stored: check, try, compare and test a policy.')
    .addHelpText('after', '\nThe language: docs/reference/policy.md. Start from the default: veiltrail policy default > policy.yaml');
  policy
    .command('default')
    .description('Print the policy that holds where nobody wrote one.')
    .action(async () => print((await import('../../privacy/default-policy.ts')).defaultPolicyYaml.trimEnd()));
  policy
    .command('kinds')
    .description('List the kinds of personal data that detectors know, and what the policy does to each.')
    .option('--policy <file>', 'the policy [the default one]')
    .option('--json', 'one line of JSON a kind: {"kind","family","example","check","transform"}')
    .action(async (options) => (await import('./policy-check.ts')).runPolicyKinds(options));
  policy
    .command('check')
    .description('Read a policy and say what is wrong with it, or what it does.')
    .argument('<file>', 'the policy')
    .option('--json', 'one line of JSON: {"ok","name","version","digest","rules","custom","warnings"}, or {"ok":false,"problems"}')
    .addHelpText('after', '\nExits 0 for a policy that can be used, with warnings or without; 2 for one that cannot.')
    .action(async (file: string, options) => (await import('./policy-check.ts')).runPolicyCheck(file, options));
  tryOptions(
    policy
      .command('preview')
      .description('Show events before → after the policy, and why. Stores nothing.')
      .argument('[FILE...]', 'events to try it on; none or - is standard input')
      .option('--policy <file>', 'the policy to preview [the default one]')
      .option('--json', 'one line of JSON an event: {"where","event","applied"}, the event after the policy'),
  ).action(async (files: string[], options, command: Command) =>
    (await import('./policy-preview.ts')).runPolicyPreview(files, options, takesStored(files, command)),
  );
  tryOptions(
    policy
      .command('diff')
      .description('Say which rules differ between two policies; and what would change, on events.')
      .argument('<old>', 'the policy before')
      .argument('<new>', 'the policy after')
      .argument('[FILE...]', 'events to try both on; - is standard input; none: only the rules are compared')
      .option('--examples <n>', 'show so many examples of each change, values included', whole, 0)
      .option('--forbid-weaker', 'exit 1 if a rule protects less than before')
      .option('--json', 'one line of JSON a rule {"rule","before","after","effect"} and a field {"path","before","after","events"}'),
  )
    .addHelpText('after', '\nEffects: - less is protected, + more, ~ neither. Values that are allowed to stay are counted, not shown.')
    .action(async (before: string, after: string, files: string[], options, command: Command) =>
      (await import('./policy-diff.ts')).runPolicyDiff(before, after, files, options, takesStored(files, command)),
    );
  policy
    .command('test')
    .description('Run fixtures (`input`, `expect`) against a policy: for your own CI.')
    .argument('<fixtures...>', 'YAML or JSON files')
    .option('--policy <file>', 'the policy to test [the default one]')
    .option('--log <name>', "a log, whose own rules hold then, for fixtures that don't name one")
    .option('--junit <file>', 'also write the results as JUnit XML')
    .option('--json', 'one line of JSON a fixture: {"file","name","ok","differences"}')
    .addHelpText(
      'after',
      `
A fixture:    - name: addresses become tokens
                input:  {actor: {type: user, id: u-17, email: jane@example.com}, message: mail jane@example.com}
                expect: {actor: {type: user, id: u-17, email: tok_*jane}, message: mail tok_*jane}

tok_* is any token, tok_*NAME the same one wherever the fixture says NAME; hash_* and sha256:* are any hash.
Input and expect may also be texts. Exits 1 if any fixture fails, 2 if one cannot be read.`,
    )
    .action(async (files: string[], options) => (await import('./policy-test.ts')).runPolicyTest(files, options));
  policy
    .command('words')
    .description('Make a dictionary for a kind of your own: digests of words and phrases, and none of the words.')
    .argument('[FILE...]', 'one word or phrase a line; none or - is standard input')
    .option('--kind <name>', 'the kind to call them', 'code_name')
    .addHelpText('after', '\nPut what is printed into the policy. Whoever has the policy can try words out, but cannot read them.')
    .action(async (files: string[], options) => (await import('./policy-words.ts')).runPolicyWords(files, options));
}

function tryOptions(command: Command): Command {
  return addConnectionOptions(command)
    .option('--format <format>', 'how to read the events: auto, ndjson, cloudtrail or text', 'auto')
    .addOption(new Option('--newest <n>', 'with --data or --url: how many of the newest stored events').argParser(whole).default(100));
}

/** Stored events are taken when somebody names where they are, and no files: an environment variable alone names nothing. */
function takesStored(files: readonly string[], command: Command): boolean {
  const isNamed = ['data', 'url'].some((name) => command.getOptionValueSource(name) === 'cli');
  if (isNamed && files.length > 0) throw new VeiltrailError('input_twice', 'name files, or --data or --url for stored events, not both');
  return isNamed;
}

function whole(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new VeiltrailError('number_invalid', 'a whole number is wanted, such as 100');
  return Number(text);
}
