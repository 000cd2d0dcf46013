import { describe, expect, it } from "vitest";
import { grammarOf } from "../grammar.ts";
import { archiveCommands } from "./archives.ts";
import { buildCommands } from "./build.ts";
import { builtinCommands } from "./builtins.ts";
import { fileCommands } from "./files.ts";
import { gitCommands } from "./git.ts";
import { lookUp } from "./index.ts";
import { infoCommands } from "./info.ts";
import { interpreterCommands } from "./interpreters.ts";
import { networkCommands } from "./network.ts";
import { searchCommands } from "./search.ts";
import { systemCommands } from "./system.ts";
import { textCommands } from "./text.ts";
import { variableCommands } from "./variables.ts";
import { wrapperCommands } from "./wrappers.ts";

const tables = {
  archiveCommands,
  buildCommands,
  builtinCommands,
  fileCommands,
  gitCommands,
  infoCommands,
  interpreterCommands,
  networkCommands,
  searchCommands,
  systemCommands,
  textCommands,
  variableCommands,
  wrapperCommands,
};

const entries = Object.entries(tables).flatMap(([table, commands]) =>
  Object.entries(commands).flatMap(([names, spec]) => names.split(" ").map((name) => ({ table, name, spec }))),
);

describe("the tables of programs", () => {
  it("name each program once", () => {
    const names = entries.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("spell every option once, and say of it only what the analysis knows", () => {
    const effects = /^(?:network|unrecognized|(?:code|install|privilege|change|secret|hazard):[a-z_]+)$/;
    for (const { spec } of entries) {
      const { exact } = grammarOf(spec);
      for (const [name, option] of exact) {
        expect(name).toMatch(/^-{1,2}[A-Za-z0-9@#.:][\w.-]*$/);
        for (const effect of option.effects) expect(effect).toMatch(effects);
      }
      for (const effect of spec.effects ?? []) expect(effect).toMatch(effects);
    }
  });

  it("know a program by its version or variant too, and nothing by a property of objects", () => {
    expect(lookUp("python3.12")).toBe(lookUp("python"));
    expect(lookUp("mkfs.ext4")).toBe(lookUp("mkfs"));
    expect(lookUp("ld-linux-x86-64.so.2")).toBe(lookUp("ld.so"));
    for (const name of ["constructor", "__proto__", "toString", ""]) expect(lookUp(name)).toBeUndefined();
  });
});
