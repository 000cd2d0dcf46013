// git(1) and the manuals of its commands; what can be abused in it, GTFOBins and the git documentation on hooks and `-c`.
import { Call } from "../call.ts";
import type { CommandSpec, CommandTable } from "../grammar.ts";
import { joinWords } from "./builtins.ts";
import { remote } from "./network.ts";
import { asksForSecret } from "./search.ts";
import { empty, field, isKnown, literal, rest, unknown } from "../text.ts";
import type { Text } from "../text.ts";

/** Options of what prints commits and differences. */
const diffOptions = `
  -[cmRrtz]  -NUM  -p,-u,--patch  -s,--no-patch  -U,--unified=  --output= write  --output-indicator-new=  --raw  --patch-with-raw
  --indent-heuristic  --minimal  --patience  --histogram  --anchored=  --diff-algorithm=  --stat[=]  --compact-summary  --numstat
  --shortstat  -X,--dirstat[=]  --cumulative  --summary  --patch-with-stat  --name-only  --name-status  --submodule[=]  --color[=]
  --no-color  --color-moved[=]  --no-color-moved  --color-words[=]  --word-diff[=]  --word-diff-regex=  --no-renames
  --rename-empty  --check  --full-index  --binary  --abbrev[=]  -B,--break-rewrites[=]  -M,--find-renames[=]  -C,--find-copies[=]
  --find-copies-harder  -D,--irreversible-delete  -l=  --diff-filter=  -S=  -G=  --find-object=  --pickaxe-all  --pickaxe-regex
  -O= read  --relative[=]  -a,--text  --ignore-cr-at-eol  --ignore-space-at-eol  -b,--ignore-space-change  -w,--ignore-all-space
  --ignore-blank-lines  --inter-hunk-context=  -W,--function-context  --exit-code  --quiet  --ext-diff code:diff_driver
  --no-ext-diff  --textconv code:diff_driver  --no-textconv  --ignore-submodules[=]  --src-prefix=  --dst-prefix=  --no-prefix
  --merge-base  --staged  --cached  --no-index  --cc  --root  --stdin  --always  --no-commit-id  --pretty[=]  --format=
`;

const logOptions = `
  ${diffOptions}  -[gq]  -n,--max-count=  --skip=  --since=  --after=  --until=  --before=  --author=  --committer=  --grep=
  --all-match  --invert-grep  -i,--regexp-ignore-case  --basic-regexp  -E,--extended-regexp  -F,--fixed-strings  -P,--perl-regexp
  --merges  --no-merges  --first-parent  --all  --branches[=]  --tags[=]  --remotes[=]  --glob=  --exclude=  --reflog  --oneline
  --graph  --decorate[=]  --no-decorate  --source  --follow  --full-history  --simplify-merges  --date=  --relative-date
  --parents  --children  --left-right  --cherry-pick  --cherry-mark  --cherry  --boundary  --date-order  --author-date-order
  --topo-order  --reverse  --no-walk[=]  --do-walk  --abbrev-commit  --no-abbrev-commit  --walk-reflogs  -L=  --notes[=]
  --no-notes  --show-signature  --count  --objects  --ancestry-path[=]  --encoding=  --no-mailmap  --use-mailmap
  --simplify-by-decoration  --full-diff  --log-size
`;

/** What makes `git log` show what files hold. */
const patches = ["-p", "-U", "-W", "-c", "--cc", "-L", "--color-words", "--word-diff", "--word-diff-regex"].concat([
  "--patch-with-stat",
  "--patch-with-raw",
  "--binary",
]);

/** What makes `git branch` and `git tag` list, whatever else they are given. */
const listing = ["-l", "--list", "--contains", "--no-contains", "--merged", "--no-merged", "--points-at"];

const lists = (options: string): CommandSpec => ({
  options,
  // Without operands it lists; with one it makes, moves or removes.
  run: (call) => {
    if (call.operands.length > 0 && !call.has(...listing)) call.effect("change:repository");
    return undefined;
  },
});

/** Shows what files hold, or held: `HEAD:.env`, or a path behind `--`. What was committed is no less a secret. */
function showsFiles(call: Call): undefined {
  const named = [...call.operands, ...call.values("-L")];
  for (const { text } of named.filter(isKnown)) {
    if (/^:(?:[!^]|\([^)]*exclude)/.test(text)) continue;
    const path = text.slice(text.indexOf(":") + 1).replace(/^\([^)]*\)/, "");
    if (/[*?[]/.test(path) && asksForSecret(path)) call.effect("secret:file");
    const places = call.interpreter.places.of(field(path), call.state);
    if (places.some((place) => place.secret === "yes")) call.effect("secret:file");
  }
}

const changes = (...effects: NonNullable<CommandSpec["effects"]>): CommandSpec => ({
  effects: ["change:repository", ...effects],
  run: () => unknown(),
});

/** Commands of git that are known. What is not here may be an alias or a program of the user's. */
const subcommands: CommandTable = {
  status: {
    options: `
      -z  -s,--short  -b,--branch  --show-stash  --porcelain[=]  --long  -v,--verbose  -u,--untracked-files[=]
      --ignore-submodules[=]  --ignored[=]  --column[=]  --no-column  --ahead-behind  --no-ahead-behind  --renames  --no-renames
      --find-renames[=]
    `,
  },
  shortlog: { options: `${logOptions}  -[ces]  -n,--numbered  --committer  --email  --group=  -w[=]` },
  "log show whatchanged rev-list reflog diff-tree": {
    options: logOptions,
    run: (call) => {
      if (call.program === "git show" || call.has(...patches)) showsFiles(call);
      if (call.program === "git reflog" && ["expire", "delete", "drop", "write"].includes(literal(call.operands[0]) ?? ""))
        call.effect("change:repository");
      return undefined;
    },
  },
  "diff diff-index diff-files range-diff": {
    options: `${diffOptions}  -[0123]  --base  --ours  --theirs`,
    run: (call) => {
      showsFiles(call);
      // Two files outside a repository are compared as diff(1) would.
      for (const operand of call.operands) if (call.has("--no-index") || !/^[A-Za-z0-9_@^:]/.test(operand.text)) call.read(operand, true);
      return call.has("--name-only") && !call.has("--no-index") ? unknown(0, ["."]) : undefined;
    },
  },
  branch: lists(`
    -v,--verbose  -vv  -a,--all  -r,--remotes  -l,--list  --show-current  --contains[=]  --no-contains[=]  --merged[=]
    --no-merged[=]  --points-at=  --sort=  --format=  --color[=]  --no-color  --column[=]  --no-column  --abbrev[=]
    -i,--ignore-case  -q,--quiet  -d,--delete change:repository  -D change:repository  -m,--move change:repository
    -M change:repository  -c,--copy change:repository  -C change:repository  -f,--force change:repository
    -u,--set-upstream-to= change:repository  -t,--track[=] change:repository  --unset-upstream change:repository
    --edit-description code:editor
  `),
  tag: lists(`
    -l,--list  -n[=]  --contains[=]  --no-contains[=]  --merged[=]  --no-merged[=]  --points-at=  --sort=  --format=  --color[=]
    -i,--ignore-case  --column[=]  -v,--verify  -d,--delete change:repository  -a,--annotate code:editor  -m,--message=
    -f,--force  -s,--sign
  `),
  "rev-parse": {
    options: `
      --abbrev-ref[=]  --show-toplevel  --git-dir  --git-common-dir  --is-inside-work-tree  --is-inside-git-dir
      --is-bare-repository  --show-prefix  --show-cdup  --verify  -q,--quiet  --short[=]  --symbolic  --symbolic-full-name  --all
      --branches[=]  --tags[=]  --remotes[=]  --absolute-git-dir  --sq  --not  --revs-only  --no-revs  --flags  --no-flags
      --default=  --show-superproject-working-tree
    `,
  },
  "ls-files": {
    options: `
      -[ftvz]  -c,--cached  -d,--deleted  -m,--modified  -o,--others  -i,--ignored  -s,--stage  -u,--unmerged  -k,--killed
      --directory  --no-empty-directory  --eol  -x,--exclude=  -X,--exclude-from= read  --exclude-standard
      --exclude-per-directory=  --error-unmatch  --full-name  --recurse-submodules  --abbrev[=]  --deduplicate  --format=
    `,
    run: (call) => unknown(0, call.has("--format", "-s", "-u", "-t", "-v", "--eol") ? null : ["."]),
  },
  "ls-tree": {
    options: `
      -[drtz]  -l,--long  --name-only  --name-status  --object-only  --full-name  --full-tree  --abbrev[=]  --format=
    `,
    run: (call) => unknown(0, call.has("--name-only", "--name-status") ? ["."] : null),
  },
  "describe name-rev merge-base cherry show-ref for-each-ref show-branch count-objects check-ref-format verify-commit verify-tag diff-pairs merge-tree var-list":
    {
      options: `
        -a  --all  --tags  --contains  --abbrev[=]  --candidates=  --exact-match  --debug  --long  --match=  --exclude=  --always
        --dirty[=]  --broken[=]  --first-parent  --name-only  --refs=  --no-undefined  --is-ancestor  --fork-point  --octopus
        --independent  -v,--verbose  -d,--dereference  -s,--hash[=]  --verify  -q,--quiet  --heads  --branches  --head  --count=
        --format=  --sort=  --points-at=  --merged[=]  --no-merged[=]  --no-contains[=]  -H,--human-readable  --raw
      `,
    },
  blame: {
    options: `
      -[blstw]  -L=  -S= read  -p,--porcelain  --line-porcelain  -e,--show-email  -M[=]  -C[=]  -f,--show-name  -n,--show-number
      --date=  --root  --incremental  --abbrev=  --since=  --ignore-rev=  --ignore-revs-file= read  --reverse  --color-lines
      --color-by-age  --contents= read
    `,
    run: showsFiles,
  },
  "cat-file": {
    options: `
      -[epst]  --batch[=]  --batch-check[=]  --batch-all-objects  --buffer  --unordered  --textconv code:diff_driver
      --filters code:filter
    `,
    run: (call) => {
      // Which files it shows stands in its input.
      if (call.has("--batch")) call.effect("secret:file");
      return showsFiles(call);
    },
  },
  grep: {
    options: `
      -[acEFGHhIiLlnoPpqrvWwz]  -NUM  -e=  -f= read  -m,--max-count=  -A,--after-context=  -B,--before-context=  -C,--context=
      -O,--open-files-in-pager[=] program  --cached  --untracked  --no-index  --recurse-submodules  --textconv code:diff_driver
      --no-textconv  --max-depth=  --recursive  --no-recursive  --and  --or  --not  --all-match  --break  --heading
      --show-function  --function-context  --threads=  --name-only  --files-with-matches  --files-without-match  --count
      --line-number  --column  --ignore-case  --word-regexp  --invert-match  --full-name  --extended-regexp  --perl-regexp
      --fixed-strings  --only-matching  --color[=]  --no-color  --quiet  --text  --null  --exclude-standard
    `,
    run: (call) => {
      // Without a value it is git's own pager that is started, which the repository's configuration names.
      if (call.has("-O", "--open-files-in-pager")) call.effect("code:program");
      showsFiles(call);
      for (const operand of call.has("--no-index") ? call.operands.slice(call.has("-e", "-f") ? 0 : 1) : []) call.read(operand, true);
      return call.has("-l", "-L", "--name-only", "--files-with-matches", "--files-without-match") ? unknown(0, ["."]) : undefined;
    },
  },
  stash: { run: (call) => (["list", "show"].includes(literal(call.args[0]) ?? "") ? again(call, "git log") : change(call)) },
  config: { run: judgeConfig },
  remote: {
    options: "-v,--verbose",
    ordered: true,
    run: (call) => {
      const verb = literal(call.operands[0]);
      if (verb === "show" || verb === "update" || verb === "prune") call.effect("network");
      if (call.operands.length > 0 && verb !== "get-url" && verb !== "show") call.effect("change:repository");
      return undefined;
    },
  },
  worktree: { run: (call) => (literal(call.args[0]) === "list" ? undefined : change(call)) },
  notes: {
    run: (call) =>
      ["list", "show", undefined].includes(literal(call.args[0])) && (call.args.length === 0 || literal(call.args[0]) !== undefined)
        ? undefined
        : change(call),
  },
  bisect: {
    run: (call) => {
      const verb = literal(call.args[0]);
      if (verb === "log") return undefined;
      if (verb === "run") call.run(call.args.slice(1), { state: elsewhere(call) });
      return change(call, "code:bisect");
    },
  },
  submodule: {
    run: (call) => {
      const verb = literal(call.args.find((item) => !item.text.startsWith("-")));
      if (call.args.length === 0 || literal(call.args[0]) === "status") return undefined;
      if (verb === "foreach") {
        const words = call.args.slice(call.args.findIndex((item) => item.text === "foreach") + 1);
        const first = words.findIndex((item) => !/^(?:-q|--quiet|--recursive)$/.test(item.text));
        call.shell(joinWords(words.slice(Math.max(first, 0))), { state: elsewhere(call) });
      }
      return change(call, "network");
    },
  },
  rebase: {
    run: (call) => {
      call.args.forEach((item, index) => {
        const [attached] = /^(?:--exec=|-x(?=.))/.exec(item.text) ?? [];
        const script = attached === undefined ? call.args[index + 1] : rest(item, attached.length);
        if (script !== undefined && /^(?:-x|--exec(?:=|$))/.test(item.text)) call.shell(script, { state: elsewhere(call) });
      });
      return change(call, "code:hooks");
    },
  },
  "symbolic-ref": {
    options: "-q,--quiet  --short  --recurse  --no-recurse  -d,--delete change:repository  -m=",
    run: (call) => (call.operands.length > 1 ? change(call) : undefined),
  },
  "check-ignore check-attr check-mailmap": {
    options: `
      -z  -q,--quiet  -v,--verbose  --stdin  -n,--non-matching  --no-index  -a,--all  --cached  --source=
    `,
  },
  archive: {
    options: `
      --format=  -l,--list  -v,--verbose  --prefix=  -o,--output= write  --add-file= read  --remote= network  --exec= program
      --worktree-attributes  -NUM
    `,
    run: showsFiles,
  },
  "fsck verify-pack": {
    options: `
      -[sv]  --full  --strict  --unreachable  --dangling  --no-dangling  --root  --tags  --cache  --no-reflogs  --verbose
      --progress  --no-progress  --connectivity-only  --name-objects
    `,
  },
  version: { options: "--build-options" },
  help: { effects: ["code:interactive"] },
  "fetch ls-remote": changes("network"),
  "clone pull push": changes("network", "code:hooks"),
  "send-email send-pack fetch-pack http-fetch http-push imap-send upload-pack receive-pack request-pull": changes("network"),
  "commit merge am cherry-pick revert checkout switch restore gc hook": changes("code:hooks"),
  "add stage init reset update-index update-ref mv apply read-tree write-tree commit-tree hash-object mktag mktree pack-refs pack-objects repack prune prune-packed replace rerere sparse-checkout unpack-objects checkout-index maintenance multi-pack-index commit-graph fast-import index-pack bundle":
    changes(),
  rm: {
    options: `
      -r  -f,--force  -n,--dry-run  --cached  --ignore-unmatch  --sparse  -q,--quiet  --pathspec-from-file= read
      --pathspec-file-nul
    `,
    run: (call) => {
      for (const operand of call.has("--cached", "-n") ? [] : call.operands) call.delete(operand);
      return change(call);
    },
  },
  clean: {
    options: "-[dXx]  -f,--force  -i,--interactive  -n,--dry-run  -q,--quiet  -e,--exclude=",
    run: (call) => {
      if (call.has("-n") && !call.has("-i")) return undefined;
      call.findings.open("deletes", "`git clean` removes whatever is not tracked");
      return change(call);
    },
  },
  "filter-branch filter-repo difftool mergetool gui gitk instaweb citool web--browse daemon shell svn p4 cvsserver archimport quiltimport":
    changes("code:tools", "network"),
  credential: { effects: ["secret:credentials", "code:helper"] },
  "credential-store credential-cache": { effects: ["secret:credentials", "change:credentials"] },
  var: { effects: ["secret:environment"] },
  lfs: changes("network"),
};

const global: CommandSpec = {
  ordered: true,
  options: `
    -v  -C= list  -c= code:configuration  --config-env= code:configuration  --exec-path[=] code:programs
    -p,--paginate code:interactive  -P,--no-pager  --no-replace-objects  --bare  --git-dir= code:repository
    --work-tree= code:repository  --namespace=  --literal-pathspecs  --glob-pathspecs  --noglob-pathspecs  --icase-pathspecs
    --no-optional-locks  --no-lazy-fetch  --no-advice  --html-path  --man-path  --info-path  --list-cmds=  --attr-source=
  `,
};

export const gitCommands: CommandTable = {
  git: { ...global, run: judgeGit },
  "gh glab hub": remote(/^completion$/, "network", "change:remote_repository"),
  "hg svn bzr fossil jj cvs": { effects: ["change:repository", "code:hooks"] },
  tig: { effects: ["code:interactive"] },
};

const specs = new Map(Object.entries(subcommands).flatMap(([names, spec]) => names.split(" ").map((name) => [name, spec] as const)));

function judgeGit(call: Call): Text {
  const [name, ...args] = call.operands;
  const state = call.state.copy();
  for (const directory of call.values("-C")) state.enter(call.interpreter.places.directories(directory, state));
  if (name === undefined) return unknown();
  // A repository may name programs that git runs for it, and only the one that the agent works in is trusted to.
  if (!call.interpreter.isOwnDirectory(state)) call.code("repository");
  const text = literal(name);
  const spec = text === undefined ? undefined : specs.get(text);
  if (spec === undefined) {
    call.unrecognized(`it has no command \`${name.text}\` that is known`);
    return unknown();
  }
  const inner = new Call(`git ${text}`, args, spec, { state, stdin: call.stdin, interpreter: call.interpreter, wrappedBy: call.wrappedBy });
  const output = inner.judge();
  call.recognized &&= inner.recognized;
  return output;
}

/** How things stand where git starts a program: in a directory of its choice. */
function elsewhere(call: Call): Call["state"] {
  const state = call.state.copy();
  state.enter({ directories: state.directories, lost: true });
  return state;
}

function change(call: Call, ...effects: NonNullable<CommandSpec["effects"]>): Text {
  for (const effect of ["change:repository", ...effects] as const) call.effect(effect);
  return empty;
}

/** The arguments behind the first, read as those of another command. */
function again(call: Call, as: string): Text {
  const spec = specs.get(as.replace("git ", "")) ?? {};
  const inner = new Call(as, call.args.slice(1), spec, call);
  const output = inner.judge();
  call.recognized &&= inner.recognized;
  return output;
}

/** `git config` reads with one operand and writes with two (git-config(1)). */
function judgeConfig(call: Call): Text {
  const reading =
    /^(?:--get|--get-all|--get-regexp|--get-urlmatch|--list|-l|--show-origin|--show-scope|--name-only|-z|--null|--global|--local|--system|--worktree|--bool|--int|--path|--type=\w+|--default=.*|--includes|--no-includes|get|list)$/;
  const words = call.args.map(literal);
  const operands = words.filter((word) => word === undefined || !reading.test(word));
  const asks = words.some((word) => /^(?:--get.*|--list|-l|get|list)$/.test(word ?? ""));
  const bad = operands.some((word) => word === undefined || word.startsWith("-"));
  if (bad || operands.length > (asks ? 2 : 1) || words.includes("edit")) return change(call, "code:configuration");
  // A listing shows what was stored for logging in, and so may a name.
  if (
    words.some((word) => /^(?:--list|-l|list|--get-regexp|--get-urlmatch)$/.test(word ?? "")) ||
    operands.some((word) => /credential|token|password|extraheader|url/i.test(word ?? ""))
  )
    call.effect("secret:configuration");
  return unknown();
}
