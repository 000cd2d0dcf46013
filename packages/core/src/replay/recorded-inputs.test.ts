import { describe, expect, it } from "vitest";

import { policyEntries } from "../audit/index.ts";
import type { PolicyLoadedEntry } from "../audit/index.ts";
import type { JsonObject } from "../json.ts";
import { assemblePolicy } from "../policy/assemble.ts";
import { defaultPolicyText } from "../policy/default-policy.gen.ts";
import { loadPolicy } from "../policy/load.ts";
import type { Policy } from "../policy/policy.ts";
import { ownFilesDigest } from "../runtime/own-files.ts";
import { createRecordedInputs } from "./recorded-inputs.ts";
import type { RecordedInputs } from "./recorded-inputs.ts";

const files: Readonly<Record<string, string>> = {
  "dir/root.yaml": "version: 1\nextends: [base/base.yaml, canopy:default]\nrules: [{ id: a, action_type: a, deny: true }]\n",
  "dir/base/base.yaml": `version: 1\nextends: ../other.yaml\nrules: [{ id: b, action_type: b, allow: true }]\n# ${"long ".repeat(9000)}\n`,
  "dir/other.yaml": "version: 1\ndefault: DENY\nrules: [{ id: c, action_type: c, allow: true }]\n",
};

async function load(changed: Readonly<Record<string, string>> = {}): Promise<Policy> {
  const all = { ...files, ...changed };
  const read = async (name: string): Promise<{ name: string; text: string }> => await Promise.resolve({ name, text: all[name] ?? "" });
  return await loadPolicy(await read("dir/root.yaml"), { read });
}

function entriesOf(policy: Policy): readonly PolicyLoadedEntry[] {
  return [...policy.sources].flatMap(([name, text]) => policyEntries(policy.digest, name, text));
}

function add(inputs: RecordedInputs, entries: readonly (PolicyLoadedEntry | (JsonObject & { readonly type: string }))[]): void {
  for (const members of entries) inputs.add({ seq: 0, ts: "", type: members.type, members: { ...members } });
}

describe("a policy on record", () => {
  it("is made again from its texts, of several files and many parts, and has its digest", async () => {
    const policy = await load();
    const inputs = createRecordedInputs();
    add(inputs, entriesOf(policy));
    expect(entriesOf(policy).length).toBeGreaterThan(6);
    expect((await inputs.policy(policy.digest))?.digest).toBe(policy.digest);
    expect((await inputs.policy(policy.digest))?.rules.length).toBe(policy.rules.length);
  });

  it("brings its own text of the bundled policy along, as it was then", async () => {
    const then = defaultPolicyText.replaceAll("shell-hazard", "shell-hazard-then");
    const root = { name: "root.yaml", text: "version: 1\nextends: [canopy:default]\n" };
    const older = await assemblePolicy(root, {}, then);
    const inputs = createRecordedInputs();
    add(inputs, entriesOf(older));
    expect((await inputs.policy(older.digest))?.rules.map(({ reference }) => reference.id)).toContain("shell-hazard-then");
    // The text of today has another digest, and does not pass for it.
    const today = await loadPolicy(root);
    add(
      inputs,
      entriesOf(older).map((each) => ({ ...each, policy_digest: today.digest })),
    );
    expect((await inputs.policy(today.digest)) === null).toBe(true);
  });

  it("is none where a part is missing, was changed, or is of another policy; and is one when the part comes after all", async () => {
    const policy = await load();
    const entries = entriesOf(policy);
    for (const index of entries.keys()) {
      const inputs = createRecordedInputs();
      add(
        inputs,
        entries.filter((_, other) => other !== index),
      );
      const missing = entries[index];
      // The bundled policy is at hand, and the digest shows whether it is the one.
      expect((await inputs.policy(policy.digest)) === null).toBe(missing?.name !== "canopy:default");
      if (missing !== undefined) add(inputs, [missing]);
      expect((await inputs.policy(policy.digest))?.digest).toBe(policy.digest);
    }
  });

  it("is found although two processes recorded it at the same time, from files of other names or other layout", async () => {
    const [one, other] = [await load(), await load({ "dir/root.yaml": `# Another layout.\n${files["dir/root.yaml"] ?? ""}` })];
    expect(one.digest).toBe(other.digest);
    const [left, right] = [entriesOf(one), entriesOf(other).map((each) => ({ ...each, name: each.name.replace("dir/", "/srv/") }))];
    const inputs = createRecordedInputs();
    add(
      inputs,
      left.flatMap((each, index) => [each, right[index] ?? each]),
    );
    add(inputs, entriesOf(other));
    expect((await inputs.policy(one.digest))?.digest).toBe(one.digest);
  });

  it("is none for a digest that is not on record", async () => {
    expect(await createRecordedInputs().policy("ab")).toBeNull();
  });

  it("is not disturbed by entries that only look like its own, nor do many of them fill the memory", async () => {
    const policy = await load();
    const inputs = createRecordedInputs();
    const strange = [
      { policy_digest: 7 },
      { parts: 0 },
      { part: 9, parts: 2 },
      { parts: 1e9, part: 1 },
      { text: null },
      { name: [] },
      { part: 1.5 },
    ];
    for (const changes of strange)
      add(
        inputs,
        entriesOf(policy).map((each) => ({ ...each, ...changes })),
      );
    for (let index = 0; index < 6000; index += 1) {
      add(inputs, [{ type: "policy.loaded", policy_digest: `other-${index}`, name: "p", part: 1, parts: 1, text: "x".repeat(10_000) }]);
    }
    expect(await inputs.policy("other-0")).toBeNull();
    add(inputs, entriesOf(policy));
    expect((await inputs.policy(policy.digest))?.digest).toBe(policy.digest);
  });
});

describe("a log that was made to have policies loaded without end", () => {
  it("has each tried so many times, and no more", async () => {
    const policy = await load();
    const inputs = createRecordedInputs();
    const nonsense = (name: string, text: string): PolicyLoadedEntry => ({
      type: "policy.loaded",
      policy_digest: policy.digest,
      name,
      part: 1,
      parts: 1,
      text,
    });
    let found = 0;
    for (let index = 0; index < 200; index += 1) {
      add(inputs, [nonsense(`p${index % 100}`, `version: 1\nrules: [{ id: r${index}, action_type: a, deny: true }]`)]);
      if ((await inputs.policy(policy.digest)) !== null) found += 1;
    }
    expect(found).toBe(0);
  });
});

describe("a list of Canopy's own files", () => {
  it("is known by its digest, and one that does not give its digest is none", () => {
    const inputs = createRecordedInputs();
    const list = ["/srv/audit.log", "/srv/policy.yaml"];
    const digest = ownFilesDigest(list) ?? "";
    add(inputs, [
      { type: "host.files", digest, files: ["/srv/audit.log"] },
      { type: "host.files", digest, files: "all" },
      { type: "host.files", digest: 7, files: list },
    ]);
    expect(inputs.ownFiles(digest)).toBeUndefined();
    add(inputs, [{ type: "host.files", digest, files: list }]);
    expect(inputs.ownFiles(digest)).toEqual(list);
    expect(inputs.ownFiles(null)).toEqual([]);
  });
});
