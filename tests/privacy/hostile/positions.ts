/** Where personal values stand in what is written to audit trails: each makes an event of one value. */
import type { JsonObject } from '../../../src/core/json.ts';
import type { Value } from './values.ts';

export type Position = (value: Value, text: string) => JsonObject;

/** The label where the kind cannot do without one. */
function told({ label, needsLabel }: Value, text: string): string {
  return needsLabel ? `${label} ${text}` : text;
}

function query(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', '+');
}

export const positions = {
  field: (value, text) => ({ [value.field]: text }),
  'changed field': (value, text) => ({ changes: [{ field: value.field, old: null, new: text }] }),
  sentence: (value, text) => ({ message: `Record 12 updated, ${value.label}: ${text}; nothing else changed` }),
  'after a verb': (value, text) => ({ message: `Export requested by ${told(value, text)}` }),
  'member name': (value, text) => ({ counts: { [told(value, text)]: 3 } }),
  'JSON in a string': (value, text) => ({ payload: JSON.stringify({ page: 2, data: { [value.field]: text } }) }),
  'JSON with a prefix': (value, text) => ({ message: `request body: ${JSON.stringify({ page: 2, [value.field]: text })} accepted` }),
  'JSON two deep': (value, text) => ({ payload: JSON.stringify({ body: JSON.stringify({ [value.field]: text }) }) }),
  'URL query': (value, text) => ({ url: `https://app.example.net/search?page=2&${value.field}=${query(text)}&sort=asc` }),
  'URL fragment': (value, text) => ({ url: `https://app.example.net/#/edit?${value.field}=${query(text)}` }),
  'URL path': (value, text) => ({ url: `https://app.example.net/api/v1/${value.field}/${encodeURIComponent(text)}/orders` }),
  'request line': (value, text) => ({
    message: `10.0.0.9 - - [10/Oct/2026:13:55:36 +0000] "GET /find?${value.field}=${query(text)} HTTP/1.1" 200 512 "-" "curl/8.1"`,
  }),
  'SQL insert': (value, text) => ({
    statement: `INSERT INTO customers (id, ${snake(value.field)}, tier) VALUES (42, '${text.replaceAll("'", "''")}', 'gold')`,
  }),
  'SQL where': (value, text) => ({ statement: `SELECT id FROM customers WHERE ${snake(value.field)} = '${text.replaceAll("'", "''")}' LIMIT 1` }),
  'SQL values only': (value, text) => ({ statement: `INSERT INTO customers VALUES (42, '${told(value, text).replaceAll("'", "''")}', 'gold')` }),
  'SQL duplicate key': (value, text) => ({
    message: `ERROR: duplicate key value violates unique constraint "u_1" DETAIL: Key (${snake(value.field)})=(${text}) already exists.`,
  }),
  'CSV with a header': (value, text) => ({ file: `id,${snake(value.field)},tier\n42,${text.includes(',') ? `"${text}"` : text},gold\n43,,silver\n` }),
  'CSV without one': (value, text) => ({ line: `42,2026-01-15,${told(value, text)},gold,active` }),
  logfmt: (value, text) => ({
    message: `level=info msg="profile saved" ${snake(value.field)}=${/\s/.test(text) ? JSON.stringify(text) : text} duration=12ms`,
  }),
  'Java trace': (value, text) => ({
    stack: `java.lang.IllegalArgumentException: Invalid ${value.label}: ${text}\n\tat com.acme.crm.Contacts.parse(Contacts.java:118)\n\tat java.base/java.lang.Thread.run(Thread.java:840)`,
  }),
  'Python trace': (value, text) => ({
    stack: `Traceback (most recent call last):\n  File "/srv/app/views.py", line 12, in save\n    raise ValueError(msg)\nValueError: bad ${value.label} '${text.replaceAll("'", "\\'")}'`,
  }),
  'Go panic': (value, text) => ({
    stack: `panic: cannot parse ${value.label} ${JSON.stringify(text)}\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d`,
  }),
  'HTTP header': (value, text) => ({ message: `> X-Forwarded-${value.field}: ${text}\n> Accept: */*` }),
  'header list': (value, text) => ({ headers: [{ name: `X-${value.field}`, value: text }] }),
  syslog: (value, text) => ({ line: `<134>1 2026-01-15T10:22:33Z web-1 crm 812 ID47 - saved ${value.label}=${text}` }),
  'structured syslog': (value, text) => ({
    line: `<165>1 2026-01-15T10:22:33Z web-1 crm - ID47 [ctx@32473 ${value.field}="${text}" page="2"] saved`,
  }),
  'user agent': (value, text) => ({ userAgent: `AcmeSync/4.2 (macOS 15.1; ${told(value, text)}) Build/88` }),
  'file name': (value, text) => ({ object: `exports/2026/${value.field}-${text.replace(/[/\\:]/g, '_')}.pdf` }),
  XML: (value, text) => ({ body: `<rec id="1"><${value.field}>${text.replaceAll('&', '&amp;')}</${value.field}></rec>` }),
  'XML attribute': (value, text) => ({ body: `<rec id="1" ${value.field}="${text}" tier="gold"/>` }),
  YAML: (value, text) => ({ body: `id: 42\n${value.field}: ${text}\ntier: gold\n` }),
  'command line': (value, text) => ({ command: `/usr/bin/crmctl update --${kebab(value.field)} ${/\s/.test(text) ? `'${text}'` : text} --force` }),
  environment: (value, text) => ({
    message: `env: HOME=/srv ${snake(value.field).toUpperCase()}=${/\s/.test(text) ? `"${text}"` : text} TERM=xterm`,
  }),
  'Ruby hash': (value, text) => ({ message: `Parameters: {"utf8"=>"x", "${snake(value.field)}"=>"${text}", "commit"=>"Save"}` }),
  'Java object': (value, text) => ({ message: `saved Customer{id=42, ${value.field}='${text}', tier=GOLD}` }),
  'Java record': (value, text) => ({ message: `saved Customer[id=42, ${value.field}=${text}, tier=GOLD]` }),
  'form data': (value, text) => ({ message: `Content-Disposition: form-data; name="${value.field}"\r\n\r\n${text}\r\n--x9` }),
  GraphQL: (value, text) => ({ query: `mutation { save(id: 42, ${value.field}: "${text}") { id } }` }),
  'log array': (value, text) => ({ args: ['save', value.field, text] }),
} as const satisfies Record<string, Position>;

/** Where accounts and names of people stand in the names of other things. */
export const namePositions = {
  'role session': (_, text) => ({ arn: `arn:aws:sts::123456789012:assumed-role/Admin/${text}` }),
  'IAM user': (_, text) => ({ resource: `arn:aws:iam::123456789012:user/eng/${text}` }),
  'Windows home': (_, text) => ({ file: `C:\\Users\\${text}\\Documents\\plan.docx` }),
  'macOS home': (_, text) => ({ file: `/Users/${text}/Library/Logs/x.log` }),
  'Linux home': (_, text) => ({ file: `/home/${text}/.ssh/id_ed25519` }),
  'k8s pod': (_, text) => ({ object: { kind: 'Pod', name: `jupyter-${text.replace(/[ .]/g, '-').toLowerCase()}-0` } }),
  'k8s user': (_, text) => ({ message: `User "${text}" cannot list resource "pods" in API group ""` }),
  sshd: (_, text) => ({ line: `Jan 15 10:22:33 web-1 sshd[812]: Accepted publickey for ${text} from 10.0.0.9 port 5022 ssh2` }),
  'invalid user': (_, text) => ({ line: `Jan 15 10:22:33 web-1 sshd[812]: Invalid user ${text} from 10.0.0.9 port 5022` }),
  sudo: (_, text) => ({ line: `Jan 15 10:22:33 web-1 sudo:   ${text} : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/bin/ls` }),
  PAM: (_, text) => ({ line: `pam_unix(sshd:session): session opened for user ${text}(uid=1001) by (uid=0)` }),
  LDAP: (_, text) => ({ dn: `uid=${text},ou=people,dc=acme,dc=org` }),
  'LDAP cn': (_, text) => ({ dn: `CN=${text},OU=Sales,DC=acme,DC=org` }),
  'Windows domain': (_, text) => ({ message: `Logon by ACME\\${text} from WS-12` }),
  'URL userinfo': (_, text) => ({ url: `ssh://${text}@git.example.net/x.git` }),
  profile: (_, text) => ({ url: `https://app.example.net/users/${text}/settings` }),
  'git author': (_, text) => ({ message: `commit 1f2e3d\nAuthor: ${text} <noreply@example.net>\nDate: Thu` }),
  chown: (_, text) => ({ command: `chown ${text}:staff /srv/x` }),
  su: (_, text) => ({ line: `su: (to root) ${text} on pts/1` }),
  postgres: (_, text) => ({ line: `FATAL:  password authentication failed for user "${text}"` }),
  mysql: (_, text) => ({ line: `Access denied for user '${text}'@'10.0.0.9' (using password: YES)` }),
  kerberos: (_, text) => ({ line: `AS_REQ 10.0.0.9: ISSUE: ${text}@ACME.ORG for krbtgt/ACME.ORG@ACME.ORG` }),
  kafka: (_, text) => ({ line: `Principal = User:${text} is Denied Operation = Write` }),
  'Azure path': (_, text) => ({ resource: `/subscriptions/x/users/${text}/devices` }),
  'S3 key': (_, text) => ({ key: `home/${text}/report.csv` }),
} as const satisfies Record<string, Position>;
function snake(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function kebab(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
