/** Whether `pattern` matches `name` whole; `*` stands for any characters, also none, and every other character for itself. Linear in time. */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  const [first = ""] = parts;
  if (parts.length === 1) return pattern === name;
  const last = parts.at(-1) ?? "";
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  // The first place where a part fits is as good as any later one, so there is nothing to try again.
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= name.length - last.length;
}

export function isGlob(pattern: string): boolean {
  return pattern.includes("*");
}
