// Builtins that set, read and list variables: bash(1) "Shell Builtin Commands".
import type { Call } from "../call.ts";
import { namesSecret } from "../environment.ts";
import type { CommandTable } from "../grammar.ts";
import { empty, isKnown, known, literal, mark, unknown } from "../text.ts";
import type { Field, Text } from "../text.ts";

export const variableCommands: CommandTable = {
  "export readonly declare typeset local": {
    options: "-[AaFfgIilnprtux]",
    run: (call) => {
      // `+x` takes an attribute away; what is left are names and assignments.
      const names = call.operands.filter((operand) => !/^\+[A-Za-z]+$/.test(operand.text));
      if (names.length === 0 && !call.has("-f", "-F")) call.effect("secret:environment");
      // `-i` evaluates whatever is assigned from now on, `-n` makes it the name of another variable.
      if (names.length > 0 && call.has("-i", "-n")) call.code("evaluation");
      // It shows what the variable holds.
      if (call.has("-p") && !names.every(isPublicVariable)) call.effect("secret:environment");
      for (const name of names) declare(call, name);
      return empty;
    },
  },
  unset: {
    options: "-[fnv]",
    run: (call) => {
      for (const operand of call.operands) {
        evaluatesSubscript(call, operand);
        call.state.assigned.add(operand.text);
        call.state.functions.delete(operand.text);
        // Without it values are split at blanks again, and not nowhere.
        if (operand.text === "IFS" && !call.has("-f")) call.state.variables.delete("IFS");
        // In a function it may bring back what the variable was before another function made it its own.
        else call.state.variables.set(operand.text, call.has("-f") || call.state.locals !== null ? unknown() : empty);
      }
      return empty;
    },
  },
  read: {
    options: "-[ers]  -a=  -d=  -i=  -n=  -N=  -p=  -t=  -u=",
    ordered: true,
    run: (call) => {
      const { stdin, state } = call;
      // Where it is split, and what is trimmed, `IFS` decides.
      const input = state.variables.has("IFS") && isKnown(stdin) ? unknown(stdin.sources) : stdin;
      const value = call.values("-u").length > 0 ? unknown() : input;
      assignFrom(call, [...call.operands, ...call.values("-a")], value);
      return empty;
    },
  },
  "mapfile readarray": {
    options: "-t  -d=  -n=  -O=  -s=  -u=  -C= code:callback  -c=",
    ordered: true,
    run: (call) => {
      assignFrom(call, call.operands, { ...call.stdin, text: mark.hole });
      return empty;
    },
  },
  getopts: {
    run: (call) => {
      assignFrom(call, call.args.slice(1, 2), unknown());
      call.state.set("OPTARG", unknown());
      return empty;
    },
  },
  let: {
    run: (call) => {
      for (const item of call.args) {
        const text = literal(item);
        const match = text === undefined ? null : /^([A-Za-z_]\w*)\s*[-+*/%&|^]?=\s*[\d\s+*/%()-]*$/.exec(text);
        const steps = text === undefined ? null : /^(?:([A-Za-z_]\w*)(?:\+\+|--)|(?:\+\+|--)([A-Za-z_]\w*))$/.exec(text);
        const name = match?.[1] ?? steps?.[1] ?? steps?.[2];
        if (name === undefined) call.code("evaluation");
        else call.state.set(name, known(mark.number));
      }
      return empty;
    },
  },
};

function declare(call: Call, item: Field): void {
  const { text } = item;
  const at = text.indexOf("=");
  const target = at < 0 ? text : text.slice(0, at).replace(/\+$/, "");
  if (!/^[A-Za-z_]\w*$/.test(target)) {
    // A subscript is evaluated, and a name that is not known may have one.
    call.code("evaluation");
    return;
  }
  call.state.assigned.add(target);
  const isLocal = call.program === "local" || (/^(?:declare|typeset)$/.test(call.program) && !call.has("-g"));
  if (isLocal && call.state.locals !== null) {
    call.state.makeLocal(target);
    if (at < 0) call.state.set(target, unknown());
  }
  if (at < 0) return;
  // A text that looks like an array is read as one, subscripts, substitutions and all. One that is written out is many words.
  if (call.has("-a", "-A") && !item.many && (!isKnown(item) || text[at + 1] === "(")) call.code("evaluation");
  const value: Text = { text: text.slice(at + 1), sources: item.sources, under: null };
  const appends = text[at - 1] === "+";
  call.state.set(target, appends || call.has("-l", "-u") ? unknown(item.sources) : value);
}

/** Gives each variable what was read, or what is known of that. */
function assignFrom(call: Call, names: readonly Field[], value: Text): void {
  for (const name of names) {
    evaluatesSubscript(call, name);
    const [only] = names;
    const line = isKnown(value) ? value.text.replace(/\n[^]*$/, "") : value.text;
    const whole = names.length === 1 && only !== undefined && isKnown(value) && !/[\\]/.test(line) && value.text === `${line}\n`;
    call.state.set(
      name.text,
      whole ? known(line.trim()) : unknown(value.sources, names.length === 1 && value.text === mark.hole ? value.under : null),
    );
  }
  if (names.length === 0) call.state.set("REPLY", unknown(value.sources));
}

/** A word that is taken for the name of a variable: a subscript in it is evaluated as arithmetic, which runs substitutions. */
export function evaluatesSubscript(call: Call, name: Field | undefined): void {
  if (name === undefined) return;
  const text = literal(name);
  if (text === undefined || !/^[A-Za-z_]?\w*(?:\[(?:\d+|[@*])\])?$/.test(text)) call.code("evaluation");
}

/** Whether `name` is the name of a variable that may be shown to anybody. */
export function isPublicVariable(name: Field): boolean {
  const text = literal(name);
  return text !== undefined && !namesSecret(text);
}
