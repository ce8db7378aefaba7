/** What a survey says of a text, and of the runs in it, as bits. */
/**
 * Flags: which characters and shapes occur. They are laid out as survey-lanes.ts finds them. Those of sequences, from `written` to `outcome`, say that
 * one may be there: of a short text only a part of it is looked at, and the detectors find out.
 */
export const has = {
  at: 1 << 0,
  colon: 1 << 1,
  percent: 1 << 2,
  ampersand: 1 << 3,
  backslash: 1 << 4,
  equals: 1 << 5,
  space: 1 << 6,
  dot: 1 << 7,
  digit: 1 << 8,
  slash: 1 << 13,
  dash: 1 << 14,
  /** `ser ` or `:u`: the name of an account may follow (`user jane`, `arn:…:user/jane`). */
  account: 1 << 16,
  /** `dot `: an address may be spoken. */
  written: 1 << 17,
  /** A slash and the first letters of a folder that people have things in, or `ole/`. */
  folder: 1 << 18,
  /** `from`, `uid=`, `TTY=`, `(to `: a program may tell who logs in. */
  login: 1 << 19,
  doubleColon: 1 << 20,
  /** `</` */
  endTag: 1 << 21,
  /** `://` */
  urlMark: 1 << 22,
  newline: 1 << 23,
  /** Two dots with four characters between, and a hex digit four behind the second. */
  dotPair: 1 << 24,
  /** A part of what transforms leave behind: `ok_`, `sh_`, `256:`, stars, a bracket and a capital. */
  outcome: 1 << 25,
  /** `[.]`, `(at)`, `{dot}` or the like may be there: a mark of an address that was made harmless. */
  bracket: 1 << 26,
  /** `LUES`, `lues`, `)=(`: there may be a row of a database. */
  statement: 1 << 27,
  /** Any unit beyond ASCII. */
  nonAscii: 1 << 28,
  /** `=?`, or `=` and a capital hex digit or the end of a line: mail may be encoded so. */
  mail: 1 << 9,
  /** A capital, or anything beyond ASCII, that follows a word and one space, comma, semicolon, bar or tab. */
  capitalPair: 1 << 10,
  /** A run of eight or more characters of the base64 alphabets. */
  run: 1 << 11,
} as const;

/** Flags that `survey` of survey-lanes.ts settles; its other bits are classes of no interest. */
export const ofLanes =
  0xff |
  has.digit |
  has.slash |
  has.dash |
  has.account |
  has.written |
  has.folder |
  has.login |
  has.doubleColon |
  has.endTag |
  has.urlMark |
  has.newline |
  has.dotPair |
  has.outcome |
  has.bracket |
  has.statement |
  has.nonAscii;

/** What characters a run is made of; together they say what it may be. */
export const made = {
  ofDigits: 1,
  ofLowerHex: 2,
  ofLower: 4,
  ofUpperHex: 8,
  ofUpper: 16,
  /** `/` and `+`. */
  ofSlashes: 32,
  /** `-` and `_`. */
  ofDashes: 64,
} as const;

/** Neither hex digits nor anything that may stand between them. */
export const beyondHex = made.ofLower | made.ofUpper | made.ofSlashes | made.ofDashes;
/** Encoded values and tokens always have some of these; words and paths in lower case do not. */
export const mixed = made.ofDigits | made.ofUpperHex | made.ofUpper;
