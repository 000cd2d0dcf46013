import { loadYaml } from "../document.ts";
import type { Node } from "../document.ts";
import { nearest } from "../nearest.ts";
import type { PolicySource } from "../policy.ts";
import { PolicyError, quoted } from "../problems.ts";
import type { PolicyProblem, Position, Report } from "../problems.ts";
import { keysOf, listItems, textOf, unknownKey } from "../reading.ts";
import { resolve } from "../sources.ts";
import { readExpectation } from "./expectation.ts";
import type { CaseDraft, Expectation } from "./expectation.ts";
import { testFileKeys, testKeys } from "./format.ts";
import { readDraft, readFixtures, requestOf } from "./request.ts";
import type { Draft, TestRequest } from "./request.ts";
import { readTable } from "./table.ts";

/** A file of policy tests, read and checked as far as that goes without the policy. */
export interface PolicyTests {
  readonly source: PolicySource;
  /** The policy that it names, resolved against the file; null where it names none. */
  readonly policy: string | null;
  readonly cases: readonly PolicyTestCase[];
}

/** One request and what is expected of the policy. */
export interface PolicyTestCase extends TestRequest {
  readonly name: string;
  readonly at: Position;
  readonly expected: Expectation;
}

/** `readPolicyTests` of the engine's front. Throws `PolicyError` with everything that cannot be understood. */
export async function parseTests(source: PolicySource): Promise<PolicyTests> {
  const problems: PolicyProblem[] = [];
  const report: Report = (at, message, suggestion) => {
    problems.push({ file: source.name, ...at, message, ...(suggestion === undefined ? {} : { suggestion }) });
  };
  const parse = await loadYaml();
  const document = parse(source.text, report);
  const tests = document === null ? { source, policy: null, cases: [] } : readTestFile(document, source, report);
  if (problems.length > 0) throw new PolicyError(problems);
  return tests;
}

const casesInAll = 10_000;

function readTestFile(root: Node, source: PolicySource, report: Report): PolicyTests {
  if (root.kind !== "map") {
    report(root.at, "a file of policy tests is a map with `version` and `tests`");
    return { source, policy: null, cases: [] };
  }
  for (const entry of root.entries)
    if (!Object.hasOwn(testFileKeys, entry.key)) unknownKey(entry, "in a file of tests", Object.keys(testFileKeys), report);
  const { version, policy, fixtures, tests } = keysOf(root);
  if (version !== undefined && (version.kind !== "scalar" || version.value !== 1)) report(version.at, "the version of the format is `1`");
  const named = policy === undefined ? undefined : textOf(policy, "`policy`", report);
  const parts = readFixtures(fixtures, report);
  const find = (name: string, at: Position): Draft => {
    const found = parts.get(name);
    if (found === undefined) report(at, `there is no fixture ${quoted(name)}`, nearest(name, parts.keys()));
    return found ?? {};
  };
  if (tests === undefined) report(root.at, "the file has no `tests`");
  const names = new Map<string, Position>();
  const drafts = (tests === undefined ? [] : listItems(tests, "`tests`", report)).flatMap((node) => {
    const read = readTest(node, find, report);
    const before = read === null ? undefined : names.get(read.name);
    if (read !== null && before !== undefined) report(read.at, `duplicate test ${quoted(read.name)}, first on line ${before.line}`);
    if (read !== null) names.set(read.name, read.at);
    return read?.cases ?? [];
  });
  if (drafts.length > casesInAll) report(root.at, `a file has at most ${casesInAll} tests`);
  return {
    source,
    policy: named === undefined ? null : resolve(named, source.name),
    cases: drafts.slice(0, casesInAll).flatMap((draft) => finish(draft, report)),
  };
}

interface ReadTest {
  readonly name: string;
  readonly at: Position;
  readonly cases: readonly CaseDraft[];
}

function readTest(node: Node, find: (name: string, at: Position) => Draft, report: Report): ReadTest | null {
  if (node.kind !== "map") {
    report(node.at, "a test is a map with `name`, `request` and `expect`");
    return null;
  }
  for (const entry of node.entries) if (!Object.hasOwn(testKeys, entry.key)) unknownKey(entry, "in a test", Object.keys(testKeys), report);
  const { name: nameNode, request: requestNode, expect: expectNode, columns, rows } = keysOf(node);
  const name = nameNode === undefined ? undefined : textOf(nameNode, "`name`", report);
  if (nameNode === undefined) report(node.at, "the test has no `name`");
  const request = requestNode === undefined ? {} : readDraft(requestNode, "a request", report, find);
  const expected = expectNode === undefined ? {} : readExpectation(expectNode, report);
  const template: CaseDraft = { name: name ?? "", at: node.at, request, expected };
  if (rows === undefined) {
    if (columns !== undefined) report(columns.at, "`columns` stands beside `rows`");
    if (requestNode === undefined) report(node.at, "the test has no `request`");
    if (expectNode === undefined) report(node.at, "the test has no `expect`");
    const complete = requestNode !== undefined && expectNode !== undefined && columns === undefined;
    return { name: template.name, at: node.at, cases: complete ? [template] : [] };
  }
  return { name: template.name, at: node.at, cases: readTable(template, columns, rows, report) };
}

function finish({ name, at, request: draft, expected }: CaseDraft, report: Report): readonly PolicyTestCase[] {
  const request = requestOf(draft);
  if (typeof request === "string") report(at, request);
  if (expected.decision === undefined) report(at, "the test expects no decision");
  if (typeof request === "string" || expected.decision === undefined) return [];
  return [
    { name, at, ...request, expected: { decision: expected.decision, rules: expected.rules ?? null, reason: expected.reason ?? [] } },
  ];
}
