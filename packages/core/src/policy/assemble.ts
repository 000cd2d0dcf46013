import { factFunctions } from "../facts/index.ts";
import type { ActionBinding } from "./bindings.ts";
import { compiler } from "./condition/compile.ts";
import { loadParser } from "./condition/parse.ts";
import { loadRegex } from "./condition/regex.ts";
import { payloadShape } from "./condition/types.ts";
import type { Run } from "./condition/values.ts";
import { canonicalBlock, compileBlock, parseBlock } from "./conditions.ts";
import type { ParsedBlock, Workshop } from "./conditions.ts";
import type { Decision } from "./decision.ts";
import { defaultPolicyText } from "./default-policy.gen.ts";
import { strictest } from "./decision.ts";
import { policyDigest } from "./digest.ts";
import { loadYaml } from "./document.ts";
import { runExamples } from "./examples.ts";
import type { ExampleResult } from "./examples.ts";
import type { LoadOptions } from "./load.ts";
import { draftRules } from "./draft.ts";
import type { DraftRule } from "./draft.ts";
import { nearest } from "./nearest.ts";
import type { Policy, PolicySource } from "./policy.ts";
import { PolicyError, quoted, visible } from "./problems.ts";
import type { PolicyProblem, Position } from "./problems.ts";
import { warningsAbout } from "./warnings.ts";
import { indexRules } from "./rule-index.ts";
import type { Rule } from "./rule.ts";
import { readSources } from "./sources.ts";
import type { LoadedFile } from "./sources.ts";
import { compileTemplate, constantSentence } from "./compile-template.ts";

/** A policy with all that it was made from, for those who look into it: its tests, and lint. */
export interface Assembly {
  readonly policy: Policy;
  readonly files: readonly LoadedFile[];
  /** In the order of `policy.rules`, each rule as it was written. */
  readonly drafts: readonly DraftRule[];
  /** What the root policy lifts. */
  readonly exceptions: readonly CompiledException[];
  /** Every example, in the order of the rules. A policy is in force only while none has failed. */
  readonly examples: readonly ExampleResult[];
  /** Rules that were dropped because another one says the same. */
  readonly repeats: readonly PolicyProblem[];
  readonly workshop: Workshop;
}

/** `loadPolicy`, in the half of the engine that is imported only then. `bundled` is the text of `canopy:default`, which a recorded policy brings along. */
export async function assemblePolicy(root: PolicySource, options: LoadOptions, bundled?: string): Promise<Policy> {
  const assembly = await assemble(root, options, bundled);
  requireExamples(assembly);
  return assembly.policy;
}

/** Throws `PolicyError` where an example does not hold: such a policy is not in force. */
export function requireExamples({ examples, files }: Assembly): void {
  const failed = examples.flatMap(({ rule, example, failure }): readonly PolicyProblem[] =>
    failure === null ? [] : [{ file: rule.reference.file, ...example.at, message: failure }],
  );
  if (failed.length > 0) throw new PolicyError(inOrder(failed, files));
}

/** Reads, checks and compiles a policy and runs its examples, whatever comes of these. Throws `PolicyError` for everything else that is wrong. */
export async function assemble(root: PolicySource, options: LoadOptions, bundled: string = defaultPolicyText): Promise<Assembly> {
  const [yaml, parse, regex] = await Promise.all([loadYaml(), loadParser(), loadRegex()]);
  const facts = new Map((options.facts ?? factFunctions).map((fact) => [fact.name, fact] as const));
  const workshop: Workshop = { parse, facts, compiler: compiler(facts, regex) };

  const problems: PolicyProblem[] = [];
  const warnings: PolicyProblem[] = [];
  const files = await readSources(root, options.read, yaml, problems, bundled);
  const drafts = await draftRules(files, parse, problems, warnings);
  const repeats = [...warnings];
  const exceptions = compileExceptions(files, drafts, workshop);
  const rules = drafts.map((draft) => compileRule(draft, exceptions, workshop));
  for (const draft of drafts) warnings.push(...warningsAbout(draft));
  const bindings = joinBindings(files);
  if (problems.length > 0) throw new PolicyError(inOrder(problems, files));
  const examples = rules.flatMap((rule, index) => runExamples(rule, drafts[index]?.source.examples ?? []));

  const fallback = defaultOf(files);
  const lifted = rules.filter((rule) => rule.exceptions.length > 0).map((rule) => rule.reference);
  const digest = await policyDigest({
    default: fallback,
    rules: rules.map((rule) => ({ id: rule.reference.id, canonical: rule.canonical })),
    exceptions: exceptions.map(({ rule, canonical }) => ({ rule, canonical })),
    bindings,
  });
  const policy = Object.freeze<Policy>({
    name: files[0]?.file.name ?? null,
    digest,
    default: fallback,
    warnings: inOrder(warnings, files),
    sources: new Map(files.map(({ source }) => [source.name, source.text] as const)),
    bindings,
    rules,
    exceptions: lifted,
    index: indexRules(rules),
  });
  return { policy, files, drafts, exceptions, examples, repeats, workshop };
}

/** An exception that the root policy makes to an inherited rule. */
export interface CompiledException {
  /** The id of the rule. */
  readonly rule: string;
  readonly at: Position;
  readonly condition: ParsedBlock;
  readonly run: Run;
  readonly canonical: string;
}

/** The exceptions of the root, each to a rule that another file holds. */
function compileExceptions(files: readonly LoadedFile[], drafts: readonly DraftRule[], workshop: Workshop): readonly CompiledException[] {
  return files.flatMap(({ file, report }, place) =>
    file.except.flatMap(({ rule, at, condition }): readonly CompiledException[] => {
      if (place > 0) {
        report(at, "`except` belongs in the policy that the host names, not in one that is extended");
        return [];
      }
      const draft = drafts.find(({ id }) => id === rule);
      const inherited = drafts.filter(({ root }) => !root).map(({ id }) => id);
      if (draft === undefined || draft.root) {
        const own = draft === undefined ? "" : "; it stands in this file, use `when_not`";
        report(at, `no inherited rule has the id ${quoted(rule)}${own}`, draft === undefined ? nearest(rule, inherited) : undefined);
        return [];
      }
      const parsed = parseBlock(condition, workshop.parse, report);
      const compiled = compileBlock(parsed, payloadShape(draft.actionTypes), workshop, report);
      return [{ rule, at, condition: parsed, run: compiled.run, canonical: canonicalBlock(parsed) }];
    }),
  );
}

function compileRule(draft: DraftRule, exceptions: readonly CompiledException[], workshop: Workshop): Rule {
  const { source, report } = draft;
  const shape = payloadShape(draft.actionTypes);
  const { run, part, guards } = compileBlock(draft.condition, shape, workshop, report);
  const reason = source.reason === null ? [] : compileTemplate(source.reason, draft.condition, shape, workshop, report);
  const label = `rule \`${draft.id}\` (${visible(draft.file)}:${source.at.line})`;
  return {
    // Evaluations hand it out.
    reference: Object.freeze({ id: draft.id, decision: source.decision, file: draft.file, line: source.at.line }),
    label,
    sentence: constantSentence(reason, label),
    actionTypes: draft.actionTypes,
    severity: source.severity,
    reason,
    condition: run,
    parts: part,
    guards,
    exceptions: exceptions.filter(({ rule }) => rule === draft.id).map((exception) => exception.run),
    canonical: draft.canonical,
  };
}

/** The root's default; where it has none, the strictest inherited. */
function defaultOf(files: readonly LoadedFile[]): Decision {
  const inherited = files.flatMap(({ file }) => file.default ?? []);
  return files[0]?.file.default ?? strictest(inherited) ?? "REQUIRE_APPROVAL";
}

function joinBindings(files: readonly LoadedFile[]): ReadonlyMap<string, readonly ActionBinding[]> {
  const joined = new Map<string, readonly ActionBinding[]>();
  for (const { file, report } of files) {
    for (const [tool, bindings] of file.bindings) {
      if (joined.has(tool)) report(file.bindingsAt, `the tool ${quoted(tool)} is bound in another file as well`);
      joined.set(tool, bindings);
    }
  }
  return joined;
}

function inOrder(problems: readonly PolicyProblem[], files: readonly LoadedFile[]): readonly PolicyProblem[] {
  const place = (problem: PolicyProblem): number => files.findIndex(({ source }) => source.name === problem.file);
  return problems.toSorted((a, b) => place(a) - place(b) || a.line - b.line || a.column - b.column);
}
