import { createServer } from "node:http";
import type { Server } from "node:http";

/** A server on this machine that speaks the Responses API: it asks for both tools at once, and then says "done". */
export function scriptedServer(): Server {
  let turn = 0;
  const words = { type: "output_text", text: "done", annotations: [], logprobs: [] };
  return createServer((request, response) => {
    request.resume().on("end", () => {
      turn += 1;
      const output =
        turn === 1
          ? [call("1", "balance", { account: "main" }), call("2", "pay", { amount: 5 })]
          : [{ type: "message", id: "message", role: "assistant", status: "completed", content: [words] }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ id: `turn-${turn}`, object: "response", created_at: 1, status: "completed", model: "scripted", output }),
      );
    });
  });
}

function call(id: string, name: string, args: object): object {
  return { type: "function_call", id: `item-${id}`, call_id: id, name, arguments: JSON.stringify(args), status: "completed" };
}
