import { createHash } from "node:crypto";

import { z } from "zod";

import type { AnyRoute } from "../http/call.ts";
import { route } from "../http/call.ts";

/** What the routes say of themselves, as an OpenAPI 3.1 document and as a page to read. */
export function documentRoutes(routes: readonly AnyRoute[], version: string): readonly AnyRoute[] {
  const own = [
    route({
      method: "GET",
      path: "/openapi.json",
      access: "open",
      summary: "This API as an OpenAPI 3.1 document",
      answer: { description: "The document", schema: z.looseObject({ openapi: z.string() }) },
      handle: () => ({ json: document }),
    }),
    route({
      method: "GET",
      path: "/docs",
      access: "open",
      summary: "This API as a page to read",
      answer: { description: "The page", type: "text/html" },
      handle: () => ({ text: page, type: "text/html; charset=utf-8", headers: { "content-security-policy": pagePolicy } }),
    }),
  ];
  const document = openApiOf([...routes, ...own], version);
  const page = pageOf(document);
  return own;
}

type Json = Record<string, unknown>;

/** An OpenAPI 3.1 document from the very schemas that requests are checked with. */
export function openApiOf(routes: readonly AnyRoute[], version: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const each of routes) {
    const path = each.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [each.method.toLowerCase()]: operationOf(each, schemas) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Canopy gateway",
      version,
      description: "Before a tool runs, the call is authorized and the answer is recorded. Proceed only on a clear ALLOW.",
    },
    paths,
    components: {
      schemas: { ...schemas, Error: schemaOf(errorAnswer, schemas) },
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "An API key from `canopy keys add`, or a JWT of the configured issuer." },
      },
    },
  };
}

const errorAnswer = z.object({
  decision: z
    .union([z.literal("DENY"), z.literal(false)])
    .optional()
    .meta({ description: "There where a decision was asked for." }),
  error: z.object({ code: z.string(), message: z.string() }),
});

function operationOf({ method, path, access, summary, description, body, query, answer }: AnyRoute, schemas: Json): Json {
  const refusal = {
    description: "Refused: nothing was allowed",
    content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
  };
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_match, next: string | undefined) => next?.toUpperCase() ?? "")}`,
    summary,
    ...(description === undefined ? {} : { description }),
    security: access === "open" ? [] : [{ key: [] }],
    ...(access === "open" ? {} : { "x-canopy-scopes": access }),
    ...(query === undefined && !path.includes(":")
      ? {}
      : { parameters: [...pathParameters(path), ...(query === undefined ? [] : parametersOf(query))] }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: schemaOf(body, schemas) } } } }),
    responses: {
      "200": {
        description: answer.description,
        content:
          "schema" in answer
            ? { "application/json": { schema: schemaOf(answer.schema, schemas) } }
            : { [answer.type]: { schema: { type: "string" } } },
      },
      "4XX": refusal,
      "5XX": refusal,
    },
  };
}

/** The schema; those with a name are put beside and referred to. */
function schemaOf(schema: z.ZodType, schemas: Json): Json {
  const made = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json & { $defs?: Json };
  const { $schema: _dialect, $defs = {}, ...rest } = made;
  for (const [name, each] of Object.entries($defs)) schemas[name] = withoutId(relocated(each));
  const id = rest["id"];
  if (typeof id !== "string") return relocated(rest) as Json;
  schemas[id] = withoutId(relocated(rest));
  return { $ref: `#/components/schemas/${id}` };
}

function relocated(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function withoutId(value: unknown): unknown {
  const { id: _id, ...rest } = value as Json;
  return rest;
}

function pathParameters(path: string): readonly Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: "path", required: true, schema: { type: "string" } }));
}

function parametersOf(query: z.ZodType): readonly Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" }) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h2{margin:2rem 0 .25rem;font:600 1.1rem ui-monospace,monospace}pre{background:#f4f4f2;padding:.75rem;overflow:auto;font-size:.85rem}
summary{cursor:pointer}.m{color:#0a6b3d}small{color:#555}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}pre{background:#222}.m{color:#6fd3a0}small{color:#aaa}}`;

/** No script, nothing from elsewhere: the page is read, and works without a network. */
const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

function pageOf(document: Json): string {
  const { info, paths, components } = document as {
    info: Json;
    paths: Record<string, Record<string, Json>>;
    components: { schemas: Json };
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { summary, description = "", requestBody, parameters, responses, "x-canopy-scopes": scopes } = operation;
      const needs = Array.isArray(scopes) ? `needs the scope ${scopes.join(" or ")}` : "needs no key";
      return `<h2><span class="m">${method.toUpperCase()}</span> ${escape(path)}</h2><p>${escape(String(summary))} <small>${needs}</small></p>${
        description === "" ? "" : `<p>${escape(String(description))}</p>`
      }${details("Parameters", parameters)}${details("Request", requestBody)}${details("Answers", responses)}`;
    }),
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Canopy gateway</title><style>${style}</style>
<h1>Canopy gateway</h1><p>${escape(String(info["description"]))}</p>${operations.join("\n")}<h1>Schemas</h1>${Object.entries(
    components.schemas,
  )
    .map(([name, schema]) => `<h2 id="${escape(name)}">${escape(name)}</h2>${code(schema)}`)
    .join("\n")}</html>`;
}

function details(title: string, value: unknown): string {
  return value === undefined ? "" : `<details><summary>${title}</summary>${code(value)}</details>`;
}

function code(value: unknown): string {
  return `<pre>${escape(JSON.stringify(value, null, 2))}</pre>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
