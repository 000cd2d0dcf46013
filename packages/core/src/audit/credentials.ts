/** A text with its credentials taken out. */
export interface Masked {
  /** The text, with `…` in the place of each credential. */
  readonly shown: string;
  readonly secrets: readonly string[];
}

/**
 * Finds the credentials that a command line, an address or another text holds in clear: by the option, header or variable that they are given with, by where
 * they stand in a URL, and by the forms that issuers give their tokens. Null where there is none. A credential of no known form that nothing announces is
 * not found; a variable's name (`$TOKEN`) is none.
 *
 * What is taken out is one word without blanks, quotes and whatever a shell reads as more than a word, so that nobody hides what a command does behind
 * something that looks like a password.
 */
export function maskCredentials(text: string): Masked | null {
  const secrets: string[] = [];
  let shown = text;
  for (const { form, counts } of forms) {
    shown = shown.replaceAll(form, (whole: string, before: string, secret: string) => {
      if (counts?.(secret) === false) return whole;
      secrets.push(secret);
      return `${before}${mask}`;
    });
  }
  return secrets.length === 0 ? null : { shown, secrets };
}

const mask = "…";

/** One word, of which a shell makes nothing else. */
const word = String.raw`[^\s"'\x60;&|<>(){}$\\…*]+`;
const names = String.raw`(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|client[-_]?secret|credentials?)`;

interface Form {
  /** What stands before the credential is the first group, the credential the second and last. */
  readonly form: RegExp;
  /** Whether a word in that place is one. */
  readonly counts?: (word: string) => boolean;
}

const forms: readonly Form[] = [
  // https://user:password@host, and a token alone in that place
  { form: new RegExp(String.raw`(\b[a-z][a-z0-9+.-]*:\/\/[^\s/@:"'\x60;&|<>(){}$]*:)([^\s/@"'\x60;&|<>(){}$\\…]+)(?=@)`, "gi") },
  { form: /(\b[a-z][a-z0-9+.-]*:\/\/)([\w-]{20,})(?=@)/gi },
  // Authorization: Bearer …, Cookie: session=…
  {
    form: new RegExp(
      String.raw`(\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|digest|token|apikey)\s+)?)(${word})`,
      "gi",
    ),
  },
  { form: /(\bbearer\s+)([\w.~+/=-]{8,})/gi },
  { form: new RegExp(String.raw`(\b(?:set-)?cookie\s*:\s*[\w.-]+=)(${word})`, "gi") },
  // --password …, -u user:password, -pPASSWORD
  { form: new RegExp(String.raw`(\s--?(?:[a-z]+-)*${names}(?:=|\s+)["']?)((?!-)${word})`, "gi") },
  { form: new RegExp(String.raw`(\s(?:-u|-U|--user|--proxy-user)[=\s]*["']?[^\s:"'@/;&|<>(){}$]+:)(${word})`, "gu") },
  { form: new RegExp(String.raw`(\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\b[^|;&\n]*?\s-p\s?["']?)((?!-)${word})`, "gu") },
  // API_KEY=…, ?token=…, "secret": "…". What is assigned may be run as a program later on: a plain word stays readable.
  {
    form: new RegExp(String.raw`(\b(?:\w+[-_])?${names}["']?\s*[:=]\s*["']?)(${word})`, "gi"),
    counts: (given) => /[0-9A-Z]/.test(given) || given.length >= 20,
  },
  // What issuers make recognisable.
  {
    form: /()(\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{36,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}|\b[rs]k_(?:live|test)_\w{16,}|\bsk-[\w-]{20,})/gu,
  },
  { form: /()(\bxox[abeprs]-[\w-]{10,}|\bAIza[\w-]{35}|\bnpm_\w{36}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)/gu },
  { form: /(-----BEGIN [A-Z ]*PRIVATE KEY-----\s*)([A-Za-z0-9+/=]{40,})/gu },
];

/** Whether a text with a credential may stand in this JSON. Quick, and true too often rather than too rarely. */
export function mayHoldCredential(json: string): boolean {
  return hint.test(json);
}

/** Of each form something that it cannot do without, as it is written in JSON, where a blank or a quote may be an escape. */
const hint: RegExp = new RegExp(
  [
    String.raw`:\/\/[^\s"]*@`,
    "authorization",
    "bearer",
    "cookie",
    String.raw`${names}[\s"'\\:=]`,
    String.raw`-u(?:ser)?(?:[\s"'=]|\\.)*[^\s"':]+:`,
    "mysql",
    "mariadb",
    "sshpass",
    "a[ks]ia[0-9a-z]{16}",
    "gh[pousr]_",
    "github_pat_",
    "glpat-",
    "[rs]k_(?:live|test)_",
    String.raw`sk-[\w-]{20}`,
    "xox[abeprs]-",
    "aiza",
    String.raw`npm_\w{36}`,
    "eyj",
    "private key",
  ].join("|"),
  "iu",
);
