import { createServer } from "node:http";
import type { Server } from "node:http";

/** A server on this machine that speaks chat.completions: it asks for the commands one after the other, and then says "done". */
export function scriptedServer(commands: readonly string[]): Server {
  let turn = 0;
  return createServer((request, response) => {
    request.resume().on("end", () => {
      const command = commands[turn];
      turn += 1;
      const call = { id: `call-${turn}`, type: "function", function: { name: "bash", arguments: JSON.stringify({ command }) } };
      const message = {
        role: "assistant",
        refusal: null,
        ...(command === undefined ? { content: "done" } : { content: null, tool_calls: [call] }),
      };
      const choice = { index: 0, message, finish_reason: command === undefined ? "stop" : "tool_calls", logprobs: null };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ id: `turn-${turn}`, object: "chat.completion", created: 1, model: "scripted", choices: [choice] }));
    });
  });
}
