// Programs that run another program: coreutils, util-linux, findutils, sudo, doas, parallel manuals.
import type { Call } from "../call.ts";
import type { CommandSpec, CommandTable } from "../grammar.ts";
import { field, isKnown, joined, known, literal, mark, unknown } from "../text.ts";
import type { Field, Text } from "../text.ts";
import { joinWords } from "./builtins.ts";
import { withName } from "./search.ts";

/** A wrapper whose operands are, after so many of its own, a command. */
function wrapper(options: string, own = 0, effects: CommandSpec["effects"] = []): CommandSpec {
  return { options, ordered: true, effects, run: (call) => runFrom(call, own) };
}

export const wrapperCommands: CommandTable = {
  "nohup setsid": wrapper("-c,--ctty  -f,--fork  -w,--wait"),
  nice: wrapper("-NUM  -n,--adjustment="),
  ionice: wrapper("-c,--class=  -n,--classdata=  -p= change:processes  -P=  -t,--ignore  -u="),
  chrt: wrapper(
    `
    -[amRv]  -b,--batch  -d,--deadline  -f,--fifo  -i,--idle  -o,--other  -r,--rr  -T=  -P=  -D=  -p change:processes
  `,
    1,
    ["privilege:scheduling"],
  ),
  taskset: wrapper("-[ac]  -p change:processes", 1),
  timeout: wrapper("-f,--foreground  -k,--kill-after=  -p,--preserve-status  -s,--signal=  -v,--verbose", 1),
  gtimeout: wrapper("--foreground  -k,--kill-after=  --preserve-status  -s,--signal=  -v,--verbose", 1),
  time: wrapper(`
    -[hl]  -a,--append  -f,--format=  -o,--output= write  -p,--portability  -v,--verbose  -q,--quiet
  `),
  stdbuf: wrapper("-i,--input=  -o,--output=  -e,--error="),
  "caffeinate unbuffer chronic eatmydata setarch linux32 linux64 i386 x86_64": wrapper("-[deimpqRsuv]  -t=  -w="),
  "strace ltrace": wrapper(
    `
    -[cfkqrTtvxy]  -ff  -e=  -o= write  -p= change:processes  -s=  -tt  -qq  -S=  -u=  -E=  -xx
  `,
    0,
    ["privilege:tracing"],
  ),
  "busybox toybox": { ordered: true, options: "--list  --list-full", run: (call) => runFrom(call, 0) },
  chroot: wrapper("--groups=  --userspec=  --skip-chdir", 1, ["privilege:root"]),
  "unshare nsenter bwrap firejail proot fakeroot fakechroot": { effects: ["privilege:namespace", "code:sandbox"], run: scanForCommand },
  "runuser setpriv capsh pkexec run0 gosu su-exec chpst setuidgid start-stop-daemon runcon": {
    effects: ["privilege:account"],
    run: scanForCommand,
    noHelp: true,
  },
  "ld.so": { effects: ["code:loader"], run: scanForCommand },
  sudo: {
    options: `
      -[ABbEeHiKklNnPSsv]  -C,--close-from=  -D,--chdir=  -g,--group=  -h,--host=  -p,--prompt=  -R,--chroot=  -r,--role=
      -T,--command-timeout=  -t,--type=  -U,--other-user=  -u,--user=  --askpass  --background  --preserve-env[=]  --edit
      --set-home  --login  --list  --remove-timestamp  --reset-timestamp  --non-interactive  --preserve-groups  --stdin  --shell
      --validate
    `,
    ordered: true,
    noHelp: true,
    effects: ["privilege:root"],
    run: (call) => {
      const words = afterAssignments(call, call.operands);
      if (call.has("-e", "--edit")) for (const word of words) call.write(word);
      if (words.length === 0 && call.has("-i", "-s", "--login", "--shell")) call.code("shell");
      return runWords(call, words);
    },
  },
  doas: {
    options: "-[Lns]  -a=  -C=  -u=",
    ordered: true,
    noHelp: true,
    effects: ["privilege:root"],
    run: (call) => (call.operands.length === 0 && call.has("-s") ? codeOf(call, "shell") : runFrom(call, 0)),
  },
  su: {
    options: `
      -T  -c,--command=  -C,--session-command=  -l,--login  -m,-p,--preserve-environment  -s,--shell=  -f,--fast  -g,--group=
      -G,--supp-group=  -P,--pty  -w,--whitelist-environment=
    `,
    noHelp: true,
    effects: ["privilege:account"],
    run: (call) => {
      const [script] = call.values("-c", "-C");
      return script === undefined ? codeOf(call, "shell") : call.shell(script);
    },
  },
  env: {
    options: `
      -i,--ignore-environment  -0,--null  -u,--unset=  -C,--chdir= list  -S,--split-string=  -v,--debug  -P= code:search_path
      --block-signal[=]  --default-signal[=]  --ignore-signal[=]  --list-signal-handling  -a,--argv0=
    `,
    ordered: true,
    run: (call) => {
      const bare = call.operands.filter((operand, index) => !(index === 0 && literal(operand) === "-"));
      const words = afterAssignments(call, bare);
      const [split] = call.values("-S");
      const [directory] = call.values("-C");
      const state = call.state.copy();
      if (directory !== undefined) state.enter(call.interpreter.places.directories(directory, state));
      if (split !== undefined) return call.shell(joinWords([split, ...words]), { state });
      if (words.length > 0) return runWords(call, words, state);
      if (!call.has("-i")) call.effect("secret:environment");
      return unknown();
    },
  },
  xargs: {
    options: `
      -0,--null  -a,--arg-file= read  -d,--delimiter=  -E=  -e,--eof[=]  -I=  -i,--replace[=]  -J=  -L=  -l,--max-lines[=]
      -n,--max-args=  -o,--open-tty  -P,--max-procs=  -p,--interactive  --process-slot-var= code:environment  -r,--no-run-if-empty  -R=  -S=
      -s,--max-chars=  --show-limits  -t,--verbose  -x,--exit
    `,
    ordered: true,
    run: runForInput,
  },
  parallel: {
    options: `
      -[mvX]  -0,--null  -a,--arg-file= read  -j,-P,--jobs,--max-procs=  -k,--keep-order  -n,--max-args=  -N=  -I=
      -d,--delimiter=  -q,--quote  -r,--no-run-if-empty  -t,--verbose  -u,--ungroup  -L=  -C,--colsep=  --bar  --progress  --eta
      --dry-run  --halt=  --joblog= write  --results= write  --retries=  --timeout=  --tag  --line-buffer  --lb  --group
      --will-cite  --delay=  --load=  --nice=  --plus  --link  --shuf  --no-notice  --silent
    `,
    ordered: true,
    run: runInParallel,
  },
  script: {
    options: `
      -[dFkpr]  -a,--append  -B,--log-io= write  -c,--command= script  -e,--return  -E,--echo=  -f,--flush  -I,--log-in= write
      -m,--logging-format=  -o,--output-limit=  -O,--log-out= write  -q,--quiet  -t,--timing[=]  -T,--log-timing= write  --force
    `,
    run: (call) => {
      const [file, ...words] = call.operands;
      call.write(file ?? field("typescript"));
      // On BSD what follows the file is the command.
      if (words.length > 0) return call.run(words);
      if (!call.has("-c")) call.code("shell");
      return unknown(call.stdin.sources);
    },
  },
  scriptreplay: { effects: ["code:replay"] },
  "ssh-agent": {
    options: "-[cDdsx]  -k change:processes  -a= write  -E=  -O= code:options  -P= code:library  -t=",
    ordered: true,
    effects: ["change:keys", "change:processes"],
    run: (call) => runFrom(call, 0),
  },
  flock: {
    options: `
      -c,--command= script  -E,--conflict-exit-code=  -e,-x,--exclusive  -F,--no-fork  -n,--nb,--nonblock  -o,--close  -s,--shared
      -u,--unlock  -w,--wait,--timeout=  --verbose  --fcntl
    `,
    ordered: true,
    run: (call) => {
      const [file, ...words] = call.operands;
      if (file !== undefined && !/^\d+$/.test(file.text)) call.write(file);
      if (/^(?:-c|--command)$/.test(words[0]?.text ?? "") && words[1] !== undefined) return call.shell(words[1]);
      return words.length === 0 ? unknown() : runWords(call, words);
    },
  },
  "systemd-run": {
    options: `
      -[dGPqrSt]  --no-ask-password  --scope  -u,--unit=  -p,--property=  --description=  --slice=  --slice-inherit
      --expand-environment=  --remain-after-exit  --send-sighup  --service-type=  --uid=  --gid=  --nice=  --working-directory=
      --same-dir  -E,--setenv=  --pty  --pipe  --quiet  --collect  --shell  --wait  --on-active=  --on-boot=  --on-calendar=
      --timer-property=  --user  --system  -H,--host=  -M,--machine=  --no-block  --ignore-failure
    `,
    ordered: true,
    effects: ["change:services"],
    run: (call) => (call.operands.length === 0 ? codeOf(call, "shell") : runFrom(call, 0)),
  },
  watch: {
    options: `
      -b,--beep  -c,--color  -C,--no-color  -d,--differences[=]  -e,--errexit  -g,--chgexit  -n,--interval=  -p,--precise
      -q,--equexit=  -r,--no-rerun  -t,--no-title  -w,--no-wrap  -x,--exec  -s=
    `,
    ordered: true,
    run: (call) => call.shell(joinWords(call.operands)),
  },
  "entr inotifywait": { effects: ["code:watch"], run: scanForCommand },
  at: { effects: ["change:schedule", "code:scheduled"], run: scheduled },
  batch: { effects: ["change:schedule", "code:scheduled"], run: scheduled },
  "crontab atrm atq": { effects: ["change:schedule"] },
  "dbus-run-session": wrapper("--dbus-daemon= program  --config-file= read"),
  "direnv dotenv mise asdf nvm pyenv rbenv nix-shell devbox": { effects: ["code:environment"], run: scanForCommand },
};

function codeOf(call: Call, kind: string): Text {
  call.code(kind);
  return unknown(call.stdin.sources);
}

function runFrom(call: Call, own: number): Text {
  return runWords(call, call.operands.slice(own));
}

/**
 * Runs what a wrapper wraps. Where its own options were not understood, the command may start at any word: each that is the name of a known
 * program is looked at.
 */
function runWords(call: Call, words: readonly Field[], state = call.state.copy()): Text {
  if (call.arguments.problem !== null) return scanForCommand(call);
  return words.length === 0 ? unknown() : call.run(words, { state });
}

function scanForCommand(call: Call): Text {
  call.args.forEach((item, index) => {
    const name = literal(item);
    if (name === undefined || name.startsWith("-") || !call.interpreter.knows(name)) return;
    call.run(call.args.slice(index), { state: call.state.copy() });
  });
  return unknown(call.stdin.sources);
}

/** Assignments before a command; the words behind them. */
function afterAssignments(call: Call, words: readonly Field[]): readonly Field[] {
  let at = 0;
  for (; at < words.length; at += 1) {
    const name = /^([A-Za-z_]\w*)=/.exec(words[at]?.text ?? "")?.[1];
    if (name === undefined) break;
    call.state.assigned.add(name);
  }
  return words.slice(at);
}

/** xargs(1): the words of its input become arguments. */
function runForInput(call: Call): Text {
  const { operands, stdin } = call;
  const command = operands.length === 0 ? [field("echo")] : operands;
  const [file] = call.values("-a");
  const input = file === undefined ? stdin : call.interpreter.content(file, call.state);
  const replaced = call.values("-I", "-J")[0]?.text ?? (call.has("-i") ? call.values("-i")[0]?.text || "{}" : undefined);
  const items = inputWords(call, input, replaced !== undefined);
  const state = (): typeof call.state => {
    const copy = call.state.copy();
    copy.stdin = known("");
    return copy;
  };
  if (call.arguments.problem !== null) return scanForCommand(call);
  if (replaced === undefined) return call.run([...command, ...items], { stdin: known(""), state: state() });
  for (const item of items) {
    const words = command.map((word) => withName(word, item, replaced));
    call.run(words, { stdin: known(""), state: state() });
  }
  return unknown(input.sources);
}

/** The most words of a known input that are gone through one by one. */
const mostInputs = 32;

function inputWords(call: Call, input: Text, lines: boolean): readonly Field[] {
  const whole = field(unknown(input.sources, input.under), { many: true });
  if (input.under !== null || input.text === mark.hole) return [whole];
  const separator = call.has("-0") || input.text.includes("\0") ? "\0" : call.has("-d") ? delimiterOf(call) : lines ? "\n" : /[ \t\n]+/;
  const quoted = call.has("-0", "-d");
  const words = input.text
    .split(separator)
    .map((word) => (quoted ? word : word.trim().replace(/["'\\]/g, "")))
    .filter((word) => word !== "" && word !== "\n");
  if (words.length > mostInputs) return [whole, ...words.slice(0, mostInputs).map((word) => field(word, { sources: input.sources }))];
  return words.map((word) => field(quoted ? word.replace(/\n$/, "") : word, { sources: input.sources, many: !isKnown(known(word)) }));
}

function delimiterOf(call: Call): string {
  const text = call.values("-d")[0]?.text ?? "\n";
  return ({ "\\n": "\n", "\\0": "\0", "\\t": "\t" } as Readonly<Record<string, string>>)[text] ?? text;
}

/** GNU parallel: a command line for each argument behind `:::`, or for each line of its input; run by a shell. */
function runInParallel(call: Call): Text {
  const groups = call.operands.filter((operand) => /^:{3,4}\+?$/.test(operand.text)).length;
  const at = call.operands.findIndex((operand) => /^:{3,4}\+?$/.test(operand.text));
  const command = at < 0 ? call.operands : call.operands.slice(0, at);
  const fromFiles = at >= 0 && call.operands[at]?.text.startsWith("::::") === true;
  const values =
    at < 0 || fromFiles
      ? inputWords(call, fromFiles ? unknown() : call.stdin, true)
      : call.operands.slice(at + 1).filter((operand) => !/^:{3,4}\+?$/.test(operand.text));
  const line = joinWords(command);
  // Perl stands between `{=` and `=}`, and `-I` gives another word the meaning of `{}`.
  if (line.text.includes("{=") || call.has("-I")) {
    call.code("script");
    call.shell(line);
  }
  // What parts of arguments, or arguments of several lists, come to is not followed.
  const isPlain = groups < 2 && (line.text.match(/\{[^}]*\}/g) ?? []).every((name) => /^\{1?\}$/.test(name));
  for (const given of values.slice(0, mostInputs)) {
    const value = isPlain ? given : field(unknown(given.sources));
    if (command.length === 0) call.shell(value);
    else if (/\{[^}]*\}/.test(line.text))
      call.shell({ ...line, text: line.text.replace(/\{[^}]*\}/g, () => value.text), sources: line.sources | value.sources });
    else if (line.text.includes(" ")) call.shell(joinWords([...command, value]));
    else call.run([...command, value]);
  }
  if (values.length > mostInputs) call.findings.openAll("`parallel` has many arguments");
  return unknown(joined(values).sources);
}

function scheduled(call: Call): Text {
  const [file] = call.args.flatMap((item, index) => (item.text === "-f" ? [call.args[index + 1]] : []));
  call.shell(file === undefined ? call.stdin : call.interpreter.content(file, call.state));
  return unknown();
}
