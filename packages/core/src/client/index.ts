// The gateway's client: any runtime that has `fetch`, and nothing of Node.
export { HttpAuthorizer, type HttpAuthorizerOptions } from "./http-authorizer.ts";
