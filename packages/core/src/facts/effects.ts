/**
 * The effects of one kind that analysis found: closed (these are all) or open (there may be more). A rule that looks for a witness may
 * trust the items of an open list; a rule that rests on there being no other must have a closed one.
 *
 * A class, so that no JSON value can pass for one.
 */
export class Effects<T> {
  readonly items: readonly T[];
  /** Why there may be more, as a clause; null when the list is closed. */
  readonly open: string | null;

  constructor(items: readonly T[], open: string | null = null) {
    this.items = Object.freeze(items);
    this.open = open;
    Object.freeze(this);
  }
}
