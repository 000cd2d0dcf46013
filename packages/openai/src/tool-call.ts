import { CanopyError } from "@canopy-runtime/core";

/** A tool call as the model made it, without anything that a parser or a stream added. Plain JSON. */
export type ToolCallItem = ChatCallItem | ResponsesCallItem;

/** A tool call of chat.completions. */
export type ChatCallItem =
  | { readonly id: string; readonly type: "function"; readonly function: { readonly name: string; readonly arguments: string } }
  | { readonly id: string; readonly type: "custom"; readonly custom: { readonly name: string; readonly input: string } };

/** A tool call of the Responses API. */
export type ResponsesCallItem = ResponsesCall &
  ({ readonly type: "function_call"; readonly arguments: string } | { readonly type: "custom_tool_call"; readonly input: string });

interface ResponsesCall {
  readonly call_id: string;
  readonly name: string;
  readonly namespace?: string;
  readonly caller?: Caller;
}

/** The form in which the API takes the output of a call back. */
export type OutputFor<CALL extends ToolCallItem> = CALL extends ChatCallItem ? ChatToolOutput : ResponsesToolOutput;

type Caller = { readonly type: "direct" } | { readonly type: "program"; readonly caller_id: string };

/** What is to be appended to the conversation: a message of chat.completions, or an input item of the Responses API. */
export type ToolOutput = ChatToolOutput | ResponsesToolOutput;

export interface ChatToolOutput {
  role: "tool";
  tool_call_id: string;
  content: string;
}

export interface ResponsesToolOutput {
  type: "function_call_output" | "custom_tool_call_output";
  call_id: string;
  output: string;
  caller?: Caller;
}

/** What every kind of call comes down to. */
export interface CallParts {
  readonly item: ToolCallItem;
  readonly callId: string;
  readonly name: string;
  readonly text: string;
  readonly isCustom: boolean;
  /** Why this call must not run, as far as the call itself tells. */
  readonly refused?: string;
}

/**
 * Reads a call, each part once. Throws `INVALID_OPTIONS` for what is none, and for a piece of a stream: the model may still be writing. `isWhole` says
 * that the call came with a whole answer, where some providers number the calls as they do the pieces of a stream.
 */
export function readCall(value: unknown, isWhole: boolean = false): CallParts {
  if (typeof value !== "object" || value === null) throw noCall("is not an object");
  const { type, ...call } = value as Fields;
  if (type === "function" || type === "custom") {
    if (call["index"] !== undefined && !isWhole) throw unfinished();
    const { name, arguments: text, input } = fieldsOf(call[type]);
    const id = string(call["id"], "id");
    return type === "function"
      ? parts({ id, type, function: { name: string(name, "name"), arguments: string(text, "arguments") } })
      : parts({ id, type, custom: { name: string(name, "name"), input: string(input, "input") } });
  }
  if (type === "function_call" || type === "custom_tool_call") {
    const { status, namespace, caller } = call;
    if (status === "in_progress") throw unfinished();
    const rest = {
      call_id: string(call["call_id"], "call_id"),
      name: string(call["name"], "name"),
      ...(namespace === undefined || namespace === null ? {} : { namespace: string(namespace, "namespace") }),
      ...(caller === undefined || caller === null ? {} : { caller: readCaller(caller) }),
    };
    const read =
      type === "function_call"
        ? parts({ type, ...rest, arguments: string(call["arguments"], "arguments") })
        : parts({ type, ...rest, input: string(call["input"], "input") });
    return status === undefined || status === null || status === "completed" ? read : { ...read, refused: cutShort };
  }
  throw type === undefined || (typeof type === "string" && type.includes("."))
    ? unfinished()
    : noCall("is of a type that this version does not know");
}

/** What a model answered: its calls, and the items to append before their outputs. */
export interface Answer {
  readonly calls: readonly CallParts[];
  readonly items: readonly object[];
}

/** Reads a chat completion or a response of the Responses API. Throws `INVALID_OPTIONS` for what is neither, or not finished. */
export function readAnswer(value: unknown): Answer {
  const { choices, output, status } = fieldsOf(value);
  if (Array.isArray(choices)) return readChoices(choices);
  if (!Array.isArray(output)) throw noAnswer();
  if (status === "in_progress" || status === "queued") throw unfinished();
  const isComplete = status === undefined || status === null || status === "completed";
  const items = output.map(fieldsOf);
  const calls = items
    .filter(({ type }) => type === "function_call" || type === "custom_tool_call")
    .map((item) => {
      const call = readCall(item);
      const isItem = isComplete || (status === "incomplete" && item["status"] === "completed");
      return isItem ? call : { ...call, refused: cutShort };
    });
  return { calls, items: items.map(({ parsed_arguments: _parsed, ...item }) => withoutParsed(item)) };
}

function readChoices(choices: readonly unknown[]): Answer {
  if (choices.length !== 1) throw noAnswer("has more than one choice, or none, and which one counts cannot be told");
  const { message, finish_reason: finish } = fieldsOf(choices[0]);
  if (typeof message !== "object" || message === null || typeof finish !== "string") throw unfinished();
  const { tool_calls: toolCalls, parsed: _parsed, ...rest } = message as Fields;
  if (toolCalls !== undefined && toolCalls !== null && !Array.isArray(toolCalls)) throw noAnswer();
  const isCut = finish === "length" || finish === "content_filter";
  const calls = ((toolCalls ?? []) as readonly unknown[]).map((call) => readCall(call, true));
  const items = [calls.length === 0 ? rest : { ...rest, tool_calls: (toolCalls as readonly unknown[]).map(withoutParsedArguments) }];
  return { calls: calls.map((call) => (isCut ? { ...call, refused: cutShort } : call)), items };
}

/** `text` as the output of a call. */
export function outputOf(item: ToolCallItem, text: string): ToolOutput {
  if ("id" in item) return { role: "tool", tool_call_id: item.id, content: text };
  const type = item.type === "function_call" ? "function_call_output" : "custom_tool_call_output";
  return { type, call_id: item.call_id, output: text, ...(item.caller === undefined ? {} : { caller: item.caller }) };
}

type Fields = Readonly<Record<string, unknown>>;

const cutShort = "the model's answer was cut short, and the call may not be whole";

function parts(item: ToolCallItem): CallParts {
  if (item.type === "function") return { item, callId: item.id, name: item.function.name, text: item.function.arguments, isCustom: false };
  if (item.type === "custom") return { item, callId: item.id, name: item.custom.name, text: item.custom.input, isCustom: true };
  const shared = { item, callId: item.call_id, name: qualified(item) };
  return item.type === "function_call"
    ? { ...shared, text: item.arguments, isCustom: false }
    : { ...shared, text: item.input, isCustom: true };
}

/** A name within a namespace is another name: no tool here has one. */
function qualified({ namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return namespace === undefined ? name : `${namespace}.${name}`;
}

function readCaller(value: unknown): Caller {
  const { type, caller_id: callerId } = fieldsOf(value);
  if (type === "direct") return { type };
  if (type === "program") return { type, caller_id: string(callerId, "caller_id") };
  throw noCall("has a `caller` that this version does not know");
}

/** A tool call as it came, less what parsers and streams added; what a provider added to recognize it by stays. */
function withoutParsedArguments(value: unknown): object {
  const { index: _index, function: definition, ...call } = fieldsOf(value);
  if (definition === undefined) return call;
  const { parsed_arguments: _parsed, ...rest } = fieldsOf(definition);
  return { ...call, function: rest };
}

/** An output item of `responses.parse`, less what its parsers added and the API would refuse. */
function withoutParsed(item: Fields): object {
  const { content } = item;
  if (!Array.isArray(content)) return item;
  return {
    ...item,
    content: content.map((part: unknown) => {
      if (typeof part !== "object" || part === null) return part;
      const { parsed: _parsed, ...rest } = part as Fields;
      return rest;
    }),
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function string(value: unknown, name: string): string {
  if (typeof value !== "string") throw noCall(`has no \`${name}\`, a string`);
  return value;
}

function noCall(why: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", `what is to be dispatched is no tool call: it ${why}`);
}

function noAnswer(why: string = "is neither a chat completion nor a response"): CanopyError {
  return new CanopyError("INVALID_OPTIONS", `what is to be dispatched ${why}`);
}

function unfinished(): CanopyError {
  return new CanopyError(
    "INVALID_OPTIONS",
    "what is to be dispatched is part of a stream or not finished: wait for `finalChatCompletion()` or `finalResponse()`",
  );
}
