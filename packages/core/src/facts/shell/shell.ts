import { isJsonObject, member } from "../../json.ts";
import type { JsonObject, JsonValue } from "../../json.ts";
import { pathBase } from "../path.ts";
import type { PathBase } from "../path.ts";
import { string } from "../schema.ts";
import type { DiskFact, FactFunction } from "../schema.ts";
import { invalid } from "../unknown.ts";
import { influences } from "./environment.ts";
import type { ShellFact } from "./findings.ts";
import { Interpreter } from "./interpreter.ts";
import { shellRecord } from "./record.ts";
import { State } from "./state.ts";
import { suspiciousText } from "./suspicious.ts";
import { empty, known, unknown } from "./text.ts";

/** The most of a script that is read at all, in UTF-16 code units; what lies beyond the first 16 Ki is looked at, but never trusted. */
const longest = 64 * 1024;

/** What a script starts with. */
export interface ShellBase {
  /** Where relative paths start, and what `~` is. */
  readonly paths: PathBase;
  /** Variables that are added to the environment. */
  readonly env?: JsonObject;
  /** What the host's disk said of paths. */
  readonly disk?: Readonly<Record<string, DiskFact>>;
}

/**
 * Understands `script` as bash or POSIX shell, as far as that can be told without running it. Total, pure and bounded: what cannot be
 * understood opens the lists that it could add to, and what was found until then stays in them.
 */
export function analyseShell(script: string, base: ShellBase): ShellFact {
  const interpreter = new Interpreter(base.paths, base.disk);
  const { findings } = interpreter;
  const state = new State(base.paths.cwd, base.paths.home);
  try {
    for (const kind of suspiciousText(script)) findings.add("suspicious_text", kind, kind);
    state.stdin = unknown();
    state.positional = [];
    for (const [name, value] of Object.entries(base.env ?? {})) {
      state.set(name, typeof value === "string" ? known(value) : unknown());
    }
    if (script.includes("\0")) findings.openEverything("it holds a NUL character");
    interpreter.runText({ ...empty, text: script.slice(0, longest) }, state);
    interpreter.finish();
  } catch {
    // Out of stack, or a mistake of ours: either way the command is not understood.
    findings.openEverything("it could not be analysed to its end");
  }
  for (const name of state.assigned) if (influences(name)) findings.add("environment", name, { name });
  return findings.fact(() => interpreter.places.lookups());
}

/** `shell(payload.command)`: the argument as a command line of the agent that acts. */
export const shellFacts: FactFunction = {
  name: "shell",
  description: "Understands a text as a bash or POSIX shell script.",
  parameters: [{ name: "command", types: [string] }],
  result: shellRecord,
  analyse: ([command], { agentCtx, payload, disk, ownFiles }) => {
    if (typeof command !== "string") return invalid("the command is not a string");
    const env = isJsonObject(payload) ? member(payload, "env") : undefined;
    return analyseShell(command, {
      paths: pathBase({ agentCtx, payload, ...(ownFiles === undefined ? {} : { ownFiles }) }),
      ...(isObject(env) ? { env } : {}),
      ...(disk === undefined ? {} : { disk }),
    });
  },
};

function isObject(value: JsonValue | undefined): value is JsonObject {
  return isJsonObject(value);
}
