import { pathRecord } from "../path.ts";
import { bool, list, record, string } from "../schema.ts";
import type { FactField, RecordType, ValueType } from "../schema.ts";

function member(type: ValueType, description: string): FactField {
  return { kind: "field", type, description };
}

const commandRecord: RecordType = {
  name: "ShellCommand",
  description: "One program that a script starts.",
  members: {
    program: member(string, "the last name of the path that it is started by: `rm` for `/bin/rm`"),
    args: member(list(string), "its arguments, without quoting; one that only running the script would tell is open"),
    text: member(string, "the program as it was written and its arguments, without quoting, joined by spaces; open where one of them is"),
    wrapped_by: member(list(string), "the programs that start it, outermost first: `sudo`, `xargs`, `sh`, …"),
    recognized: member(bool, "the program is known, and every option that it was given"),
  },
};

const fileEffectRecord: RecordType = {
  name: "ShellFileEffect",
  description: "A file or directory that a script reads, writes or deletes.",
  members: {
    path: member(record(pathRecord), "which one; for a pattern, the pattern as a path. Open where only running the script would tell"),
    recursive: member(bool, "with all that is below it"),
    glob: member(bool, "the path is a pattern, or stands for whatever is found below a directory"),
    program: member(string, "the program that does it; `sh` for a redirect by itself"),
  },
};

const networkRecord: RecordType = {
  name: "ShellNetworkUse",
  description: "A program that talks to other machines.",
  members: {
    program: member(string, "the program; `sh` for a redirect to /dev/tcp"),
    host: member(string, "the host, lower case, where the command names it in a plain address; else open"),
  },
};

const variableRecord: RecordType = {
  name: "ShellVariable",
  description: "A variable that a script sets.",
  members: { name: member(string, "its name") },
};

function findingRecord(name: string, description: string, kinds: string): RecordType {
  return {
    name,
    description,
    members: { kind: member(string, kinds), program: member(string, "the program that does it") },
  };
}

const findings = (name: string, what: string, kinds: string): FactField =>
  member(list(record(findingRecord(name, `${what}.`, kinds))), what);

/** What `shell(…)` offers to conditions. */
export const shellRecord: RecordType = {
  name: "Shell",
  description:
    "What a command line would do, as far as it can be told without running it. A list is closed when all of it was found, else open.",
  members: {
    complete: member(bool, "every list is closed: nothing in the command is dynamic, opaque, unknown, broken or too large"),
    programs: member(list(string), "the names of all programs that run: wrappers, builtins, and what they wrap"),
    commands: member(list(record(commandRecord)), "each program with its arguments"),
    deletes: member(list(record(fileEffectRecord)), "files and directories that are removed, or moved away"),
    writes: member(
      list(record(fileEffectRecord)),
      "files and directories that are created or changed, also by redirects and in their permissions",
    ),
    reads: member(list(record(fileEffectRecord)), "files and directories that are read or listed"),
    network: member(list(record(networkRecord)), "programs and redirects that talk to other machines"),
    installs: findings("ShellInstall", "software that is installed", "`package` or `system_package`"),
    privileges: findings(
      "ShellPrivilege",
      "rights that are taken or given",
      "`root`, `account`, `accounts`, `setuid`, `capabilities`, `ownership`, `kernel`, `mount`, `firewall`, `power`, `containers`, `canopy`, …",
    ),
    code: findings(
      "ShellCode",
      "code that runs and is not analysed",
      "`dynamic` (text that is not known before it runs), `evaluation` (data that the shell evaluates), `interpreter`, `build`, `hooks`, `program` (started by path or named by an option), `script`, `interactive`, `remote`, `container`, …",
    ),
    changes: findings(
      "ShellChange",
      "state that is changed other than in files that are named",
      "`repository`, `processes`, `services`, `schedule`, `infrastructure`, `files`, …",
    ),
    secrets: findings("ShellSecret", "secrets that are read", "`file`, `environment`, `history`, `keys`, `credentials`, `clipboard`, …"),
    hazards: findings(
      "ShellHazard",
      "what is never part of honest work",
      "`disk`, `fork_bomb`, `kill_all`, `download_and_run`, `decode_and_run`, `reverse_shell`",
    ),
    environment: member(
      list(record(variableRecord)),
      "variables that are set or unset and decide what programs run or what those do: PATH, LD_PRELOAD, GIT_*, …",
    ),
    background: findings("ShellJob", "processes that are left running", "`background`"),
    unrecognized: member(list(string), "programs that are not known, or were given options that are not"),
    suspicious_text: member(
      list(string),
      "what makes the text read otherwise than it runs: `nul`, `control`, `bidi`, `invisible`, `private_use`, `lone_surrogate`, `unusual_blank`, `confusable_name`",
    ),
  },
};
