/** The words of a text that space separates: tables of names stay readable as lines. */
export function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ""));
}
