import type { JsonObject, JsonValue } from "../json.ts";

/** The most UTF-16 code units of an action type. */
export const actionTypeLength = 256;

/** One action that an agent asks to take, as plain data: what the pure engine judges. */
export interface ActionRequest {
  /** Who acts and where, from the host program and never from the model. */
  readonly agentCtx: JsonObject;
  readonly actionType: string;
  readonly payload: JsonValue;
}
