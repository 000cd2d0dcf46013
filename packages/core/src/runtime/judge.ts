import { avid, unknownAvid } from "./avid.ts";
import type { AuthorizationRequest } from "./authorizer.ts";
import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonObject } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { withDefaults } from "../policy/actions.ts";
import type { Policy } from "../policy/policy.ts";
import { lookUpPaths } from "./look-up-paths.ts";
import { judgeRequest } from "./judgement.ts";
import type { Judgement } from "./judgement.ts";

/** A request as plain data that nobody else holds, or why it is none. */
export type ReadRequest =
  | RequestData
  | {
      readonly refused: string;
      readonly agentCtx: JsonObject | null;
      readonly avid: string;
      /** Set where whoever asked has said that the call is not run, whatever is answered. */
      readonly isNotRun?: true;
    };

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
    if (refused !== undefined) {
      return { refused: `the call is not run: ${readClauses([refused]).join()}`, agentCtx, avid: id, isNotRun: true };
    }
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

/** Looks up on the disk what the actions are about, and judges them. */
export async function judge(policy: Policy, request: RequestData, { resolvePaths, ownFiles }: JudgeOptions): Promise<Judgement> {
  const { agentCtx } = request;
  const actions = await Promise.all(
    request.actions.map(async ({ actionType, payload, open }) => {
      const looked = resolvePaths ? await lookUpPaths(actionType, payload, { agentCtx, ownFiles }) : undefined;
      return { actionType, payload, open, disk: looked?.disk ?? null, named: looked?.named ?? [] };
    }),
  );
  return judgeRequest(policy, { agentCtx, actions, ownFiles });
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
