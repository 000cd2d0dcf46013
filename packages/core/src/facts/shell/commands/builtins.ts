// What the shell itself does: bash(1) "Shell Builtin Commands", POSIX 2.14 and 2.15. Variables have a table of their own.
import { namesCanopy } from "../canopy.ts";
import type { Call } from "../call.ts";
import type { CommandTable } from "../grammar.ts";
import { empty, field, isKnown, known, literal, unknown } from "../text.ts";
import type { Field, Text } from "../text.ts";
import { echoText, formatText } from "../constant.ts";
import { evaluatesSubscript } from "./variables.ts";

/** The parameters, where it is certain how many there are. */
function certain(fields: readonly Field[]): readonly Field[] | null {
  return fields.some((item) => item.many || item.glob) ? null : fields;
}

const nothing = { run: (): Text => empty } as const;

export const builtinCommands: CommandTable = {
  ": true false exit return break continue times disown logout suspend": nothing,
  shift: {
    run: (call) => {
      const count = call.args.length === 0 ? "1" : (literal(call.args[0]) ?? "");
      const { positional } = call.state;
      // More than there are shifts nothing; what that does to the rest of the script, nobody follows.
      const isCertain = positional !== null && /^\d{1,4}$/.test(count) && Number(count) <= positional.length;
      call.state.positional = isCertain ? positional.slice(Number(count)) : null;
      return empty;
    },
  },
  cd: { options: "-[@eLP]", ordered: true, run: changeDirectory },
  pushd: { options: "-n", ordered: true, run: changeDirectory },
  popd: {
    options: "-n",
    ordered: true,
    run: (call) => {
      call.state.enter(call.state.stack.at(-1) ?? { directories: call.state.directories, lost: true });
      call.state.stack = call.state.stack.slice(0, -1);
      return empty;
    },
  },
  dirs: { options: "-[clpv]" },
  pwd: {
    options: "-L,--logical  -P,--physical",
    run: ({ state }) => {
      const [only] = state.directories;
      return only !== undefined && state.directories.length === 1 && !state.lost ? known(`${only}\n`) : unknown(0, ["."]);
    },
  },
  echo: { run: (call) => echoText(call.args) },
  printf: {
    run: (call) => {
      const [first, second, ...rest] = call.args;
      const option = literal(first);
      if (option === "-v" || (option?.startsWith("-v") === true && option.length > 2)) {
        const name = option === "-v" ? second : field(option.slice(2));
        evaluatesSubscript(call, name);
        call.state.set(literal(name) ?? "", option === "-v" ? formatText(rest) : unknown());
        return empty;
      }
      if (first !== undefined && !isKnown(first) && /^[\uE000\uE002]/.test(first.text)) evaluatesSubscript(call, first);
      return formatText(option === "--" ? call.args.slice(1) : call.args);
    },
  },
  "test [": { run: test },
  eval: {
    run: (call) => {
      const words = literal(call.args[0]) === "--" ? call.args.slice(1) : call.args;
      const text = joinWords(words);
      return call.interpreter.runText(text, call.state, { wrappedBy: [...call.wrappedBy, "eval"] });
    },
  },
  "source .": {
    run: (call) => {
      const [file, ...args] = literal(call.args[0]) === "--" ? call.args.slice(1) : call.args;
      if (file === undefined) return empty;
      call.read(file);
      if (namesCanopy(file)) call.effect("privilege:canopy");
      const content = call.interpreter.content(file, call.state, call.stdin);
      const { positional } = call.state;
      if (args.length > 0) call.state.positional = args;
      const output = call.interpreter.runText(content, call.state, { wrappedBy: [...call.wrappedBy, "source"] });
      call.state.positional = positional;
      if (!isKnown(content)) call.state.forget();
      return output;
    },
  },
  trap: {
    options: "-[lPp]",
    ordered: true,
    run: (call) => {
      const [action] = call.operands;
      if (action === undefined || call.operands.length < 2 || literal(action) === "-") return empty;
      // It runs when the shell is in a state that nobody knows yet.
      const state = call.state.copy();
      state.forget();
      call.interpreter.runText(action, state, { wrappedBy: [...call.wrappedBy, "trap"] });
      return empty;
    },
  },
  alias: {
    options: "-p",
    run: (call) => {
      for (const operand of call.operands) {
        const at = operand.text.indexOf("=");
        if (at < 0) continue;
        call.code("alias");
        call.interpreter.runText(field(operand.text.slice(at + 1), { sources: operand.sources }), call.state.copy(), {
          wrappedBy: ["alias"],
        });
      }
      return empty;
    },
  },
  unalias: { options: "-a", run: () => empty },
  exec: {
    options: "-[cl]  -a=",
    ordered: true,
    run: (call) => (call.operands.length === 0 ? empty : call.run(call.operands)),
  },
  command: {
    options: "-[pVv]",
    ordered: true,
    run: (call) => (call.has("-v", "-V") || call.operands.length === 0 ? unknown() : call.run(call.operands)),
  },
  builtin: { ordered: true, options: "", run: (call) => (call.operands.length === 0 ? empty : call.run(call.operands)) },
  type: { options: "-[afPpt]" },
  hash: { options: "-[dlrt]  -p= code:shadows_a_program", run: () => empty },
  umask: { options: "-[pS]", run: () => empty },
  ulimit: { options: "-[abcdefHiklmnPpqRrSTtuvx]", run: () => empty },
  set: {
    run: (call) => {
      if (call.args.length === 0) call.effect("secret:environment");
      const at = call.args.findIndex((item) => literal(item) === "--");
      if (at >= 0) call.state.positional = certain(call.args.slice(at + 1));
      else if (call.args.some((item) => !/^[-+]/.test(item.text))) call.state.positional = null;
      return empty;
    },
  },
  shopt: { options: "-[opqsu]", run: () => empty },
  enable: { options: "-[aps]  -d code:shadows_a_program  -f= code:loads_a_library  -n code:shadows_a_program" },
  "bind complete compgen compopt": { effects: ["code:shell_hook"] },
  history: {
    options: "-[nprs]  -a change:history  -c change:history  -d= change:history  -w change:history",
    effects: ["secret:history"],
  },
  fc: { effects: ["code:history"] },
  "fg bg": nothing,
  wait: { options: "-[fn]  -p= code:evaluation", run: () => empty },
  jobs: {
    options: "-[lnprsx]",
    ordered: true,
    run: (call) => (call.has("-x") ? call.run(call.operands) : unknown()),
  },
  help: { options: "-[dms]" },
  caller: nothing,
};

function changeDirectory(call: Call): Text {
  const { state } = call;
  const [target] = call.operands;
  if (call.program === "pushd") state.stack = [...state.stack, { directories: state.directories, lost: state.lost }];
  if (target === undefined) {
    if (call.program === "cd") state.enter({ directories: state.home === undefined ? [] : [state.home], lost: state.home === undefined });
    else state.enter({ directories: [], lost: true });
  } else if (literal(target) === "-" || /^[-+]\d+$/.test(target.text)) {
    state.enter({ directories: [], lost: true });
  } else {
    const where = call.interpreter.places.directories(target, state);
    // With CDPATH a plain name may be found anywhere.
    const searched = state.variables.has("CDPATH") && !/^\.{0,2}(?:\/|$)/.test(target.text);
    state.enter(searched ? { ...where, lost: true } : where);
  }
  return empty;
}

/** `test` looks at files and compares texts; a variable named to `-v` is evaluated, subscript and all. */
function test(call: Call): Text {
  call.args.forEach((item, index) => {
    const operator = literal(item);
    if (operator === "-v" || operator === "-R") evaluatesSubscript(call, call.args[index + 1]);
    else if (
      operator === undefined &&
      !isKnown(item) &&
      /^[\uE000\uE002]/.test(item.text) &&
      item.many &&
      index === 0 &&
      call.args.length > 2
    )
      evaluatesSubscript(call, item);
  });
  return empty;
}

/** The words of `eval`, as the one text that it runs. */
export function joinWords(words: readonly Field[]): Field {
  const text = words.map((word) => word.text).join(" ");
  const sources = words.reduce((bits, word) => bits | word.sources, 0);
  return field({ text, sources, under: null }, { glob: words.some((word) => word.glob) });
}
