import { expandText, expandWords } from "./expand.ts";
import type { Shell } from "./expand.ts";
import type { Ledger } from "./ledger.ts";
import { isShell } from "./names.ts";
import type { Redirect } from "./script.ts";
import { empty, field, isKnown, literal, source, unknown } from "./text.ts";
import type { Field, Text } from "./text.ts";

/** The command whose descriptors are redirected. */
export interface Redirecting {
  readonly stdin: Text;
  /** Its name; empty for none. */
  readonly program: string;
  /** The shell's own descriptors change (`exec` without a command). */
  readonly lasting: boolean;
}

export interface Redirected {
  readonly stdin: Text;
  /** What a file redirect makes readable. */
  readonly read: Text | undefined;
  readonly deliver: (output: Text) => Text;
}

/** Opens redirects in order; `deliver` says what of a command's output is left for whoever reads it. */
export function openRedirects(ledger: Ledger, redirects: readonly Redirect[], shell: Shell, run: Redirecting): Redirected {
  const { state } = shell;
  const { program, lasting } = run;
  let input = run.stdin;
  let read: Text | undefined;
  const targets: { readonly file: Field; readonly append: boolean }[] = [];
  for (const redirect of redirects) {
    const descriptor = redirect.descriptor;
    if (redirect.kind === "text") {
      const text = expandText(redirect.text, shell);
      if (descriptor === null || descriptor === 0) input = text;
      else if (lasting) state.descriptors.set(String(descriptor), text);
      continue;
    }
    const [first, ...more] = expandWords([redirect.target], shell);
    const target = first === undefined || more.length > 0 ? field(unknown()) : first;
    const { operator } = redirect;
    const text = literal(target);
    if ((operator === ">&" || operator === "<&") && text !== undefined && /^(?:\d+-?|-)$/.test(text)) {
      if (operator === "<&" && (descriptor ?? 0) === 0) input = state.descriptors.get(String(Number.parseInt(text, 10))) ?? unknown();
      continue;
    }
    if (target.text.startsWith("/dev/tcp/") || target.text.startsWith("/dev/udp/")) {
      ledger.network(program === "" ? "sh" : program, isKnown(target) ? target.text.split("/")[3] : undefined);
      if (isShell(program)) ledger.findings.add("hazards", "reverse_shell", { kind: "reverse_shell", program });
      if (operator.startsWith("<")) input = unknown(source.network);
      if (lasting) state.descriptors.set(String(descriptor ?? 0), unknown(source.network));
      continue;
    }
    if (operator.startsWith("<")) {
      ledger.read(target, state, program === "" ? "sh" : program, false);
      const content = ledger.content(target, state);
      if (descriptor === null || descriptor === 0) read = input = content;
      else if (lasting) state.descriptors.set(String(descriptor), content);
      if (operator !== "<>") continue;
    }
    ledger.write(target, state, program === "" ? "sh" : program, false);
    if (descriptor === null || descriptor === 1) targets.push({ file: target, append: operator.endsWith(">>") });
  }
  return {
    stdin: input,
    read,
    deliver: (output) => {
      for (const { file, append } of targets) ledger.keep(file, state, output, append);
      return targets.length === 0 ? output : empty;
    },
  };
}

export function unredirected(stdin: Text): Redirected {
  return { stdin, read: undefined, deliver: (output) => output };
}
