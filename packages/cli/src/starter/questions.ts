import { createInterface } from "node:readline/promises";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { defaultChoices, freedoms, readDirectory, readFreedom, readHost } from "./choices.ts";
import type { Choices, Freedom } from "./choices.ts";

/**
 * Asks a person for what was not said on the command line, each question again until its answer can be read. Enter takes what stands in brackets. Throws
 * a `UsageError` where the answers end too soon.
 */
export async function askChoices(said: Partial<Choices>, terminal: Pick<Terminal, "stdin" | "stdout">): Promise<Choices> {
  const lines = createInterface({ input: terminal.stdin, terminal: false });
  const answers = lines[Symbol.asyncIterator]();

  async function ask<T>(question: string, read: (answer: string) => T): Promise<T> {
    for (;;) {
      terminal.stdout.write(`${question} `);
      const answer = await answers.next();
      if (answer.done === true) throw new UsageError("the answers ended too soon, and nothing was written");
      try {
        return read(answer.value.trim());
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        terminal.stdout.write(`  ${error.message}\n`);
      }
    }
  }

  const freedom = async (area: string, careful: string): Promise<Freedom> =>
    await ask(`${area}: careful (${careful}), ask (a person, about all of it) or deny? [careful]`, (answer) =>
      readFreedom("the answer", answer === "" ? "careful" : answer, freedoms),
    );
  const list = async (question: string, read: (option: string, text: string) => string): Promise<readonly string[]> =>
    await ask(`${question}, separated by commas? [none]`, (answer) =>
      answer
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== "")
        .map((each) => read("the answer", each)),
    );

  try {
    terminal.stdout.write("What may your agent do?\n");
    const shell = said.shell ?? (await freedom("Shell commands", "it looks freely, asks before it changes something, cannot destroy"));
    const files = said.files ?? (await freedom("Files", "it asks, save in the directories that you name; secrets are kept from it"));
    const paths =
      said.paths ?? (files === "careful" ? await list("Directories that it may read and write without asking", readDirectory) : []);
    const apis = said.apis ?? (await freedom("APIs", "it asks, save to read from the hosts that you name; internal addresses are denied"));
    const hosts = said.hosts ?? (apis === "careful" ? await list("Hosts that it may read from without asking", readHost) : []);
    const sql = said.sql ?? (await freedom("SQL", "it reads freely, asks before it writes, cannot take away"));
    const payments =
      said.payments ??
      (await ask("Payments: ask (a person) or deny? [ask]", (answer) =>
        readFreedom("the answer", answer === "" ? "ask" : answer, ["ask", "deny"]),
      ));
    const production = said.production ?? (await ask("Does it run in production too? [no]", readYes));
    return { ...defaultChoices, shell, files, paths, apis, hosts, sql, payments, production };
  } finally {
    lines.close();
  }
}

function readYes(answer: string): boolean {
  const word = answer.toLowerCase();
  if (["y", "yes"].includes(word)) return true;
  if (["", "n", "no"].includes(word)) return false;
  throw new UsageError("the answer is yes or no");
}
