import type { MapNode, Node } from "./document.ts";
import type { Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import { standardActions } from "./actions.ts";
import { nearest } from "./nearest.ts";
import { keysOf, listItems, textOf, unknownKey } from "./reading.ts";

/** How the arguments of a tool call become the payload of one action. A tool that does several things has several. */
export interface ActionBinding {
  readonly actionType: string;
  /**
   * Field of the payload → where it comes from: `args.cmd`, `args.options.path`, or `args` for all arguments; `args.dir?` where a call may do
   * without.
   */
  readonly payload: Readonly<Record<string, string>>;
  /** Arguments, as `args.name`, that do not matter here. One that is neither mapped nor ignored is not understood. */
  readonly ignore: readonly string[];
}

/** The keys below the arguments that `path` leads through: none for `args`, two for `args.file.path`; undefined where it is no path into them. */
export function argumentKeys(path: string): readonly string[] | undefined {
  const [root, ...keys] = (isOptional(path) ? path.slice(0, -1) : path).split(".");
  if (keys.length === 0 && isOptional(path)) return undefined;
  return root === "args" && keys.every((key) => key !== "" && !/[[\]\s]/.test(key)) ? keys : undefined;
}

/** Whether a call may be without what `path` leads to: `args.dir?`. */
export function isOptional(path: string): boolean {
  return path.endsWith("?");
}

/** The `actions` of a policy: tool name → its bindings. */
export function readBindings(node: Node, report: Report): ReadonlyMap<string, readonly ActionBinding[]> {
  const bindings = new Map<string, readonly ActionBinding[]>();
  if (node.kind !== "map") {
    report(node.at, "`actions` maps the names of tools to what they do");
    return bindings;
  }
  for (const { key, value } of node.entries) {
    const parts = value.kind === "list" ? value.items : [value];
    if (parts.length === 0) report(value.at, `the bindings of ${quoted(key)} are empty`);
    bindings.set(
      key,
      parts.flatMap((part) => readBinding(part, report)),
    );
  }
  return bindings;
}

const bindingKeys: readonly string[] = ["action_type", "payload", "ignore"];

function readBinding(node: Node, report: Report): readonly ActionBinding[] {
  if (node.kind !== "map") {
    report(node.at, "a binding has `action_type` and `payload`");
    return [];
  }
  for (const entry of node.entries) if (!bindingKeys.includes(entry.key)) unknownKey(entry, "in a binding", bindingKeys, report);
  const { action_type: type, payload, ignore } = keysOf(node);
  const actionType = type === undefined ? undefined : textOf(type, "the action type", report);
  if (type === undefined) report(node.at, "a binding has an `action_type`");
  if (payload?.kind !== "map") {
    report(payload?.at ?? node.at, "a binding has a `payload` that maps fields to arguments, as in `command: args.cmd`");
    return [];
  }
  if (actionType === undefined) return [];
  const fields = readFields(payload, actionType, report);
  const ignored = ignore === undefined ? [] : listItems(ignore, "`ignore`", report).flatMap((item) => argumentPath(item, report) ?? []);
  return [{ actionType, payload: fields, ignore: ignored }];
}

function readFields(payload: MapNode, actionType: string, report: Report): Readonly<Record<string, string>> {
  const schema = Object.hasOwn(standardActions, actionType) ? standardActions[actionType] : undefined;
  const fields: Record<string, string> = {};
  for (const { key, at, value } of payload.entries) {
    if (schema !== undefined && !Object.hasOwn(schema, key)) {
      report(at, `${quoted(key)} is no field of \`${actionType}\``, nearest(key, Object.keys(schema)));
    }
    const path = argumentPath(value, report);
    if (path !== undefined) Object.defineProperty(fields, key, { value: path, enumerable: true });
  }
  for (const [name, field] of Object.entries(schema ?? {})) {
    if (field.required && !Object.hasOwn(fields, name)) report(payload.at, `the payload of \`${actionType}\` needs \`${name}\``);
  }
  return Object.freeze(fields);
}

function argumentPath(node: Node, report: Report): string | undefined {
  const text = textOf(node, "an argument", report);
  if (text === undefined || argumentKeys(text) !== undefined) return text;
  report(node.at, `${quoted(text)} is no argument; arguments are written \`args.name\``);
  return undefined;
}
