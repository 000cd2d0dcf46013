/**
 * The unquoted tilde prefix of a word (POSIX 2.6.1): `~`, `~user` up to the first slash, or after `name=` as bash has it, save in a word that
 * comes from braces. `text` is the source up to the first quote or expansion, `whole` says that nothing follows that. `before` is all the
 * text up to the end of the prefix.
 */
export function leadingTilde(
  text: string,
  whole: boolean,
  fromBraces: boolean,
): { readonly before: string; readonly name: string } | undefined {
  const match = (fromBraces ? /^~([A-Za-z0-9_.+-]*)/ : /^(?:[A-Za-z_]\w*=)?~([A-Za-z0-9_.+-]*)/).exec(text);
  if (match === null) return undefined;
  const [before, name = ""] = match;
  const follows = text[before.length];
  const ends = follows === undefined ? whole : follows === "/" || follows === ":";
  return ends ? { before, name } : undefined;
}
