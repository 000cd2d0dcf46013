import { avid, unknownAvid } from "./avid.ts";
import type { AuthorizationRequest, RuleReference } from "./authorizer.ts";
import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonObject } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { standardActions, withDefaults } from "../policy/actions.ts";
import { strictest } from "../policy/decision.ts";
import type { Decision } from "../policy/decision.ts";
import { evaluate } from "../policy/evaluate.ts";
import { severities } from "../policy/format.ts";
import type { Severity } from "../policy/format.ts";
import type { Policy } from "../policy/policy.ts";
import { lookUpPaths } from "./look-up-paths.ts";
import type { Disk } from "./look-up-paths.ts";
import { nearest } from "../policy/nearest.ts";

/** A request as plain data that nobody else holds, or why it is none. */
export type ReadRequest = RequestData | { readonly refused: string; readonly agentCtx: JsonObject | null; readonly avid: string };

export interface RequestData {
  readonly agentCtx: JsonObject;
  readonly avid: string;
  readonly actions: readonly ActionData[];
  readonly tool: {
    readonly name: string;
    readonly args: JsonValue;
    readonly callId: string | null;
    readonly toctou: "unprotected" | null;
  } | null;
}

export interface ActionData {
  readonly actionType: string;
  readonly payload: JsonValue;
  readonly open: readonly string[];
}

/** What policy says of a request, before anything is recorded. */
export interface Judgement {
  readonly decision: Decision;
  readonly reason: string;
  readonly rules: readonly RuleReference[];
  /** The highest of the rules that decided; null where none says one. */
  readonly severity: Severity | null;
  /** For each action, in order, the decision about it alone, and what the disk was asked for it. */
  readonly actions: readonly { readonly decision: Decision; readonly disk: Disk | null }[];
}

export interface JudgeOptions {
  readonly resolvePaths: boolean;
  /** Absolute paths of Canopy's own files. */
  readonly ownFiles: readonly string[];
}

/** Reads a request once and keeps a frozen copy; whatever JSON cannot carry refuses all of it. */
export function readRequest(request: AuthorizationRequest): ReadRequest {
  let agentCtx: JsonObject | null = null;
  let id = unknownAvid;
  try {
    const context = read("the agent context", request.agentCtx);
    if (!isJsonObject(context)) return { refused: "the agent context is not an object", agentCtx, avid: id };
    agentCtx = context;
    id = avid(context);
    const { actions, tool, refused } = request;
    if (refused !== undefined) return { refused: `the call is not run: ${readClauses([refused]).join()}`, agentCtx, avid: id };
    if (!Array.isArray(actions) || actions.length === 0) return { refused: "the request names no action", agentCtx, avid: id };
    if (actions.length > largestActionCount)
      return { refused: `the request names more than ${largestActionCount} actions`, agentCtx, avid: id };
    return {
      agentCtx,
      avid: id,
      actions: actions.map(({ actionType, payload, open }) => ({
        actionType: readName("the action type", actionType),
        payload: withDefaults(actionType, read("the payload", payload)),
        open: open === undefined ? [] : readClauses(open),
      })),
      tool:
        tool === undefined
          ? null
          : {
              name: readName("the tool's name", tool.name),
              args: read("the tool's arguments", tool.args),
              callId: tool.callId === undefined ? null : readName("the tool call's id", tool.callId),
              toctou: tool.toctou === "unprotected" ? "unprotected" : null,
            },
    };
  } catch (error) {
    return { refused: error instanceof CanopyError ? error.message : "the request cannot be read", agentCtx, avid: id };
  }
}

/** Judges every action of the request; the strictest decision is the answer, and an open question makes it REQUIRE_APPROVAL at least. */
export async function judge(policy: Policy, request: RequestData, { resolvePaths, ownFiles }: JudgeOptions): Promise<Judgement> {
  const { agentCtx } = request;
  const judged = await Promise.all(
    request.actions.map(async (action) => {
      const { actionType, payload } = action;
      const disk = resolvePaths ? await lookUpPaths(actionType, payload, { agentCtx, ownFiles }) : undefined;
      const evaluation = evaluate(policy, { agentCtx, actionType, payload }, { ownFiles, ...(disk === undefined ? {} : { disk }) });
      const [question] = action.open;
      const decision = question === undefined ? evaluation.decision : (strictest([evaluation.decision, "REQUIRE_APPROVAL"]) ?? "DENY");
      const loosened = decision !== evaluation.decision;
      const sentences = [
        loosened ? `what the call does is not known in full: ${action.open.join("; ")}` : evaluation.reason,
        misspelling(action.actionType),
      ];
      return {
        action,
        decision,
        disk: disk ?? null,
        rules: loosened ? [] : evaluation.rules,
        severity: loosened ? null : evaluation.severity,
        reason: sentences.filter((sentence) => sentence !== "").join("; "),
      };
    }),
  );
  const decision = strictest(judged.map((each) => each.decision)) ?? "DENY";
  const deciding = judged.filter((each) => each.decision === decision);
  return {
    decision,
    reason:
      judged.length === 1
        ? deciding.map((each) => each.reason).join()
        : deciding.map((each) => `${each.action.actionType}: ${each.reason}`).join("; "),
    rules: deciding.flatMap((each) => each.rules),
    severity: severities.findLast((severity) => deciding.some((each) => each.severity === severity)) ?? null,
    actions: judged.map((each) => ({ decision: each.decision, disk: each.disk })),
  };
}

/** A tool does a handful of things; a list past this is an attack or a mistake. */
const largestActionCount = 32;

function read(what: string, value: unknown): JsonValue {
  try {
    return cloneJson(value);
  } catch (error) {
    throw new CanopyError("NOT_JSON", `${what} is ${error instanceof CanopyError ? error.message : "not JSON"}`, { cause: error });
  }
}

function readName(what: string, name: unknown): string {
  if (typeof name !== "string" || name === "" || name.length > 256 || !name.isWellFormed()) {
    throw new CanopyError("NOT_JSON", `${what} is not a string of 1 to 256 characters`);
  }
  return name;
}

function readClauses(value: unknown): readonly string[] {
  const clauses = read("the list of open questions", value);
  if (!Array.isArray(clauses) || !clauses.every((clause) => typeof clause === "string")) {
    throw new CanopyError("NOT_JSON", "the list of open questions is not a list of strings");
  }
  return clauses;
}

function misspelling(actionType: string): string {
  if (Object.hasOwn(standardActions, actionType)) return "";
  const meant = nearest(actionType, Object.keys(standardActions));
  return meant === undefined ? "" : `\`${actionType}\` is not an action type that Canopy knows, did you mean \`${meant}\`?`;
}
