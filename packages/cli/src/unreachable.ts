/** Ends a switch over a union: a kind that is not handled fails to compile, and one that slips past the types throws. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
