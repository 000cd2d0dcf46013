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
 * What is taken out is one word without blanks, quotes and whatever a shell reads as more than a word, on the line of what announces it, so that nobody
 * hides what a command does behind something that looks like a password; or the lines of a private key.
 */
export function maskCredentials(text: string): Masked | null {
  const secrets: string[] = [];
  const take = (whole: string, before: string, secret: string, counts: Form["counts"]): string => {
    if (counts?.(secret) === false) return whole;
    secrets.push(secret);
    return `${before}${mask}`;
  };
  let shown = text;
  for (const { form, counts, each } of forms) {
    shown = shown.replaceAll(form, (whole: string, before: string, found: string) =>
      each === undefined
        ? take(whole, before, found, counts)
        : before + found.replaceAll(each, (part: string, name: string, secret: string) => take(part, name, secret, counts)),
    );
  }
  return secrets.length === 0 ? null : { shown, secrets };
}

const mask = "…";

/** Of one word, of which a shell makes nothing else. */
const letter = String.raw`[^\s"'\x60;&|<>(){}$\\…*]`;
const word = `${letter}+`;
/** Between what announces a credential and the credential: a line feed would end the command. */
const blank = String.raw`[ \t]`;
const names = String.raw`(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|client[-_]?secret|credentials?)`;
/** The same at the end of a longer name (`PGPASSWORD`, `authToken`), save for what ends other words too (`bypass`). */
const longNames = names.replace("pass(?:word|wd|phrase)?|pwd", String.raw`pass(?:word|wd|phrase)|(?<![^\W_])pass|(?<!old)pwd`);
/** After a name. A shell runs what stands behind a blank after `=`, so that there one belongs before it too. */
const assigns = `(?:=|${blank}+=${blank}*|${blank}*:${blank}*)`;
/** What stands between a program and its options, in the same command. */
const options = String.raw`[^|;&\n]{0,400}?`;

const lineFeed = String.raw`(?:[\r\n]|\\+[rn])`;
const lineEnd = String.raw`(?:\s|\\+[rn])`;
/** Of a line in base64, which is no plain word. */
const base64 = String.raw`(?=[a-z+/]*[0-9A-Z=])[A-Za-z0-9+/=]`;

/** A plain word may be a program, where it could be run. */
function isNoPlainWord(given: string): boolean {
  return /[0-9A-Z]/.test(given) || given.length >= 20;
}

interface Form {
  /** What stands before the credential is the first group, the credential the second and last. */
  readonly form: RegExp;
  /** Where the second group holds several: one of them, with its name as the first group. */
  readonly each?: RegExp;
  /** Whether a word in that place is one. */
  readonly counts?: (word: string) => boolean;
}

const forms: readonly Form[] = [
  // A private key, in lines of their own or with `\n` between them, also after what PEM says of it; the last line may be short.
  {
    form: new RegExp(
      String.raw`(-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:(?:${lineFeed}+[A-Za-z-]+: [^\r\n\\"'\x60;&|]*)+${lineFeed}${lineEnd}*|${lineEnd}*))` +
        String.raw`(${base64}{40,}(?:${lineEnd}+${base64}{40,})*(?:${lineEnd}+${base64}+(?=${lineEnd}+-----END ))?)`,
      "gu",
    ),
  },
  // https://user:password@host, and a token alone in that place
  { form: new RegExp(String.raw`(\b[a-z][a-z0-9+.-]{0,31}:\/\/[^\s/@:"'\x60;&|<>(){}$]*:)([^\s/@"'\x60;&|<>(){}$\\…]+)(?=@)`, "gi") },
  { form: /(\b[a-z][a-z0-9+.-]{0,31}:\/\/)([\w-]{20,})(?=@)/gi },
  // Authorization: Bearer …, in quotes also of a scheme that nobody knows; Cookie: theme=dark; session=…
  { form: new RegExp(String.raw`(["'](?:proxy-)?authorization${blank}*:${blank}*[a-z][\w-]*${blank}+)(${word})`, "gi") },
  {
    form: new RegExp(
      String.raw`(\b(?:proxy-)?authorization["']?${blank}*[:=]${blank}*["']?(?:(?:bearer|basic|digest|token|apikey)${blank}+)?)(${word})(?!${blank}+${mask}|${letter})`,
      "gi",
    ),
  },
  { form: new RegExp(String.raw`(\bbearer${blank}+)([\w.~+/=-]{8,})`, "gi") },
  { form: new RegExp(String.raw`(\b(?:set-)?cookie${blank}*:${blank}*[\w.-]+=)(${word})`, "gi") },
  {
    form: new RegExp(String.raw`(\b(?:set-)?cookie${blank}*:${blank}*[\w.-]+=${mask})((?:;${blank}*[\w.-]+=${word})+)`, "gi"),
    each: new RegExp(`(=)(${word})`, "gu"),
    counts: isNoPlainWord,
  },
  { form: new RegExp(String.raw`(\bcurl\b${options}\s(?:-b|--cookie)[= \t]*["']?[\w.-]+=)(${word})`, "gu") },
  // --password …, -u user:password, -pPASSWORD
  { form: new RegExp(String.raw`(\s--?(?:[a-z]+-)*${names}(?:=|${blank}+)["']?)((?!-)${word})`, "gi") },
  { form: new RegExp(String.raw`(\s(?:-u|-U|--user|--proxy-user)[= \t]*["']?[^\s:"'@/;&|<>(){}$]+:)(${word})`, "gu") },
  { form: new RegExp(String.raw`(\bcurl\b${options}\s-[A-Za-z]+u[ \t]*["']?[^\s:"'@/;&|<>(){}$]+:)(${word})`, "gu") },
  { form: new RegExp(String.raw`(\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\b[^|;&\n]*?\s-p${blank}?["']?)((?!-)${word})`, "gu") },
  {
    form: new RegExp(
      String.raw`(\b(?:docker|podman|nerdctl|buildah|skopeo|helm|az|oc)${blank}+(?:registry${blank}+)?login\b${options}\s-p${blank}?["']?)((?!-)${word})`,
      "gu",
    ),
  },
  { form: new RegExp(String.raw`(\bredis-cli\b${options}\s-a${blank}+["']?)((?!-)${word})`, "gu") },
  { form: new RegExp(String.raw`(\bldap(?:search|modify|add|delete|whoami)\b${options}\s-w${blank}+["']?)((?!-)${word})`, "gu") },
  // aws configure set aws_secret_access_key …
  { form: new RegExp(String.raw`(\bset${blank}+["']?[^\s"'=;|&]*${names}["']?${blank}+["']?)(${word})`, "gi"), counts: isNoPlainWord },
  // API_KEY=…, ?token=…, "secret": "…". What is assigned may be run as a program later on: a plain word stays readable.
  { form: new RegExp(String.raw`(${longNames}["']?${assigns}["']?)((?!-----BEGIN)${word})`, "gi"), counts: isNoPlainWord },
  // Addresses that are credentials themselves.
  { form: /([?&](?:sig|signature|x-amz-signature)=)([\w%+/=.-]{16,})/giu },
  { form: /(\bhooks\.slack\.com\/services\/|\bdiscord(?:app)?\.com\/api\/webhooks\/\d+\/)([\w/-]{20,})/giu },
  // What issuers make recognisable.
  {
    form: /()(\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{36,}|\bgithub_pat_\w{22,}|\bgl(?:pat|ptt|dt|rt|cbt|ft|soat)-[\w-]{20,}|\b[rs]k_(?:live|test)_\w{16,}|\bsk-[\w-]{20,})/gu,
  },
  { form: /()(\bxox[abeprs]-[\w-]{10,}|\bAIza[\w-]{35}|\bnpm_\w{36}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)/gu },
  {
    form: /()(\bhf_[A-Za-z]{30,}|\bpypi-AgE[\w-]{16,}|\bdckr_pat_[\w-]{20,}|\bshp(?:at|ca|pa|ss)_[0-9a-f]{32}|\bdo[opr]_v1_[0-9a-f]{32,}|\bwhsec_[\w+/=]{20,}|\bAGE-SECRET-KEY-1[0-9A-Z]{50,})/gu,
  },
  {
    form: /()(\bSG\.[\w-]{16,}\.[\w-]{16,}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}|\bhv[bs]\.[\w-]{20,}|\bxai-\w{20,}|\bgsk_\w{20,}|\btskey-[a-z]+-[\w-]{8,})/gu,
  },
];

/** Whether what an environment variable, a header or another member of this name holds is a credential. */
export function announcesCredential(name: string): boolean {
  return announcing.test(name);
}

/** Whether a text under this name is a credential, wherever it stands: `password`, `accessToken`, `client_secret`. */
export function namesCredential(name: string): boolean {
  return naming.test(name);
}

const naming = new RegExp(`(?:${longNames})$(?<!^pwd)`, "iu");

/** Not the working directory. */
const announcing = new RegExp(String.raw`(?:${longNames}|(?<![^\W_])auth)$(?<!^pwd)`, "iu");

/** Whether a text with a credential may stand in this JSON. Quick, and true too often rather than too rarely. */
export function mayHoldCredential(json: string): boolean {
  return hint.test(json);
}

/** Of each form something that it cannot do without, as it is written in JSON, where a blank or a quote may be an escape. */
const hint: RegExp = new RegExp(
  [
    String.raw`:\/\/[^\s"]*@`,
    'auth"',
    "authorization",
    "bearer",
    "cookie",
    String.raw`${names}[\s"'\\:=]`,
    String.raw`-[a-z]*u(?:ser)?(?:[\s"'=]|\\.)*[^\s"':]+:`,
    String.raw`curl.*-b`,
    "mysql",
    "mariadb",
    "sshpass",
    String.raw`login.*-p`,
    "redis-cli",
    "ldap[a-z]",
    "sig(?:nature)?=",
    "hooks\\.slack",
    "api/webhooks/",
    "a[ks]ia[0-9a-z]{16}",
    "gh[pousr]_",
    "github_pat_",
    String.raw`gl(?:pat|ptt|dt|rt|cbt|ft|soat)-[\w-]{20}`,
    "[rs]k_(?:live|test)_",
    String.raw`sk-[\w-]{20}`,
    "xox[abeprs]-",
    "aiza",
    String.raw`npm_\w{36}`,
    "eyj",
    "private key",
    "hf_[a-z]{30}",
    "pypi-age",
    "dckr_pat_",
    "shp(?:at|ca|pa|ss)_",
    "do[opr]_v1_",
    "whsec_",
    "age-secret-key",
    String.raw`sg\.[\w-]{16}`,
    String.raw`ya29\.`,
    "gocspx-",
    String.raw`hv[bs]\.[\w-]{20}`,
    String.raw`xai-\w{20}`,
    String.raw`gsk_\w{20}`,
    "tskey-",
  ].join("|"),
  "iu",
);
