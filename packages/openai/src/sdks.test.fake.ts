import OpenAI from "openai";
import { zodFunction, zodResponsesFunction } from "openai/helpers/zod";
import OpenAI5 from "openai-5";
import { zodFunction as zodFunction5, zodResponsesFunction as zodResponsesFunction5 } from "openai-5/helpers/zod";
import OpenAI6 from "openai-6";
import { zodFunction as zodFunction6, zodResponsesFunction as zodResponsesFunction6 } from "openai-6/helpers/zod";
import { z } from "zod";
import { z as z3 } from "zod-3";

/** One major of the SDK, with the zod that it takes. All have the types of the newest, which the tests of types look behind. */
export interface Sdk {
  readonly major: string;
  readonly client: (baseURL: string) => OpenAI;
  readonly z: typeof z;
  readonly zodFunction: typeof zodFunction;
  readonly zodResponsesFunction: typeof zodResponsesFunction;
}

export const sdks: readonly Sdk[] = [
  { major: "5", z: z3, zodFunction: zodFunction5, zodResponsesFunction: zodResponsesFunction5, ...client(OpenAI5) } as unknown as Sdk,
  { major: "6", z, zodFunction: zodFunction6, zodResponsesFunction: zodResponsesFunction6, ...client(OpenAI6) } as unknown as Sdk,
  { major: "7", z, zodFunction, zodResponsesFunction, ...client(OpenAI) } as unknown as Sdk,
];

function client(Client: new (options: { apiKey: string; baseURL: string; maxRetries: number }) => unknown): object {
  return { client: (baseURL: string) => new Client({ apiKey: "test", baseURL, maxRetries: 0 }) };
}
