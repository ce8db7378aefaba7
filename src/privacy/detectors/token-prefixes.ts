/** Keys and tokens that begin with a mark of their own. */

export interface Prefix {
  readonly mark: string;
  readonly kind: string;
  /** What follows the mark, from the mark's end. */
  readonly rest: RegExp;
}

function prefix(mark: string, kind: string, rest: string): Prefix {
  return { mark, kind, rest: new RegExp(`${rest}(?![A-Za-z0-9_])`, 'y') };
}

/** By first character; the longest marks first. Marks with a dot are found from the run behind the dot, see `joinedStart`. */
export const prefixes = groupByFirst([
  ...['AKIA', 'ASIA', 'ABIA', 'ACCA'].map((mark) => prefix(mark, 'aws_access_key', '[A-Z0-9]{16}')),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((mark) => prefix(mark, 'github_token', '[A-Za-z0-9]{36,251}')),
  prefix('github_pat_', 'github_token', '[A-Za-z0-9]{22}_[A-Za-z0-9]{59}'),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xapp-'].map((mark) => prefix(mark, 'api_key', '[A-Za-z0-9-]{10,250}')),
  ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'whsec_'].map((mark) => prefix(mark, 'api_key', '[A-Za-z0-9+/=]{16,250}')),
  prefix('AIza', 'api_key', '[A-Za-z0-9_-]{35}'),
  prefix('GOCSPX-', 'api_key', '[A-Za-z0-9_-]{28}'),
  prefix('ya29.', 'api_key', '[A-Za-z0-9_.-]{20,2000}'),
  prefix('npm_', 'api_key', '[A-Za-z0-9]{36}'),
  prefix('sk-ant-', 'api_key', '[A-Za-z0-9_-]{20,200}'),
  prefix('sk-proj-', 'api_key', '[A-Za-z0-9_-]{20,250}'),
  prefix('sk-svcacct-', 'api_key', '[A-Za-z0-9_-]{20,250}'),
  prefix('sk-', 'api_key', '[A-Za-z0-9]{32,64}'),
  ...['hvs.', 'hvb.', 'hvr.'].map((mark) => prefix(mark, 'api_key', '[A-Za-z0-9_-]{24,300}')),
  prefix('SG.', 'api_key', '[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}'),
  prefix('SK', 'api_key', '[0-9a-f]{32}'),
  ...['glpat-', 'gldt-', 'glrt-'].map((mark) => prefix(mark, 'api_key', '[A-Za-z0-9_-]{20,100}')),
  ...['dop_v1_', 'doo_v1_', 'dor_v1_'].map((mark) => prefix(mark, 'api_key', '[0-9a-f]{64}')),
  ...['shpat_', 'shpca_', 'shppa_', 'shpss_'].map((mark) => prefix(mark, 'api_key', '[0-9a-fA-F]{32}')),
  prefix('pypi-', 'api_key', '[A-Za-z0-9_-]{50,300}'),
  prefix('dckr_pat_', 'api_key', '[A-Za-z0-9_-]{20,60}'),
  prefix('hf_', 'api_key', '[A-Za-z0-9]{34,40}'),
  prefix('glsa_', 'api_key', '[A-Za-z0-9]{32}_[0-9a-fA-F]{8}'),
  prefix('NRAK-', 'api_key', '[A-Z0-9]{27}'),
  prefix('lin_api_', 'api_key', '[A-Za-z0-9]{40}'),
  prefix('ntn_', 'api_key', '[A-Za-z0-9]{40,50}'),
  prefix('figd_', 'api_key', '[A-Za-z0-9_-]{40,50}'),
  prefix('dapi', 'api_key', '[0-9a-f]{32}'),
  prefix('ATATT3', 'api_key', '[A-Za-z0-9_-]{50,250}'),
  ...['sq0atp-', 'sq0csp-'].map((mark) => prefix(mark, 'api_key', '[A-Za-z0-9_-]{22,43}')),
  ...['pscale_tkn_', 'pscale_pw_'].map((mark) => prefix(mark, 'api_key', '[A-Za-z0-9_-]{32,64}')),
  prefix('rubygems_', 'api_key', '[0-9a-f]{48}'),
  prefix('xkeysib-', 'api_key', '[0-9a-f]{64}-[A-Za-z0-9]{16}'),
  prefix('key-', 'api_key', '[0-9a-f]{32}'),
  prefix('xai-', 'api_key', '[A-Za-z0-9]{56,100}'),
  prefix('pplx-', 'api_key', '[A-Za-z0-9]{40,64}'),
  prefix('r8_', 'api_key', '[A-Za-z0-9]{30,40}'),
  prefix('sbp_', 'api_key', '[0-9a-f]{40}'),
  prefix('secret_', 'api_key', '[A-Za-z0-9]{43}'),
  prefix('sntrys_', 'api_key', '[A-Za-z0-9_=+/-]{40,300}'),
  prefix('nvapi-', 'api_key', '[A-Za-z0-9_-]{60,70}'),
  prefix('tskey-', 'api_key', '[a-z]{3,10}-[A-Za-z0-9]{8,20}-[A-Za-z0-9]{16,40}'),
  prefix('PMAK-', 'api_key', '[0-9a-f]{24}-[0-9a-f]{34}'),
  prefix('EAACEdEose0cBA', 'api_key', '[A-Za-z0-9]{20,250}'),
  prefix('gsk_', 'api_key', '[A-Za-z0-9]{48,56}'),
  prefix('AGE-SECRET-KEY-1', 'api_key', '[A-Z0-9]{58}'),
]);

/** By unit: may a token begin with it? */
export const beginsToken = new Uint8Array(129);
for (const [unit, list] of prefixes.entries()) if (list || unit === 101) beginsToken[unit] = 1;
/** By two units: does any mark begin with them? */
export const beginsWithTwo = new Uint8Array(128 * 129);
for (const { mark } of [...prefixes.flatMap((list) => list ?? []), { mark: 'eyJ' }]) beginsWithTwo[mark.charCodeAt(0) * 129 + mark.charCodeAt(1)] = 1;

function groupByFirst(list: readonly Prefix[]): readonly (readonly Prefix[] | undefined)[] {
  const out: (Prefix[] | undefined)[] = Array.from({ length: 128 }, () => undefined);
  for (const one of list) (out[one.mark.charCodeAt(0)] ??= []).push(one);
  return out;
}
