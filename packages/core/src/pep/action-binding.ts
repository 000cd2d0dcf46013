/** How one action is read out of a tool call's arguments. */
export interface ActionBinding {
  readonly actionType: string;
  /** Where each field of the payload comes from: `args` for the arguments as a whole, `args.a.b` for a member of them. */
  readonly payload: Readonly<Record<string, string>>;
  /** Paths of arguments that do not matter to any decision. */
  readonly ignore: readonly string[];
}
