// Programs that look for files and in them: findutils, fd and ripgrep manuals.
import type { Call } from "../call.ts";
import { baseName, matchesName } from "../paths.ts";
import type { CommandTable } from "../grammar.ts";
import { empty, field, isKnown, joined, known, literal, mark, unknown, withoutEnd } from "../text.ts";
import type { Field, Text } from "../text.ts";
import { directoriesOf } from "../under.ts";

export const searchCommands: CommandTable = {
  find: { run: find },
  "ls dir vdir lsd eza exa": {
    options: `
      -[1@AaBbCcDdeFfGgHhikLlmNnOopQqRrSstUuvWXxyZ]  -I,--ignore=  -T,--tabsize=  -w,--width=  --all  --almost-all  --author
      --escape  --block-size=  --ignore-backups  --color[=]  --colour[=]  --directory  --dired  --classify[=]  --file-type
      --format=  --full-time  --group-directories-first  --no-group  --human-readable  --si  --dereference-command-line  --hide=
      --hyperlink[=]  --indicator-style=  --inode  --kibibytes  --dereference  --numeric-uid-gid  --literal  --hide-control-chars
      --show-control-chars  --quote-name  --quoting-style=  --reverse  --recursive  --size  --sort=  --time=  --time-style=
      --context  --zero  --git  --icons[=]  --long  --tree  --level=  --header  --oneline  --git-ignore  --no-user
      --no-permissions
    `,
    operands: "list",
    run: (call) => {
      if (call.operands.length === 0) return unknown(0, ["."]);
      return call.has("-d", "--directory") && call.operands.every(isKnown) ? unknown(0, directoriesOf(call.operands)) : undefined;
    },
  },
  tree: {
    options: `
      -[AaCDdFfghiJlNnpQqrSstUuvXx]  -L=  -P=  -I=  -H=  -T=  -o= write  -R change:files  --dirsfirst  --filesfirst  --filelimit=
      --noreport  --prune  --gitignore  --matchdirs  --ignore-case  --si  --du  --sort[=]  --charset=  --timefmt=  --inodes
      --device  --fromfile  --metafirst
    `,
    // With `--fromfile` it shows what is written in them.
    run: (call) => {
      for (const operand of call.operands)
        if (call.has("--fromfile")) call.read(operand);
        else call.list(operand);
      return undefined;
    },
  },
  stat: {
    options: `
      -[nqrsx]  -L,--dereference  -f,--file-system  --cached=  -c,--format=  --printf=  -t,--terse
    `,
    operands: "list",
  },
  readlink: {
    options: `
      -f,--canonicalize  -e,--canonicalize-existing  -m,--canonicalize-missing  -n,--no-newline  -q,--quiet  -s,--silent
      -v,--verbose  -z,--zero
    `,
    operands: "list",
  },
  realpath: {
    options: `
      -e,--canonicalize-existing  -m,--canonicalize-missing  -L,--logical  -P,--physical  -q,--quiet  --relative-to= list
      --relative-base= list  -s,--strip,--no-symlinks  -z,--zero
    `,
    operands: "list",
  },
  basename: { options: "-a,--multiple  -s,--suffix=  -z,--zero", run: baseNameOf },
  dirname: { options: "-z,--zero", run: directoryNameOf },
  "pathchk namei": { options: "-[lmoPpvx]  --portability", operands: "list" },
  du: {
    options: `
      -[0abcDgHhkLlmPSsx]  -B,--block-size=  -d,--max-depth=  -t,--threshold=  -I=  -X,--exclude-from= read  --all
      --apparent-size  --bytes  --total  --dereference-args  --files0-from= read secret:listed_files  --human-readable  --inodes
      --dereference  --count-links  --null  --no-dereference  --separate-dirs  --si  --summarize  --time[=]  --time-style=
      --exclude=  --one-file-system
    `,
    operands: "list",
  },
  df: {
    options: `
      -[agHhiklmPTv]  -B,--block-size=  -t,--type=  -x,--exclude-type=  --all  --total  --human-readable  --si  --inodes  --local
      --no-sync  --output[=]  --portability  --print-type  --sync
    `,
    operands: "list",
  },
  "fd fdfind": {
    options: `
      -[01aFgHhIiLlpqsu]  -d,--max-depth=  --min-depth=  --exact-depth=  -E,--exclude=  -t,--type=  -e,--extension=  -S,--size=
      --changed-within=  --changed-before=  -o,--owner=  -c,--color=  -j,--threads=  -C,--base-directory= list  --max-results=
      --search-path= list  -x,--exec= program  -X,--exec-batch= program  --hidden  --no-ignore  --no-ignore-vcs  --unrestricted
      --case-sensitive  --ignore-case  --glob  --regex  --fixed-strings  --absolute-path  --list-details  --follow  --full-path
      --print0  --prune  --quiet  --strip-cwd-prefix[=]  --ignore-file= read  --format=
    `,
    operands: ["text", "list"],
    run: (call) => {
      const roots = call.operands.slice(1);
      return roots.every(isKnown) && !call.has("--format", "-C", "--search-path")
        ? unknown(0, roots.length === 0 ? ["."] : roots.map((root) => root.text))
        : undefined;
    },
  },
  "rg ripgrep ag ack": {
    options: `
      -[.0abcFHhIiLlNnoPpqSsUuvwx]  -z,--search-zip code:decompressor  --pre= program  --pre-glob=  --hostname-bin= program
      -A,--after-context=  -B,--before-context=  -C,--context=  -e,--regexp=  -f,--file= read  -g,--glob=  --iglob=
      -m,--max-count=  -M,--max-columns=  -t,--type=  -T,--type-not=  -r,--replace=  -j,--threads=  -d,--max-depth=
      -E,--encoding=  --color=  --colors=  --sort=  --sortr=  --type-add=  --ignore-file= read  --max-filesize=  --path-separator=
      --context-separator=  --engine=  --dfa-size-limit=  --regex-size-limit=  --binary  --block-buffered  --byte-offset
      --case-sensitive  --column  --count  --count-matches  --debug  --files  --files-with-matches  --files-without-match
      --fixed-strings  --follow  --heading  --no-heading  --hidden  --ignore-case  --include-zero  --invert-match  --json
      --line-buffered  --line-number  --no-line-number  --line-regexp  --multiline  --multiline-dotall  --no-config  --no-ignore
      --no-ignore-vcs  --no-ignore-parent  --no-ignore-global  --no-messages  --no-filename  --null  --null-data
      --one-file-system  --only-matching  --passthru  --pcre2  --pretty  --quiet  --smart-case  --stats  --text  --trim
      --type-list  --unrestricted  --vimgrep  --with-filename  --word-regexp  --no-unicode  --crlf
    `,
    run: (call) => {
      const pattern = call.has("-e", "-f", "--files", "--type-list");
      const files = pattern ? call.operands : call.operands.slice(1);
      const names = call.has("--files");
      if (!names && call.values("-g", "--iglob").some(({ text }) => !text.startsWith("!") && asksForSecret(text)))
        call.effect("secret:file");
      // To ag and ack other options take a value, so that what looks like one may be a file.
      if (call.program.startsWith("a") && call.has("-r", "-t", "-T", "-E", "-e", "-j", "-d", "-g"))
        for (const item of [...call.operands, ...call.arguments.options.flatMap(({ value }) => value ?? [])]) call.read(item, true);
      for (const file of files) {
        if (names) call.list(file);
        else call.read(file, true);
      }
      if (files.length === 0 && call.stdin.text === mark.hole && call.stdin.sources === 0 && !names) call.read(field("."), true);
      return call.has("--files", "-l", "--files-with-matches", "-L", "--files-without-match") &&
        files.every(isKnown) &&
        !files.some((file) => file.glob)
        ? unknown(0, files.length === 0 ? ["."] : files.map((file) => file.text))
        : unknown(call.stdin.sources);
    },
  },
  "locate mlocate plocate": { options: "-[0Abceiqw]  -l=  -n=  -r=" },
  "which whereis": { options: "-[bfmsu]  -a,--all  -B=  -M=  -S=  --skip-alias  --skip-functions" },
};

/** basename(1) and dirname(1) of one literal word. */
function baseNameOf(call: Call): Text {
  const [text, suffix] = call.operands.map(literal);
  if (text === undefined || call.operands.length > 2 || call.arguments.options.length > 0 || call.operands.length === 0) return unknown();
  const name = baseName(withoutEnd(text, "/") || "/");
  return known(`${suffix !== undefined && name.length > suffix.length && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name}\n`);
}

function directoryNameOf(call: Call): Text {
  const text = literal(call.operands[0]);
  if (text === undefined || call.operands.length !== 1 || call.arguments.options.length > 0) return unknown();
  const path = withoutEnd(text, "/");
  const parent = withoutEnd(path.slice(0, path.lastIndexOf("/") + 1), "/");
  return known(`${path.includes("/") || path === "" ? parent || "/" : "."}\n`);
}

/** Tests and actions by how many words they take (find(1)); the ones with effects are not here. */
const plain: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    "amin anewer atime cmin cnewer context ctime fstype gid group ilname iname inum ipath iregex iwholename links lname maxdepth mindepth mmin mtime name newer path perm printf regex regextype samefile size type uid used user wholename xtype newerat newermt newerct newerBt newermm flags"
      .split(" ")
      .map((name) => [name, 1]),
  ),
  ...Object.fromEntries(
    "a and d daystart depth empty executable false follow ignore_readdir_race ls mount nogroup nouser noleaf not nowarn o or print print0 prune quit readable true warn writable xdev noignore_readdir_race help version x s X"
      .split(" ")
      .map((name) => [name, 0]),
  ),
};

const starts = /^(?:-|[()!,]$)/;

function find(call: Call): Text {
  const { args } = call;
  let at = 0;
  while (/^-(?:[HLP]|O\d?|D)$/.test(args[at]?.text ?? "")) at += args[at]?.text === "-D" ? 2 : 1;
  const roots: Field[] = [];
  for (let item = args[at]; item !== undefined && !starts.test(item.text); item = args[(at += 1)]) roots.push(item);
  if (roots.length === 0) roots.push(field("."));
  for (const root of roots) {
    call.list(root, true);
    if (/^[\uE000\uE002]/.test(root.text) && root.under === null) call.unrecognized("a word of it that is not known may be an action");
  }
  const sources = joined(roots).sources;
  const isPlain = roots.every((root) => isKnown(root) && !root.glob && !root.many);
  const below = isPlain
    ? roots.map((root) => root.text)
    : roots.every(isKnown)
      ? roots.map((root) => (root.glob ? root.text.slice(0, root.text.search(/[*?[]/)).replace(/[^/]*$/, ".") : root.text))
      : null;
  // What is asked for by a name that secrets have may be one, wherever it is found.
  const secrets = secretsAskedFor(args);
  const under = below === null ? null : [...below, ...below.flatMap((root) => secrets.map((name) => `${root}/${name}`))];
  const found = field(unknown(sources, under), { many: true });
  let format = false;

  for (; at < args.length; at += 1) {
    const item = args[at];
    if (item === undefined) break;
    const name = literal(item)?.replace(/^-/, "");
    const text = literal(item);
    if (text === undefined) {
      call.unrecognized("a word of its expression is not known before it runs");
    } else if (/^[()!,]$/.test(text)) {
      continue;
    } else if (text === "-delete") {
      for (const root of roots) for (const place of call.interpreter.places.below(root, call.state)) call.delete1(place, true);
    } else if (/^-(?:exec|execdir|ok|okdir)$/.test(text)) {
      const end = args.findIndex(
        (word, index) => index > at && (word.text === ";" || (word.text === "+" && args[index - 1]?.text === "{}")),
      );
      const words = args.slice(at + 1, end < 0 ? undefined : end);
      if (end < 0) call.unrecognized("a command in it has no end");
      call.run(words.map((word) => withName(word, found)));
      at = end < 0 ? args.length : end;
    } else if (/^-(?:fprint|fprint0|fls|fprintf)$/.test(text)) {
      const target = args[at + 1];
      if (target !== undefined) call.write(target);
      at += text === "-fprintf" ? 2 : 1;
    } else if (text === "-files0-from") {
      call.unrecognized("it takes its starting points from a file");
      at += 1;
    } else if (text.startsWith("-") && name !== undefined && Object.hasOwn(plain, name)) {
      format ||= name === "printf" || name === "ls";
      at += plain[name] ?? 0;
    } else {
      call.unrecognized(`\`${text}\` in its expression is not known`);
    }
  }
  if (args.some((item) => /^-(?:delete|exec|execdir|ok|okdir)$/.test(item.text)) && !args.some((item) => /^-print0?$/.test(item.text)))
    return args.some((item) => item.text.startsWith("-exec")) ? unknown(sources) : empty;
  return format ? unknown(sources) : unknown(sources, under);
}

/** Names that stand for all secrets that are known by theirs. */
const secretNames = [
  ".env",
  ".env.local",
  ".env.production",
  ".envrc",
  ".netrc",
  ".pgpass",
  ".pypirc",
  ".htpasswd",
  ".git-credentials",
  ".bash_history",
  "id_rsa",
  "id_ed25519",
];

/** The most words of an expression that are looked through for names; a longer one may ask for any. */
const mostWords = 256;

/** Those of the names that some test of the expression matches, one that matches nearly any name aside. */
function secretsAskedFor(args: readonly Field[]): readonly string[] {
  const found = new Set<string>();
  if (args.length > mostWords) return secretNames;
  args.forEach((item, index) => {
    const [, insensitive, test] = /^-(i?)(name|lname|path|wholename|regex)$/.exec(literal(item) ?? "") ?? [];
    const pattern = literal(args[index + 1]);
    if (test === undefined || pattern === undefined || /^(?:!|-not)$/.test(args[index - 1]?.text ?? "")) return;
    const wanted = insensitive === "" ? pattern : pattern.toLowerCase();
    for (const name of secretNames) {
      const matches =
        test === "regex"
          ? wanted.replace(/[\\[\]^$()]/g, "").includes(name)
          : test.endsWith("name") && test !== "wholename"
            ? !/^\**$/.test(wanted) && matchesName(wanted, name)
            : !/[/*]\**$/.test(wanted) && matchesName(wanted.slice(wanted.lastIndexOf("/") + 1), name);
      if (matches) found.add(name);
    }
  });
  return [...found];
}

/** Whether a pattern for names, such as `--include` of grep takes, picks out secrets rather than nearly everything. */
export function asksForSecret(pattern: string): boolean {
  return pattern
    .toLowerCase()
    .split(/[{},]/)
    .map((one) => one.slice(one.lastIndexOf("/") + 1))
    .some((one) => !/^[*.]*$/.test(one) && secretNames.some((name) => matchesName(one, name)));
}

/** The word with what was found in the place of `{}`, or of another text that stands for it. */
export function withName(word: Field, found: Field, name = "{}"): Field {
  if (word.text === name) return { ...found, many: false };
  if (name === "" || !word.text.includes(name)) return word;
  return { ...word, text: word.text.replaceAll(name, () => found.text), sources: word.sources | found.sources, content: null };
}
