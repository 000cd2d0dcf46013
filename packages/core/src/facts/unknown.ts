/**
 * The third truth value, with its reason.
 * - `invalid`: the question could not be asked (a field is missing, a type cannot be compared, a cap was passed, an error).
 * - `open`: analysis could not establish the answer (a word that only the shell knows, a symlink nobody looked at).
 *
 * A class, so that no JSON value can pass for one.
 */
export class Unknown {
  readonly kind: "invalid" | "open";
  /** What could not be known, as a clause: "`payload.amount` is missing". */
  readonly why: string;

  constructor(kind: "invalid" | "open", why: string) {
    this.kind = kind;
    this.why = why;
    Object.freeze(this);
  }
}

export function invalid(why: string): Unknown {
  return new Unknown("invalid", why);
}

export function open(why: string): Unknown {
  return new Unknown("open", why);
}
