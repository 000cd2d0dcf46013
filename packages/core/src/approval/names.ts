import { member } from "../json.ts";
import type { JsonObject } from "../json.ts";

/** The names by which an agent could be meant. */
export function agentNames(agentCtx: JsonObject): readonly string[] {
  const names = ["name", "agent_id", "id", "public_key"].map((key) => member(agentCtx, key));
  return names.filter((each): each is string => typeof each === "string" && each !== "");
}

/** Whether two names are of the same one, however they are written. */
export function isOneOf(name: string, others: readonly string[]): boolean {
  return others.some((other) => plain(other) === plain(name));
}

function plain(name: string): string {
  return name.normalize("NFKC").trim().toLowerCase();
}
