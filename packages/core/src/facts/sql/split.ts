import { words } from "../words.ts";
import type { Lexis } from "./dialect.ts";
import type { Token } from "./tokens.ts";
import { bodies, mains } from "./verbs.ts";

/** Statement heads that may stand without a semicolon before them in T-SQL, where all of them are reserved words. */
const runOnHeads: ReadonlySet<string> = words(`
  SELECT INSERT UPDATE DELETE MERGE DROP TRUNCATE ALTER CREATE EXEC EXECUTE GRANT REVOKE DENY BACKUP RESTORE SHUTDOWN KILL DBCC RECONFIGURE
  BULK USE WAITFOR DECLARE SET PRINT IF WHILE BEGIN RETURN GOTO RAISERROR OPEN CLOSE DEALLOCATE CHECKPOINT COMMIT ROLLBACK SAVE GO
`);

/** The statements of a text: at semicolons, and in T-SQL at every word that can only begin one. */
export function splitStatements(tokens: readonly Token[], lexis: Lexis): Token[][] {
  const found: Token[][] = [];
  let current: Token[] = [];
  let level = 0;
  let hasMain = false;
  const close = (): void => {
    if (current.length > 0) found.push(current);
    current = [];
    level = 0;
    hasMain = false;
  };
  for (const token of tokens) {
    if (token.kind === "symbol") {
      if (token.text === ";") {
        close();
        continue;
      }
      level += token.text === "(" ? 1 : token.text === ")" ? -1 : 0;
    }
    if (lexis.runsOn && level <= 0 && token.kind === "word") {
      if (runOnHeads.has(token.text) && beginsAnother(current, token.text, hasMain)) close();
      if (mains.has(token.text)) hasMain = true;
    }
    current.push(token);
  }
  close();
  return found;
}

/** Whether `word`, outside all brackets, begins a statement behind `current`. In doubt it does: then more is seen, not less. */
function beginsAnother(current: readonly Token[], word: string, hasMain: boolean): boolean {
  const last = current.at(-1);
  if (last === undefined) return false;
  const first = wordAt(current, 0);
  const before = last.kind === "symbol" || last.kind === "word" ? last.text : "";
  // What follows is the body of what is created, to the end of the batch.
  if (
    (first === "CREATE" || first === "ALTER") &&
    current.slice(1, 5).some((token) => token.kind === "word" && (bodies.has(token.text) || token.text === "VIEW"))
  ) {
    return false;
  }
  if (first === "ALTER" && (word === "DROP" || word === "SET")) return false;
  if (first === "WITH" && mains.has(word) && !hasMain) return false;
  if (/^(?:GRANT|REVOKE|DENY)$/.test(first) && (before === first || before === "," || before === "FOR")) return false;
  if (/^(?:UNION|ALL|EXCEPT|INTERSECT|AS|FOR|THEN|ON|OF|AFTER|\.|,|OR|DISTINCT)$/.test(before)) return false;
  if (first === "INSERT" && /^(?:SELECT|EXEC|EXECUTE)$/.test(word))
    return current.some((token) => token.kind === "word" && /^(?:SELECT|VALUES)$/.test(token.text));
  if (word === "SET") return !/^(?:UPDATE|MERGE|SET)$/.test(first);
  return true;
}

function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  return token?.kind === "word" ? token.text : "";
}
