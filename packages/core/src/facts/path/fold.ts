const plain = /^[\w@+=,~-]+(?:\.[\w@+=,~-]+)*$/;
const plainDotted = /^\.?[\w@+=,~-]+(?:\.[\w@+=,~-]+)*$/;

/**
 * A file name as the most lenient file system would compare it: case, Unicode spelling, characters that show nothing, trailing dots and
 * spaces, and an NTFS stream behind a colon make no difference. For recognising protected names, never for opening a file.
 */
export function foldName(name: string): string {
  if (plain.test(name) || plainDotted.test(name)) return name.toLowerCase();
  const unicode = name.normalize("NFKC").replaceAll(/\p{Default_Ignorable_Code_Point}|\p{Cc}/gu, "");
  // Up and down again: some letters, such as the dotless i, meet others only in capitals.
  const bare = unicode
    .toUpperCase()
    .toLowerCase()
    .normalize("NFKC")
    .replace(/:.*$/s, "")
    .replace(/[. ]+$/, "");
  return bare === "" ? name.toLowerCase() : bare;
}

/** The 8.3 name that FAT and NTFS make up for a long one, without the number: `.gitconfig` → `gitcon`, with extension `env.loc`. */
export function shortStem(name: string): string {
  const dot = name.lastIndexOf(".");
  const stem = (dot > 0 ? name.slice(0, dot) : name).replaceAll(/[. ]/g, "").slice(0, 6);
  const extension = dot > 0 ? name.slice(dot + 1, dot + 4) : "";
  return extension === "" ? stem : `${stem}.${extension}`;
}

/** The stem of an 8.3 name (`git~1` → `git`, `env~1.loc` → `env.loc`), or null where `folded` is none. */
export function shortName(folded: string): string | null {
  const parts = /^([^~]{1,6})~\d{1,6}(?:\.([^.]{0,3}))?$/.exec(folded);
  if (parts === null) return null;
  const [, stem = "", extension = ""] = parts;
  return extension === "" ? stem : `${stem}.${extension}`;
}

/** Whether some name matches both globs (`*`, `?`, `[…]`); a plain name is a glob that matches itself. Where it would cost much, yes. */
export function globsMeet(left: string, right: string): boolean {
  const a = tokens(left);
  const b = tokens(right);
  if (a.length * b.length > 4096) return true;
  // meets[j]: whether what is left of `a` from i and of `b` from j can be the same text; filled from the ends.
  let after: boolean[] = [];
  for (let i = a.length; i >= 0; i -= 1) {
    const row: boolean[] = [];
    for (let j = b.length; j >= 0; j -= 1) {
      const x = a[i];
      const y = b[j];
      if (x === undefined && y === undefined) row[j] = true;
      else if (x === "*") row[j] = after[j] === true || (y !== undefined && row[j + 1] === true);
      else if (y === "*") row[j] = row[j + 1] === true || (x !== undefined && after[j] === true);
      else row[j] = x !== undefined && y !== undefined && after[j + 1] === true && overlap(x, y);
    }
    after = row;
  }
  return after[0] === true;
}

function tokens(glob: string): string[] {
  return glob.match(/\[[!^]?\]?[^\]]*\]|[^]/g) ?? [];
}

function overlap(left: string, right: string): boolean {
  if (left === "?" || right === "?") return true;
  if (left.length === 1) return right.length === 1 ? left === right : classHolds(right, left);
  return right.length === 1 ? classHolds(left, right) : true;
}

function classHolds(token: string, character: string): boolean {
  const inside = token.slice(1, -1);
  if (inside.includes("[:") || inside.includes("\\")) return true;
  const negated = inside.startsWith("!") || inside.startsWith("^");
  const set = negated ? inside.slice(1) : inside;
  for (let index = 0; index < set.length; index += 1) {
    const from = set[index] ?? "";
    const to = set[index + 1] === "-" ? set[index + 2] : undefined;
    if (to === undefined ? character === from : from <= character && character <= to) return !negated;
    if (to !== undefined) index += 2;
  }
  return negated;
}
