import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseCheckpoint, signCheckpoint, signersOf } from "./checkpoint.ts";
import {
  decodeKey,
  decodeSigner,
  encodeKey,
  encodeSigner,
  generateSigner,
  isKeyName,
  parseNote,
  signNote,
  verifyNote,
} from "./signed-note.ts";

const signer = generateSigner("example.com/canopy");
const stranger = generateSigner("example.com/stranger");
const head = { origin: "canopy-audit/abc", size: 7, root: Buffer.alloc(32, 9) };

describe("a signed note", () => {
  // The example in the documentation of Go's `golang.org/x/mod/sumdb/note`.
  const peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const peterNote = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

  it("of Go's checksum database verifies, and its key is read and written as there", () => {
    const key = decodeKey(peterKey);
    const note = parseNote(peterNote);
    expect(key === null ? null : encodeKey(key)).toBe(peterKey);
    expect(note !== null && key !== null ? verifyNote(note, [key]) : null).toEqual([key]);
    const changed = parseNote(peterNote.replace("answer", "Answer"));
    expect(changed !== null && key !== null ? verifyNote(changed, [key]) : null).toEqual([]);
  });

  it("is signed and verified; a stranger's signature is passed over, a false one in a known name is not", () => {
    const text = "one\n\ntwo\n";
    const note = signNote(text, signer);
    const both = note + signNote(text, stranger).slice(text.length + 1);
    expect(parseNote(both)?.text).toBe(text);
    expect(verifyNote(parseNote(both) ?? { text: "", signatures: [] }, [signer.key])).toEqual([signer.key]);
    expect(verifyNote(parseNote(both) ?? { text: "", signatures: [] }, [signer.key, stranger.key])).toEqual([signer.key, stranger.key]);
    expect(verifyNote(parseNote(note) ?? { text: "", signatures: [] }, [stranger.key])).toEqual([]);
    // The right signature, and beside it one of the same key over another text.
    const forged = note + signNote("other\n", signer).slice("other\n".length + 1);
    expect(verifyNote(parseNote(forged) ?? { text: "", signatures: [] }, [signer.key])).toEqual([]);
    // Another key that took the name.
    const impostor = generateSigner(signer.key.name);
    expect(verifyNote(parseNote(signNote(text, impostor)) ?? { text: "", signatures: [] }, [signer.key])).toEqual([]);
  });

  it.each([
    ["nothing", ""],
    ["no signature", "text\n\n"],
    ["no text", "— a AAAAAAA=\n"],
    ["no last newline", signNote("text\n", signer).slice(0, -1)],
    ["a hyphen for the dash", signNote("text\n", signer).replace("—", "-")],
    ["two spaces", signNote("text\n", signer).replace("— ", "—  ")],
    ["a control character", signNote("te\u0000xt\n", signer)],
    ["a tab", signNote("te\txt\n", signer)],
    ["a carriage return", signNote("text\r\n", signer)],
    ["a lone surrogate", signNote("text\ud800\n", signer)],
    ["a signature that is too short", "text\n\n— a AAAA\n"],
    ["base64 without padding", "text\n\n— a AAAAAAA\n"],
    ["base64 with bits left over", "text\n\n— a AAAAAAB=\n"],
    ["a plus in the name", "text\n\n— a+b AAAAAAA=\n"],
    ["more signatures than anybody reads", `text\n\n${"— a AAAAAAA=\n".repeat(101)}`],
    ["more than a megabyte", `${"x".repeat(1024 * 1024)}\n\n— a AAAAAAA=\n`],
  ])("is not %s", (_what, text) => {
    expect(parseNote(text)).toBeNull();
  });

  it("may have sixteen signatures and more", () => {
    expect(parseNote(`text\n\n${"— a AAAAAAA=\n".repeat(100)}`)?.signatures).toHaveLength(100);
  });
});

describe("a key", () => {
  it("comes back from its text, with a newline around it too", () => {
    const publicKey = decodeKey(`${encodeKey(signer.key)}\n`);
    expect(publicKey).toEqual(signer.key);
    const again = decodeSigner(`${encodeSigner(signer)}\n`);
    expect(again === null ? null : verifyNote(parseNote(signNote("x\n", again)) ?? { text: "", signatures: [] }, [signer.key])).toEqual([
      signer.key,
    ]);
  });

  it("is refused where one character of it is another", () => {
    for (const text of [encodeKey(signer.key), encodeSigner(signer)]) {
      for (let at = 0; at < text.length; at += 1) {
        const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
        expect([changed, text.startsWith("PRIVATE") ? decodeSigner(changed) : decodeKey(changed)]).toEqual([changed, null]);
      }
    }
  });

  it("has a name that fits in a signature line", () => {
    for (const name of ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "x".repeat(256), "a\ud800"]) {
      expect(isKeyName(name)).toBe(false);
      expect(() => generateSigner(name)).toThrow(RangeError);
    }
    expect(isKeyName("example.com/ü")).toBe(true);
  });
});

describe("a checkpoint", () => {
  it("says who vouches for which tree", () => {
    const checkpoint = parseCheckpoint(signCheckpoint(head, signer));
    expect(checkpoint).toMatchObject(head);
    expect(checkpoint === null ? null : signersOf(checkpoint, [stranger.key, signer.key])).toEqual([signer.key]);
    expect(signCheckpoint(head, signer)).toMatch(
      /^canopy-audit\/abc\n7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n\n— example\.com\/canopy [A-Za-z0-9+/]+=*\n$/,
    );
  });

  it("is the specification's example", () => {
    const text = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
    expect(parseCheckpoint(text)).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20_852_163 });
  });

  it.each([
    ["\n7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n"],
    ["o\n07\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n"],
    ["o\n-7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n"],
    ["o\n7.5\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n"],
    ["o\n9999999999999999\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n"],
    ["o\n7\nCQk=\n"],
    ["o\n7\n"],
    ["o\n7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n\nextension\n"],
  ])("is not %j", (text) => {
    expect(parseCheckpoint(signNote(text, signer))).toBeNull();
  });

  it("of which any bit is another vouches for nothing, or is none", () => {
    const bytes = Buffer.from(signCheckpoint(head, signer));
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const checkpoint = parseCheckpoint(changed.toString());
      expect(checkpoint === null ? [] : signersOf(checkpoint, [signer.key])).toEqual([]);
    }
  });

  it("and keys and notes are read from any text without a throw", () => {
    const pieces = fc.constantFrom(
      "— ",
      "\n",
      "\n\n",
      "a",
      "+",
      "7",
      "AAAA",
      "PRIVATE+KEY+",
      encodeKey(signer.key),
      signCheckpoint(head, signer),
      "\ud800",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(pieces).map((parts) => parts.join("")),
        ),
        (text) => {
          const checkpoint = parseCheckpoint(text);
          if (checkpoint !== null) signersOf(checkpoint, [signer.key]);
          decodeKey(text);
          decodeSigner(text);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
