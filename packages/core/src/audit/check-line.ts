import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";

import { isJsonObject } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { formatVersion, maxLineBytes } from "./entry.ts";

/** An entry whose bytes, place and predecessor are as they should be. */
export interface GoodLine {
  readonly ok: true;
  readonly seq: number;
  readonly hash: string;
  readonly entry: JsonObject;
}

export interface BadLine {
  readonly ok: false;
  /** What the line says of itself, where that can be read. */
  readonly seq: number | null;
  /** A clause that goes on from "line 7 …". */
  readonly why: string;
  /** The line may be sound, but a newer Canopy wrote it. */
  readonly newer: boolean;
}

const beginning = /^\{"v":(\d{1,9}),"seq":(0|[1-9]\d{0,15}),"ts":"[^"\\]{1,40}","type":"[a-z][a-z0-9_.]{0,63}"[,}]/;
const ending = /,"prev_hash":"([0-9a-f]{64})","entry_hash":"([0-9a-f]{64})"\}$/;
const endingBytes = 161;
const entryHashBytes = 81;

/**
 * Judges the bytes of one line, its newline left off, as entry number `seq` after the entry with hash `prevHash`. Total: any bytes get an
 * answer, in time and memory linear in their length.
 */
export function checkLine(line: Buffer, seq: number, prevHash: string): GoodLine | BadLine {
  if (line.length > maxLineBytes) return bad(null, `is longer than ${maxLineBytes} bytes`);
  const start = beginning.exec(line.toString("latin1", 0, 256));
  const end = ending.exec(line.toString("latin1", Math.max(0, line.length - endingBytes)));
  if (start?.[1] === undefined || start[2] === undefined)
    return bad(null, `does not begin like an audit entry${seq === 0 ? ": this is no audit log, or its first line was changed" : ""}`);
  const found = Number(start[2]);
  if (end?.[1] === undefined || end[2] === undefined) return bad(found, "does not end with `prev_hash` and `entry_hash`");
  const entryHash = hash("sha256", line.subarray(0, line.length - entryHashBytes));
  if (entryHash !== end[2]) return bad(found, "was changed: its bytes do not have the hash that it names");
  if (Number(start[1]) !== formatVersion) return { ...bad(found, `is of format version ${start[1]}`), newer: true };
  if (found !== seq) return bad(found, `is entry ${found} where entry ${seq} belongs: lines are missing, repeated or out of order`);
  if (end[1] !== prevHash) return bad(found, "does not follow the entry before it: its `prev_hash` names another");
  const entry = parse(line);
  return entry === null ? bad(found, "is not one JSON object with each key once, in UTF-8") : { ok: true, seq, hash: entryHash, entry };
}

function bad(seq: number | null, why: string): BadLine {
  return { ok: false, seq, why, newer: false };
}

function parse(line: Buffer): JsonObject | null {
  if (!isUtf8(line)) return null;
  let entry: JsonValue;
  try {
    entry = JSON.parse(line.toString()) as JsonValue;
  } catch {
    return null;
  }
  // Readers differ in which of two equal keys they believe, so a line that has any means different things to different people.
  return isJsonObject(entry) && countMembers(entry) === countColons(line) ? entry : null;
}

/** Members of all objects in `value`; iterative, because a hostile line may nest thousands deep. */
function countMembers(value: JsonValue): number {
  let count = 0;
  const rest: JsonValue[] = [value];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const inside: readonly JsonValue[] = isJsonObject(next) ? Object.values(next) : next;
    if (isJsonObject(next)) count += inside.length;
    for (const item of inside) if (typeof item === "object") rest.push(item);
  }
  return count;
}

/** Colons outside strings: in valid JSON, the members that the text spells out. */
function countColons(line: Buffer): number {
  const quote = 0x22;
  const backslash = 0x5c;
  const colon = 0x3a;
  let count = 0;
  let inString = false;
  for (let index = 0; index < line.length; index += 1) {
    const byte = line[index];
    if (inString) {
      if (byte === backslash) index += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === colon) count += 1;
  }
  return count;
}
