import type { JsonObject, JsonValue } from "../json.ts";

/** One action that an agent asks to take, as plain data: what the pure engine judges. */
export interface ActionRequest {
  /** Who acts and where, from the host program and never from the model. */
  readonly agentCtx: JsonObject;
  readonly actionType: string;
  readonly payload: JsonValue;
}
