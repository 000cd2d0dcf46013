/**
 * A shell script as the analysis sees it: our own form, so that the parser behind it can be replaced. It keeps what decides meaning (quoting,
 * expansions, order) and drops what does not (positions, spelling).
 */
export interface Script {
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly node: Node;
  /** Ended by `&`. */
  readonly background: boolean;
}

export type Node =
  | SimpleCommand
  | { readonly kind: "pipeline"; readonly commands: readonly Node[] }
  | { readonly kind: "and-or"; readonly first: Node; readonly rest: readonly { readonly operator: "&&" | "||"; readonly node: Node }[] }
  | { readonly kind: "redirected"; readonly node: Node; readonly redirects: readonly Redirect[] }
  | { readonly kind: "subshell" | "group" | "coproc"; readonly body: Script }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly clause: Script; readonly body: Script }[];
      readonly otherwise: Script | undefined;
    }
  | { readonly kind: "while"; readonly until: boolean; readonly clause: Script; readonly body: Script }
  /** `for` and `select`; without `words` over the positional parameters. */
  | {
      readonly kind: "for";
      readonly variable: string;
      readonly words: readonly Word[] | undefined;
      readonly select: boolean;
      readonly body: Script;
    }
  | { readonly kind: "arithmetic-for"; readonly expressions: readonly Arithmetic[]; readonly endless: boolean; readonly body: Script }
  | { readonly kind: "case"; readonly word: Word; readonly items: readonly { readonly patterns: readonly Word[]; readonly body: Script }[] }
  | { readonly kind: "function"; readonly name: string; readonly body: Node }
  /** `[[ … ]]`: its words are expanded, never split; `evaluated` are those that the shell reads as arithmetic or as a variable's name. */
  | { readonly kind: "test"; readonly words: readonly Word[]; readonly evaluated: readonly Word[] }
  | { readonly kind: "arithmetic"; readonly expression: Arithmetic };

export interface SimpleCommand {
  readonly kind: "simple";
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  readonly redirects: readonly Redirect[];
}

export interface Assignment {
  readonly name: string;
  /** An array value is a list of words. */
  readonly value: Word | readonly Word[];
  readonly append: boolean;
  /** The subscript, which the shell evaluates as arithmetic. */
  readonly index: Word | undefined;
  /** What it evaluates of the subscripts of the elements of an array. */
  readonly subscripts: readonly Word[];
}

export type Redirect =
  | {
      readonly kind: "file";
      readonly operator: ">" | ">>" | "<" | "<>" | ">|" | "&>" | "&>>" | ">&" | "<&";
      readonly descriptor: number | null;
      readonly target: Word;
    }
  /** A here-document or here-string: text given on standard input, or on the descriptor that is named. */
  | { readonly kind: "text"; readonly descriptor: number | null; readonly text: Word };

export interface Word {
  readonly parts: readonly Part[];
}

export type Part =
  | { readonly kind: "text"; readonly value: string; readonly quoted: boolean }
  /** An active `*`, `?`, `[…]` or extended pattern, without quotes; `exact` where that is its text, else it matches at least as much. */
  | { readonly kind: "glob"; readonly text: string; readonly exact: boolean; readonly scripts: readonly Script[] }
  /** `~` or `~user` at the start. */
  | { readonly kind: "tilde"; readonly user: string }
  | Parameter
  | { readonly kind: "substitution"; readonly script: Script; readonly quoted: boolean }
  | { readonly kind: "process"; readonly script: Script; readonly input: boolean }
  | { readonly kind: "arithmetic"; readonly expression: Arithmetic; readonly quoted: boolean }
  /** Something whose text only the shell knows: too many braces, a broken expansion. What it contains is run all the same. */
  | { readonly kind: "opaque"; readonly why: string; readonly scripts: readonly Script[] };

export interface Parameter {
  readonly kind: "parameter";
  readonly name: string;
  readonly quoted: boolean;
  /** `plain` is `$x` or `${x}`; `default` has its operand as the only word; `evaluates` runs data as code (`${x@P}`, `${!x}`). */
  readonly form: "plain" | "default" | "required" | "other" | "evaluates";
  readonly words: readonly Word[];
  /** It stands for each of several values, also in quotes: `${a[@]}`, `${@:2}`, `${!a@}`. */
  readonly list: boolean;
  /** `${x:-word}`, unlike `${x-word}`: an empty value counts as none. */
  readonly colon: boolean;
  /** `${x:=word}`: it may set the variable. */
  readonly assigns: boolean;
  /** A subscript, an offset, a length: evaluated as arithmetic. */
  readonly evaluated: readonly Word[];
}

export interface Arithmetic {
  /** Variables whose values are evaluated as expressions in turn. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly scripts: readonly Script[];
  /** It names a variable in a way that only running it tells (`$(($x))`, a subscript). */
  readonly dynamic: boolean;
}

/** What became of a text. */
export interface Parsed {
  readonly script: Script;
  /** Why there may be more in it than `script` holds, as a clause; null when all of it was understood. */
  readonly problem: string | null;
}
