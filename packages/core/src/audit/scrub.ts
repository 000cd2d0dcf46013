const leftOut = "[left out]";

/**
 * `text` without what it quotes of `secrets`: words in backticks that stand in a secret, and a secret's own text, whole or cut short. What
 * is not in backticks and shorter than 4 characters stays, so that a one-letter secret cannot blank out an explanation.
 */
export function scrub(text: string, secrets: Iterable<string>): string {
  let said = text;
  let quoted = quotedWords(said);
  for (const secret of new Set(secrets)) {
    for (const spelling of spellings(secret)) {
      // There may be a hundred thousand of them, and few that the text has anything of.
      if (!said.includes(spelling.slice(0, 16)) && !quoted.some((words) => spelling.includes(words) || words.includes(spelling))) continue;
      said = withoutQuotes(withoutStart(said, spelling), spelling);
      quoted = quotedWords(said);
    }
  }
  return said;
}

/** As it is, and as it stands in JSON. */
function spellings(secret: string): readonly string[] {
  if (secret === "") return [];
  const escaped = JSON.stringify(secret).slice(1, -1);
  return escaped === secret ? [secret] : [secret, escaped];
}

function quotedWords(text: string): readonly string[] {
  const words = text.split("`").filter((_, index) => index % 2 === 1);
  return [...new Set(words.map(withoutEllipsis))].filter((each) => each !== "" && each !== leftOut);
}

function withoutEllipsis(words: string): string {
  return words.replace(/(?:…|\.\.\.)$/, "");
}

/** Without words in backticks that are a part of the secret, or that it is a part of. */
function withoutQuotes(text: string, secret: string): string {
  const parts = text.split("`");
  // Every second part is quoted; the last is not, even where its backtick is missing.
  for (let index = 1; index < parts.length - 1; index += 2) {
    const words = withoutEllipsis(parts[index] ?? "");
    const hides = words !== "" && words !== leftOut && (secret.includes(words) || (secret.length >= 4 && words.includes(secret)));
    if (hides) parts[index] = leftOut;
  }
  return parts.join("`");
}

/** Without the secret wherever it stands, and without any beginning of it that is 16 characters or longer. */
function withoutStart(text: string, secret: string): string {
  const head = secret.slice(0, 16);
  let at = secret.length < 4 ? -1 : text.indexOf(head);
  if (at < 0) return text;
  let result = "";
  let from = 0;
  for (; at >= 0; at = text.indexOf(head, from)) {
    let length = head.length;
    while (length < secret.length && text[at + length] === secret[length]) length += 1;
    result += text.slice(from, at) + leftOut;
    from = at + length;
  }
  return result + text.slice(from);
}
