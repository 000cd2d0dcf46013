import { Effects } from "../facts/effects.ts";
import type { FactFunction } from "../facts/schema.ts";
import { bool, dyn, int, list, record, string } from "../facts/schema.ts";
import { Unknown, open } from "../facts/unknown.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Decision } from "./decision.ts";
import { evaluate } from "./evaluate.ts";
import { explain } from "./explain.ts";
import { loadPolicy } from "./load.ts";
import type { Policy } from "./policy.ts";
import { PolicyError, formatProblem } from "./problems.ts";

/** A shell that splits at blanks: `$X` is a word nobody knows, a leading `$(` makes the list of commands open, quotes vanish. */
const fakeShell: FactFunction = {
  name: "shell",
  description: "a shell for tests",
  parameters: [{ name: "command", types: [string] }],
  result: {
    name: "shell",
    description: "",
    members: {
      complete: { kind: "field", type: bool, description: "" },
      depth: { kind: "field", type: int, description: "" },
      programs: { kind: "field", type: list(string), description: "" },
      commands: {
        kind: "field",
        description: "",
        type: list(
          record({
            name: "command",
            description: "",
            members: {
              text: { kind: "field", type: string, description: "" },
              program: { kind: "field", type: string, description: "" },
              runs: {
                kind: "method",
                description: "",
                parameters: [{ name: "name", types: [string, list(string)] }],
                type: bool,
                call: (fact: { readonly program: string }, [name]) => [name].flat().includes(fact.program),
              },
            },
          }),
        ),
      },
    },
  },
  analyse([command]) {
    const scripts = (typeof command === "string" ? command : "").replaceAll(/["'\\]/g, "").split(/;\s*/);
    const why = scripts.some((script) => script.startsWith("$(")) ? "a command is not known" : null;
    const commands = scripts
      .filter((script) => !script.startsWith("$("))
      .map((script) => ({
        text: script.includes("$") ? open("a word is not known") : script,
        program: script.startsWith("$") ? open("a program is not known") : (script.split(" ")[0] ?? ""),
      }));
    return {
      complete: why === null && commands.every(({ text }) => !(text instanceof Unknown)),
      depth: 1,
      commands: new Effects(commands, why),
      programs: new Effects(
        commands.map(({ program }) => program),
        why,
      ),
    };
  },
};

/** A fact whose every way of going wrong can be asked for. */
const fakeTrouble: FactFunction = {
  name: "trouble",
  description: "a fact that misbehaves",
  parameters: [{ name: "how", types: [dyn] }],
  result: {
    name: "trouble",
    description: "",
    members: {
      flag: { kind: "field", type: bool, description: "" },
      thrower: {
        kind: "method",
        description: "",
        parameters: [],
        type: bool,
        call: () => {
          throw new Error("inside a method");
        },
      },
    },
  },
  analyse([how]) {
    if (how === "throw") throw new Error("inside a fact");
    if (how === "open") return open("nobody looked");
    if (how === "text") return { flag: "true" };
    if (how === "getter") {
      return {
        get flag(): boolean {
          throw new Error("inside a getter");
        },
      };
    }
    return how === "nothing" ? {} : { flag: true };
  },
};

export const fakes: readonly FactFunction[] = [fakeShell, fakeTrouble];

export async function policyOf(text: string, facts: readonly FactFunction[] = fakes): Promise<Policy> {
  return await loadPolicy({ name: "policy.yaml", text }, { facts });
}

export function decide(policy: Policy, actionType: string, payload: unknown, agentCtx: JsonObject = {}): Decision {
  return evaluate(policy, { actionType, payload: payload as JsonValue, agentCtx }).decision;
}

/** The problems of a policy that must not load, as lines. */
export async function problemsOf(text: string, facts: readonly FactFunction[] = fakes): Promise<readonly string[]> {
  try {
    await policyOf(text, facts);
  } catch (error) {
    if (error instanceof PolicyError) return error.problems.map(formatProblem);
    throw error;
  }
  throw new Error("the policy loads");
}

/** What one condition answers; `about` is a custom action unless it matters. */
export async function answer(
  condition: string,
  payload: unknown = {},
  agentCtx: JsonObject = {},
  about: string = "custom",
): Promise<"true" | "false" | "invalid" | "open"> {
  const policy = await policyOf(JSON.stringify({ rules: [{ action_type: about, deny: true, when_all: [condition] }] }));
  const { considered } = explain(policy, { actionType: about, agentCtx, payload: payload as JsonValue });
  const parts = considered[0]?.conditions;
  const leaf = parts?.kind === "all" ? parts.parts[0] : undefined;
  const inner = leaf?.kind === "all" ? leaf.parts[0] : leaf;
  if (inner?.kind !== "condition") throw new Error("the rule was not considered");
  return inner.answer;
}

/** Why a condition does not load. */
export async function refusal(condition: string, about: string = "custom"): Promise<string> {
  const text = JSON.stringify({ rules: [{ action_type: about, deny: true, when_all: [condition] }] });
  return (await problemsOf(text)).join("\n").replaceAll(/policy\.yaml:\d+:\d+: /g, "");
}
