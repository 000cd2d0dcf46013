import type { Assembly } from "../assemble.ts";
import { assemble } from "../assemble.ts";
import { isJsonObject } from "../../json.ts";
import { standardActions } from "../actions.ts";
import type { ActionRequest } from "../request.ts";
import type { Scope } from "../condition/values.ts";
import { prepare } from "../evaluate.ts";
import { explain } from "../explain.ts";
import type { Explanation } from "../explain.ts";
import { matchesGlob } from "../glob.ts";
import type { LoadOptions } from "../load.ts";
import { editDistance, nearest, normal } from "../nearest.ts";
import type { PolicySource } from "../policy.ts";
import { PolicyError, quoted } from "../problems.ts";
import type { PolicyProblem, Position } from "../problems.ts";
import { recordCoverage } from "./coverage.ts";
import type { PolicyCoverage } from "./coverage.ts";
import type { PolicyTestCase, PolicyTests } from "./read-tests.ts";

/** What came of a policy's tests. */
export interface PolicyTestReport {
  /** The policy's file, as the host named it. */
  readonly policy: string;
  /** The rules' examples in the order of the policy, then the tests of each file. */
  readonly results: readonly PolicyTestResult[];
  readonly coverage: PolicyCoverage;
}

export interface PolicyTestResult extends Position {
  readonly file: string;
  /** An `example` of a rule, or a `test` of its own. */
  readonly kind: "example" | "test";
  readonly name: string;
  /** What is not as it should be; none where the test passed. */
  readonly failures: readonly PolicyTestFailure[];
  /** What the policy says of what failed, and every rule about it; null for what passed, and for an example that is no request. */
  readonly explanation: Explanation | null;
}

export interface PolicyTestFailure {
  readonly what: "decision" | "rules" | "reason" | "example";
  readonly expected: string;
  readonly got: string;
  /** The ids of rules that should have decided and did not; for an example that of its rule. */
  readonly missing: readonly string[];
}

/** `testPolicy` of the engine's front. Throws `PolicyError` where the policy does not load, or a test speaks of what the policy does not have. */
export async function runTests(root: PolicySource, files: readonly PolicyTests[], options: LoadOptions): Promise<PolicyTestReport> {
  const assembly = await assemble(root, options);
  const problems = files.flatMap((file) => file.cases.flatMap((each) => problemsOf(each, file.source.name, assembly)));
  if (problems.length > 0) throw new PolicyError(problems);
  const coverage = recordCoverage(assembly);
  const examples = assembly.examples.filter(({ rule }) => assembly.drafts.some(({ root: own, id }) => own && id === rule.reference.id));
  const results: PolicyTestResult[] = [];
  const counts = new Map<string, number>();
  for (const { rule, example, scope, value, failure } of examples) {
    const { id, file } = rule.reference;
    const kind = example.matches ? "match" : "not_match";
    const number = (counts.get(`${id} ${kind}`) ?? 0) + 1;
    counts.set(`${id} ${kind}`, number);
    if (scope !== null) coverage.example(rule.reference, scope);
    const expected = example.matches ? "conditions that are true" : "a rule that does not apply";
    const got = scope === null ? (failure ?? "") : `conditions that are ${value}`;
    results.push({
      file,
      ...example.at,
      kind: "example",
      name: `${id}: ${kind} ${number}`,
      failures: failure === null ? [] : [{ what: "example", expected, got, missing: [id] }],
      explanation: failure === null || scope === null ? null : explain(assembly.policy, requestOf(scope)),
    });
  }
  for (const { source, cases } of files) {
    for (const each of cases) {
      const scope = prepare(each.request, each.inputs);
      if (typeof scope !== "string") coverage.request(scope);
      results.push({ file: source.name, ...each.at, kind: "test", name: each.name, ...runCase(each, assembly) });
    }
  }
  return { policy: root.name, results, coverage: coverage.report() };
}

function requestOf({ actionType, agentCtx, payload }: Scope): ActionRequest {
  return { actionType, agentCtx: isJsonObject(agentCtx) ? agentCtx : {}, payload };
}

function runCase({ request, inputs, expected }: PolicyTestCase, { policy }: Assembly): Pick<PolicyTestResult, "failures" | "explanation"> {
  const explanation = explain(policy, request, inputs);
  const { decision, rules, reason } = explanation;
  const failures: PolicyTestFailure[] = [];
  if (decision !== expected.decision) failures.push(differs("decision", expected.decision, decision));
  if (expected.rules !== null) {
    const deciding = rules.map(({ id }) => id);
    const missing = expected.rules.map(({ id }) => id).filter((id) => !deciding.includes(id));
    const wrong = expected.rules.length === 0 ? deciding.length > 0 : missing.length > 0;
    if (wrong) failures.push({ what: "rules", expected: names(expected.rules.map(({ id }) => id)), got: names(deciding), missing });
  }
  for (const text of expected.reason) if (!reason.includes(text)) failures.push(differs("reason", text, reason));
  return { failures, explanation: failures.length === 0 ? null : explanation };
}

function differs(what: "decision" | "reason", expected: string, got: string): PolicyTestFailure {
  return { what, expected, got, missing: [] };
}

function names(ids: readonly string[]): string {
  return ids.length === 0 ? "no rule" : ids.join(", ");
}

/** What can be said of a test only beside its policy: rules that there are none of, and an action type that is a slip. */
function problemsOf({ at, request, expected }: PolicyTestCase, file: string, { policy }: Assembly): readonly PolicyProblem[] {
  const ids = policy.rules.map(({ reference }) => reference.id);
  const rules = (expected.rules ?? [])
    .filter(({ id }) => !ids.includes(id))
    .map((rule) => problem(file, rule.at, `the policy has no rule ${quoted(rule.id)}`, nearest(rule.id, ids)));
  const slip = expected.reason.length === 0 ? payloadSlip(request) : null;
  if (slip !== null)
    rules.push(
      problem(
        file,
        at,
        `the payload has no \`${slip.field}\`, and ${quoted(slip.key)} is no field of \`${request.actionType}\`; where that is what is tested, expect a \`reason\``,
        slip.field,
      ),
    );
  const { actionType } = request;
  const named = policy.rules.some(({ actionTypes }) => actionTypes.some((pattern) => pattern !== "*" && matchesGlob(pattern, actionType)));
  if (named || Object.hasOwn(standardActions, actionType)) return rules;
  // A name that nothing is about is answered by the default, and a test with a slip in it would pass for ever.
  const known = [
    ...Object.keys(standardActions),
    ...policy.rules.flatMap((rule) => rule.actionTypes.filter((name) => !name.includes("*"))),
  ];
  const meant = nearest(actionType, known);
  return meant === undefined ? rules : [...rules, problem(file, at, `no rule is about the action type ${quoted(actionType)}`, meant)];
}

/** A payload that lacks a field and has one that is spelt nearly so is answered strictly, and the test would pass for the wrong reason. */
function payloadSlip({ actionType, payload }: ActionRequest): { readonly key: string; readonly field: string } | null {
  const schema = Object.hasOwn(standardActions, actionType) ? standardActions[actionType] : undefined;
  if (schema === undefined || !isJsonObject(payload)) return null;
  const missing = Object.keys(schema).filter((field) => schema[field]?.required === true && !Object.hasOwn(payload, field));
  for (const key of Object.keys(payload)) {
    const field = Object.hasOwn(schema, key) ? undefined : missing.find((each) => editDistance(normal(each), normal(key)) <= 2);
    if (field !== undefined) return { key, field };
  }
  return null;
}

function problem(file: string, at: Position, message: string, suggestion: string | undefined): PolicyProblem {
  return { file, ...at, message, ...(suggestion === undefined ? {} : { suggestion }) };
}
