import { describe, expect, it } from "vitest";

import { generateSigner, signNote } from "../audit/tree/signed-note.ts";
import { signDecision, verifyDecision } from "./signature.ts";
import type { SignedDecision } from "./signature.ts";

const ann = generateSigner("ann-key");
const bob = generateSigner("bob-key");
const approvers = [
  { name: "Ann", key: ann.key },
  { name: "Bob", key: bob.key },
];
const decision: SignedDecision = { id: "APR-1", digest: "d", decision: "approve", by: "Ann", at: Date.parse("2026-03-01T12:00:00Z") };

describe("a signed decision", () => {
  it("is that of the approver who is named, by their own name or by that of their key", () => {
    expect(verifyDecision(decision, signDecision(decision, ann), approvers)?.name).toBe("Ann");
    const byKey = { ...decision, by: "ann-key" };
    expect(verifyDecision(byKey, signDecision(byKey, ann), approvers)?.name).toBe("Ann");
  });

  it("is nobody's where another approver signed it in that name", () => {
    expect(verifyDecision(decision, signDecision(decision, bob), approvers)).toBeNull();
    const stranger = { ...decision, by: "Carl" };
    expect(verifyDecision(stranger, signDecision(stranger, ann), approvers)).toBeNull();
  });

  it.each<Partial<SignedDecision>>([{ id: "APR-2" }, { digest: "e" }, { decision: "deny" }, { by: "Bob" }, { at: decision.at + 1 }])(
    "is not one about anything else: %j",
    (change) => {
      expect(verifyDecision({ ...decision, ...change }, signDecision(decision, ann), approvers)).toBeNull();
    },
  );

  it("is not one where the signature brings along more text, which the signer has signed as well", () => {
    const text = `canopy/approval-decision/v1\n${JSON.stringify({ at: "2026-03-01T12:00:00.000Z", by: "Ann", decision: "approve", digest: "d", id: "APR-1" })}\n`;
    // The same text by itself is what is signed, so that the next line tests what it says.
    expect(signNote(text, ann).slice(text.length + 1)).toBe(signDecision(decision, ann));
    const longer = signNote(`${text}\nmore\n`, ann).slice(text.length + 1);
    expect(verifyDecision(decision, longer, approvers)).toBeNull();
  });

  it("is none without a signature, or with what is none", () => {
    for (const nothing of ["", "\n", "x", "— ann-key AAAA\n"]) expect(verifyDecision(decision, nothing, approvers)).toBeNull();
  });
});
