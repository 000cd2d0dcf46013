const leftOut = "[left out]";

/**
 * `text` without what it quotes of `secrets`: words in backticks that stand in a secret, and a secret's own text, whole or cut short. What
 * is not in backticks and shorter than 4 characters stays, so that a one-letter secret cannot blank out an explanation.
 */
export function scrub(text: string, secrets: readonly string[]): string {
  let said = text;
  for (const secret of new Set(secrets)) {
    if (secret.length === 0) continue;
    const escaped = JSON.stringify(secret).slice(1, -1);
    for (const spelling of escaped === secret ? [secret] : [secret, escaped]) {
      said = withoutQuotes(withoutStart(said, spelling), spelling);
    }
  }
  return said;
}

/** Words in backticks that are a part of the secret, or that it is a part of. */
function withoutQuotes(text: string, secret: string): string {
  return text.replaceAll(/`([^`]+)`/g, (whole, quoted: string) => {
    const words = quoted.replace(/(?:…|\.\.\.)$/, "");
    const hides = words.length > 0 && words !== leftOut && (secret.includes(words) || (secret.length >= 4 && words.includes(secret)));
    return hides ? `\`${leftOut}\`` : whole;
  });
}

/** The secret wherever it stands, and any beginning of it that is 16 characters or longer. */
function withoutStart(text: string, secret: string): string {
  if (secret.length < 4) return text;
  const head = secret.slice(0, 16);
  let result = "";
  let from = 0;
  for (let at = text.indexOf(head); at >= 0; at = text.indexOf(head, from)) {
    let length = head.length;
    while (length < secret.length && text[at + length] === secret[length]) length += 1;
    result += text.slice(from, at) + leftOut;
    from = at + length;
  }
  return result + text.slice(from);
}
