import { expandWords } from "./expand.ts";
import type { Shell } from "./expand.ts";
import type { Node } from "./script.ts";
import type { State } from "./state.ts";
import { conditional, field, joined, unknown } from "./text.ts";
import type { Text } from "./text.ts";
import { directoriesOf } from "./under.ts";

/** The most values of a `for` that are gone through one by one. */
const mostValues = 32;

/** A body that runs any number of times: once as things stand, and once more where that changed what it starts from. */
export function repeat(state: State, body: (round: State) => Text): Text {
  const first = state.copy();
  const output = body(first);
  const before = state.copy();
  state.merge(first);
  if (state.equals(before)) return conditional([output, output]);
  const second = state.copy();
  const again = body(second);
  state.merge(second);
  return conditional([output, again, unknown(output.sources | again.sources)]);
}

/** `for` and `select`: with each value by itself where there are few and all are known, else once for all. */
export function forEach(node: Extract<Node, { kind: "for" }>, state: State, shell: Shell, body: (round: State) => Text): Text {
  const words =
    node.words === undefined
      ? (state.positional?.map((text) => field(text)) ?? [field(unknown(), { many: true })])
      : expandWords(node.words, shell);
  const bind = (round: State, value: Text): Text => {
    round.set(node.variable, value);
    return body(round);
  };
  if (!node.select && words.length <= mostValues && words.every((word) => !word.many && !word.glob)) {
    const before = state.copy();
    const outputs = words.map((word) => bind(state, word));
    // The body may leave early.
    if (words.length > 1 || words.length === 0) state.merge(before);
    return joined(outputs);
  }
  const under = directoriesOf(words);
  const sources = joined(words).sources;
  return repeat(state, (round) => bind(round, unknown(sources, under)));
}
