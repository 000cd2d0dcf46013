import { describe, expect, it } from "vitest";
import { echoText, formatText, fromBase64, fromHex, translate } from "./constant.ts";
import { field, isKnown, unknown } from "./text.ts";

const fields = (...words: readonly string[]): ReturnType<typeof field>[] => words.map((word) => field(word));

describe("what programs are known to write", () => {
  it("joins the words of echo, and reads its options", () => {
    expect(echoText(fields("a", "b")).text).toBe("a b\n");
    expect(echoText(fields("-n", "a")).text).toBe("a");
    expect(echoText(fields("-ne", "\\x72\\155")).text).toBe("rm");
    expect(echoText(fields("a\\x72")).text).toBe("a\\x72\n");
  });

  it("keeps what is not known unknown", () => {
    expect(isKnown(echoText([field("a"), field(unknown())]))).toBe(false);
    expect(isKnown(formatText([field("%q"), field("x")]))).toBe(false);
    expect(isKnown(formatText([field("%*s"), field("5"), field("x")]))).toBe(false);
  });

  it("uses the format of printf until the arguments are used up", () => {
    expect(formatText(fields("%s-", "a", "b")).text).toBe("a-b-");
    expect(formatText(fields("\\162m %%")).text).toBe("rm %");
    expect(formatText(fields("%b", "\\0162m")).text).toBe("rm");
    expect(formatText(fields("%d", "07")).text).toBe("7");
  });

  it("decodes base64 and hexadecimal, and nothing that is neither", () => {
    expect(fromBase64("cm0gLXJmIC8=")).toBe("rm -rf /");
    expect(fromBase64("Z3LDvG4=")).toBe("grün");
    expect(fromBase64("!")).toBeUndefined();
    expect(fromBase64("/w==")).toBeUndefined();
    expect(fromHex("726d20")).toBe("rm ");
    expect(fromHex("7")).toBeUndefined();
  });

  it("translates plain sets only", () => {
    expect(translate("ez", "e-za-d", "r-za-q")).toBe("rm");
    expect(translate("a", "[:alpha:]", "b")).toBeUndefined();
    expect(translate("a", "z-a", "b")).toBeUndefined();
  });
});
