// Programs that run code: shells, interpreters, database clients. Shell text is analysed, the rest is not.
import { Call } from "../call.ts";
import { namesCanopy } from "../canopy.ts";
import type { CommandSpec, CommandTable } from "../grammar.ts";
import { isKnown, joined, known, literal, source, unknown } from "../text.ts";
import type { Field, Text } from "../text.ts";

const shell: CommandSpec = {
  options: `
    -[aBbCcDEefHhiklmnPprsTtuvx]  -o=  -O=  --posix  --norc  --noprofile  --login  --restricted  --verbose  --noediting
    --debugger  --dump-strings  --dump-po-strings  --pretty-print  --rcfile= read code:script  --init-file= read code:script
  `,
  ordered: true,
  run: runShell,
};

const interpreter: CommandSpec = { run: (call) => (asksVersion(call) ? unknown() : runInterpreter(call, "interpreter")) };

export const interpreterCommands: CommandTable = {
  "bash sh dash ash ksh mksh zsh rbash": shell,
  "fish csh tcsh nu elvish xonsh pwsh powershell powershell.exe cmd cmd.exe command.com wsl wsl.exe": {
    run: (call) => runInterpreter(call, "other_shell"),
  },
  "python pypy pypy3 ipython jupyter": interpreter,
  // Without a script of their own these run what they are given to read, whatever options stand there.
  "tclsh wish expect erl escript": { run: (call) => runInterpreter(call, "interpreter"), noHelp: true },
  "interpreter node nodejs deno bun tsx ts-node perl ruby php php-cgi lua luajit guile racket scheme sbcl clisp ghci runghc runhaskell julia Rscript R octave java javaw jshell kotlin kotlinc scala groovy elixir iex swift osascript gdb lldb irb pry dotnet mono wine cscript wscript mshta rundll32 qjs d8 coffee zx raku crystal nim vlang":
    interpreter,
  "sqlite3 duckdb": { run: runFileDatabase },
  "psql mysql mariadb mongosh mongo redis-cli sqlcmd clickhouse-client cqlsh influx": {
    run: (call) => runInterpreter(call, "database"),
  },
  "compiler cc c++ rustc tcc ld as zig": { effects: ["code:compiler"] },
};

/** bash(1) "Invocation": `-c` takes its script from the first operand; without it that is a file, and without any standard input is the script. */
function runShell(call: Call): Text {
  const [first, ...args] = call.operands;
  if (first !== undefined && /^\+[A-Za-z]+$/.test(first.text)) {
    // `+x` and `+o name` take options away, and more options may follow.
    const at = call.args.indexOf(first);
    const rest = [...call.args.slice(0, at), ...call.args.slice(at + (/[oO]$/.test(first.text) ? 2 : 1))];
    const inner = new Call(call.program, rest, shell, call);
    const output = inner.judge();
    call.recognized &&= inner.recognized;
    return output;
  }
  if (call.has("-c")) {
    if (first === undefined) return unknown();
    const state = call.state.copy();
    if (args[0] !== undefined) state.set("0", args[0]);
    // In zsh a pattern may run commands (`*(e:…:)`), and so may a parameter with flags; `=name` is where a program lies.
    if (call.program === "zsh" && /[^\s$;&|<>(]\(|\$\{\(|(?:^|\s)=/.test(first.text)) call.code("other_shell");
    return call.shell(first, { positional: positional(args.slice(1)), state });
  }
  if (first === undefined || call.has("-s") || literal(first) === "-")
    return call.shell(call.stdin, { positional: positional(call.has("-s") ? call.operands : args), stdin: unknown() });
  call.read(first);
  if (namesCanopy(first)) call.effect("privilege:canopy");
  const content = call.interpreter.content(first, call.state, call.stdin);
  return call.shell(content, { positional: positional(args) });
}

/** Options of sqlite3(1) that take so many words. */
const databaseOptions: Readonly<Record<string, number>> = {
  cmd: 1,
  init: 1,
  separator: 1,
  newline: 1,
  nullvalue: 1,
  vfs: 1,
  mmap: 1,
  maxsize: 1,
  nonce: 1,
  zip: 0,
  heap: 1,
  "key-size": 1,
  lookaside: 2,
  pagecache: 2,
};

/** The database is a file, and what is done to it is not looked into. */
function runFileDatabase(call: Call): Text {
  for (let index = 0; index < call.args.length; index += 1) {
    const item = call.args[index];
    const [, option] = /^--?([a-z-]+)$/i.exec(literal(item) ?? "") ?? [];
    if (option !== undefined) index += databaseOptions[option] ?? 0;
    else if (item !== undefined) {
      // By a URI, parameters may follow the name of the file.
      const [, name] = /^file:(?:\/\/(?:localhost)?(?=\/))?([^?#]*)/i.exec(literal(item) ?? "") ?? [];
      call.write(name === undefined || name === "" ? item : { ...item, text: name });
      break;
    }
  }
  return runInterpreter(call, "database");
}

function positional(args: readonly Field[]): readonly Text[] | null {
  return args.some((item) => item.glob || (item.many && !isKnown(item))) && args.length > 1 ? null : args;
}

/** To the others `-v` says that they shall talk while they run. */
const tellsVersion = /^(?:node|deno|bun|tsx|ts-node|ruby|php|perl|lua|java|julia|gdb|lldb|irb|octave|groovy|coffee|crystal|raku|nim|guile)/;

/** `node -v`, `python3 -V`: but `python3 -v` talks while it runs. */
function asksVersion(call: Call): boolean {
  const [only, ...more] = call.args;
  if (more.length > 0) return false;
  if (call.program.startsWith("py")) return literal(only) === "-V";
  return tellsVersion.test(call.program) && /^-(?:v|-?version)$/.test(literal(only) ?? "");
}

/** What is not analysed is opaque; code that was downloaded or decoded on the spot is worse. */
function runInterpreter(call: Call, kind: string): Text {
  call.code(kind);
  let { sources } = joined(call.args);
  for (const item of call.args) sources |= call.interpreter.content(item, call.state).sources;
  const operands = call.args.filter((item) => !item.text.startsWith("-") || item.text === "-");
  if (operands.length === 0 || operands.some((item) => literal(item) === "-")) sources |= call.stdin.sources;
  if ((sources & source.network) !== 0) call.effect("hazard:download_and_run");
  if ((sources & source.decoded) !== 0) call.effect("hazard:decode_and_run");
  return { ...known("\uE000"), sources: call.stdin.sources | sources };
}
