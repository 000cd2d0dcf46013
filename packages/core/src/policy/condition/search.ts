import { Effects } from "../../facts/effects.ts";
import { Unknown, invalid, open } from "../../facts/unknown.ts";
import { searchedCharacters, textsOf } from "./payload-texts.ts";
import type { Matcher } from "./regex.ts";
import { asValue, isObject, kindOf, spend, worse } from "./values.ts";
import type { Run, Scope, Value } from "./values.ts";

/** What is looked for in a text: true, false, or Unknown where the text is longer than a search reads and what was read does not settle it. */
export type Search = (text: string) => boolean | Unknown;

const tooLong: Unknown = invalid(`a text is longer than the ${searchedCharacters} characters that a search reads`);

/** Finds `part`. What stands in the beginning of a long text stands in the text. */
export function containing(part: string): Search {
  return (text) => (text.length <= searchedCharacters ? text.includes(part) : text.slice(0, searchedCharacters).includes(part) || tooLong);
}

export function startingWith(part: string): Search {
  return (text) => text.startsWith(part);
}

export function endingWith(part: string): Search {
  return (text) => text.endsWith(part);
}

/** Finds a pattern. The beginning of a long text says nothing here: a pattern may speak of the end. */
export function matching(matcher: Matcher): Search {
  return (text) => (text.length <= searchedCharacters ? matcher(text) : tooLong);
}

/** What is looked for, which may itself depend on the request. */
export type MakeSearch = (scope: Scope) => Search | Unknown;

/** Searches one value, which has to be a string. `text` is its words in the condition. */
export function searchIn(on: Run, make: MakeSearch, text: string): Run {
  return (scope) => {
    const value = on(scope);
    const search = make(scope);
    if (search instanceof Unknown) return value instanceof Unknown ? worse(value, search) : search;
    if (typeof value === "string") spend(scope, value.length >>> 8);
    return searchValue(value, search, text);
  };
}

function searchValue(value: Value, search: Search, text: string): boolean | Unknown {
  if (typeof value === "string") return search(value);
  return value instanceof Unknown ? value : invalid(`${text} is ${kindOf(value)}, not a string`);
}

/**
 * Searches every string of the payload, at any depth, and on `execute_shell` the words of every command that `shell` (the fact, where there
 * is one) found in it, so that quoting does not hide a command. A match in a key, or across the strings of a list, is invalid: it can
 * neither carry an ALLOW nor keep a restrictive rule from applying.
 */
export function searchPayload(make: MakeSearch, shell: Run | null): Run {
  return (scope) => {
    const search = make(scope);
    if (search instanceof Unknown) return search;
    const texts = (scope.texts ??= textsOf(scope.payload));
    spend(scope, texts.characters >>> 8);
    let unknown: Unknown | undefined;
    for (const text of texts.strings) {
      const found = search(text);
      if (found === true) return true;
      if (found !== false) unknown = worse(unknown, found);
    }
    if (shell !== null && scope.actionType === "execute_shell") {
      const found = searchCommands(shell(scope), search);
      if (found === true) return true;
      if (found !== false) unknown = worse(unknown, found);
    }
    // A text that was left out, or sent as something else, is not known to be harmless.
    const [problem] = scope.problems;
    if (problem !== undefined) unknown = worse(unknown, invalid(problem));
    if (texts.more) unknown = worse(unknown, invalid("the payload holds more text than a search reads"));
    for (const text of texts.doubtful) {
      const found = search(text);
      if (found === true) unknown = worse(unknown, keyMatch);
      else if (found !== false) unknown = worse(unknown, found);
    }
    return unknown ?? false;
  };
}

const keyMatch: Unknown = invalid("the text is found only in a key of the payload or across the items of a list");

function searchCommands(fact: Value, search: Search): boolean | Unknown {
  if (fact instanceof Unknown) return fact;
  const commands = isObject(fact) ? asValue((fact as { readonly commands?: unknown }).commands) : null;
  const list = Array.isArray(commands) ? new Effects<unknown>(commands) : commands;
  if (!(list instanceof Effects)) return list instanceof Unknown ? list : invalid("the commands of the shell are not known");
  let unknown: Unknown | undefined = list.open === null ? undefined : open(list.open);
  for (const item of list.items) {
    const command = asValue(item);
    const text = isObject(command) ? asValue((command as { readonly text?: unknown }).text) : command;
    const found = searchValue(text, search, "the text of a command");
    if (found === true) return true;
    if (found !== false) unknown = worse(unknown, found);
  }
  return unknown ?? false;
}
