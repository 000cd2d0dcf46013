import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A tool call that the scripted model makes: `args` as JSON, or as the very text. `input` makes it a custom call. */
export interface ScriptedCall {
  readonly id?: string;
  readonly tool: string;
  readonly args?: unknown;
  readonly input?: string;
}

/** The calls that the model makes in one turn, or the words that it ends with. */
export type Turn = readonly ScriptedCall[] | string;

/** A loopback server that speaks chat.completions and responses, plain and streamed, with a model that follows a script. */
export interface Loopback extends AsyncDisposable {
  readonly baseURL: string;
  /** What the model was sent, turn by turn. */
  readonly requests: Record<string, unknown>[];
}

type Event = Readonly<Record<string, unknown>>;

/** After the script the model says "done". */
export async function loopback(script: readonly Turn[]): Promise<Loopback> {
  const requests: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(pieces).toString("utf8")) as Record<string, unknown>;
      requests.push(body);
      const turn = script[requests.length - 1] ?? "done";
      const isChat = request.url?.endsWith("/chat/completions") === true;
      if (body["stream"] !== true) {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify(isChat ? completion(turn) : finished(turn, requests.length)));
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of isChat ? chunks(turn) : events(turn, requests.length)) {
        response.write(`${isChat ? "" : `event: ${String(event["type"])}\n`}data: ${JSON.stringify(event)}\n\n`);
      }
      response.end(isChat ? "data: [DONE]\n\n" : "");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    requests,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

function textOf({ args, input }: ScriptedCall): string {
  return input ?? (typeof args === "string" ? args : JSON.stringify(args ?? {}));
}

function idOf(call: ScriptedCall, index: number): string {
  return call.id ?? `call-${index + 1}`;
}

const meta = { id: "completion", created: 1, model: "scripted" };

function completion(turn: Turn): Event {
  const spoken = typeof turn === "string";
  const message = {
    role: "assistant",
    content: spoken ? turn : null,
    refusal: null,
    ...(spoken ? {} : { tool_calls: turn.map(chatCall) }),
  };
  return {
    ...meta,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: spoken ? "stop" : "tool_calls", logprobs: null }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}

function chatCall(call: ScriptedCall, index: number): Event {
  const id = idOf(call, index);
  return call.input === undefined
    ? { id, type: "function", function: { name: call.tool, arguments: textOf(call) } }
    : { id, type: "custom", custom: { name: call.tool, input: call.input } };
}

function chunk(delta: object, finish: string | null = null): Event {
  return { ...meta, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }] };
}

function chunks(turn: Turn): readonly Event[] {
  if (typeof turn === "string") return [chunk({ role: "assistant", content: "" }), chunk({ content: turn }), chunk({}, "stop")];
  const calls = turn.flatMap((call, index) => [
    chunk({ tool_calls: [{ index, id: idOf(call, index), type: "function", function: { name: call.tool, arguments: "" } }] }),
    ...(textOf(call).match(/[^]{1,4}/g) ?? []).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ]);
  return [chunk({ role: "assistant", content: null }), ...calls, chunk({}, "tool_calls")];
}

function outputItems(turn: Turn): readonly Event[] {
  if (typeof turn === "string") {
    const content = [{ type: "output_text", text: turn, annotations: [], logprobs: [] }];
    return [{ type: "message", id: "message", role: "assistant", status: "completed", content }];
  }
  return turn.map((call, index) => {
    const id = idOf(call, index);
    return call.input === undefined
      ? { type: "function_call", id: `item-${id}`, call_id: id, name: call.tool, arguments: textOf(call), status: "completed" }
      : { type: "custom_tool_call", id: `item-${id}`, call_id: id, name: call.tool, input: call.input };
  });
}

function finished(turn: Turn, turns: number): Event {
  return {
    id: `response-${turns}`,
    object: "response",
    created_at: 1,
    status: "completed",
    model: "scripted",
    output: outputItems(turn),
    parallel_tool_calls: true,
    tool_choice: "auto",
    tools: [],
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    temperature: 1,
    top_p: 1,
    usage: {
      input_tokens: 1,
      output_tokens: 1,
      total_tokens: 2,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
  };
}

function events(turn: Turn, turns: number): readonly Event[] {
  const response = finished(turn, turns);
  const list: Event[] = [{ type: "response.created", response: { ...response, status: "in_progress", output: [] } }];
  for (const [index, item] of outputItems(turn).entries()) {
    const at = { output_index: index, item_id: item["id"] };
    const added = (empty: object): Event => ({ type: "response.output_item.added", output_index: index, item: { ...item, ...empty } });
    if (item["type"] === "function_call") {
      const { arguments: text, name } = item;
      list.push(
        added({ arguments: "", status: "in_progress" }),
        { type: "response.function_call_arguments.delta", ...at, delta: text },
        { type: "response.function_call_arguments.done", ...at, name, arguments: text },
      );
    } else if (item["type"] === "custom_tool_call") {
      list.push(
        added({ input: "" }),
        { type: "response.custom_tool_call_input.delta", ...at, delta: item["input"] },
        { type: "response.custom_tool_call_input.done", ...at, input: item["input"] },
      );
    } else {
      const [part] = item["content"] as [Event];
      list.push(
        added({ content: [], status: "in_progress" }),
        { type: "response.content_part.added", ...at, content_index: 0, part: { ...part, text: "" } },
        { type: "response.output_text.delta", ...at, content_index: 0, delta: part["text"], logprobs: [] },
        { type: "response.output_text.done", ...at, content_index: 0, text: part["text"], logprobs: [] },
        { type: "response.content_part.done", ...at, content_index: 0, part },
      );
    }
    list.push({ type: "response.output_item.done", output_index: index, item });
  }
  list.push({ type: "response.completed", response });
  return list.map((event, number) => Object.assign(event, { sequence_number: number }));
}
