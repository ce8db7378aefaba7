/** The inputs of docs/reference/bad-input.md, by the words of its first column. */
const own = (extra: string): string => `{"action":"a","actor":{"type":"user","id":"u"},${extra}}`;

export const badInputs: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  Object.entries({
    'not JSON': 'hello, auditor',
    'an object cut short': '{"action":"a","actor":{"id":',
    '`NaN`': 'NaN',
    '10 MB of `[`': '['.repeat(10_000_000),
    'not UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    'duplicate names in an object': '{"a":1,"b":{"c":1,"c":2}}',
    'half of a surrogate pair': '{"a":"\\ud800"}',
    'nested 33 deep': `{"a":${'['.repeat(32)}${']'.repeat(32)}}`,
    'more than 10,000 values': `{"a":[${'1,'.repeat(10_000)}1]}`,
    'more than 1 MiB': `{"a":"${'x'.repeat(1_048_576)}"}`,
    'a name of 70 kB': `{"${'n'.repeat(70_000)}":1}`,
    'a number, `true`, `null`, an array': '42',
    'a text': '"somebody logged in"',
    'a text of 70 kB in an event': own(`"message":"${'m'.repeat(70_000)}"`),
    '`__proto__` as a name': '{"__proto__":{"polluted":true},"constructor":"c"}',
    '1e400': '{"amount":1e400}',
    '9007199254740993': '{"amount":9007199254740993}',
    'a date in the year 99999': own('"time":"99999-01-01T00:00:00Z"'),
    'a member of the wrong type': own('"severity":"dreadful"'),
    'a byte order mark before it': `\ufeff${own('"message":"m"')}`,
  }).map(([name, input]) => [name, typeof input === 'string' ? Buffer.from(input) : input]),
);

/** Rows of the first table of the document: input, outcome as one body, outcome as one line. */
export function parseBadInputTable(markdown: string): { input: string; body: string; line: string }[] {
  const table = markdown.slice(markdown.indexOf('## An event'), markdown.indexOf('## A request'));
  return table
    .split('\n')
    .filter((row) => row.startsWith('| ') && !row.startsWith('| input'))
    .map((row) => {
      const [, input, body, line] = row.split('|').map((cell) => cell.trim()) as [string, string, string, string];
      return { input, body: body.replaceAll('`', ''), line: line.replaceAll('`', '') };
    });
}
