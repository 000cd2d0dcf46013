import { describe, expect, it } from "vitest";
import { judge } from "./judge.test.support.ts";

/** What only looks, and what stands closest to it and does more. */
const pairs: Readonly<Record<string, { readonly looks: readonly string[]; readonly more: readonly string[] }>> = {
  "splitting a line": {
    looks: [
      'while IFS= read -r line; do echo "$line"; done < data.csv',
      'cat data.csv | while IFS=, read -r a b; do echo "$a"; done',
      "find src -name '*.ts' -print0 | while IFS= read -r -d '' f; do grep -c x \"$f\"; done",
    ],
    more: ["IFS=, ls", "IFS=/; ls", "IFS=: read -r a b; IFS=/; ls", "IFS=/; IFS=: read -r a", "read() { ls; }; IFS=/ read x"],
  },
  "jq and the environment": {
    looks: ["jq .env data.json", "jq '.jobs.build.env | keys' ci.json", "jq .compilerOptions.include tsconfig.json"],
    more: [
      "jq -n env",
      "jq -n '$ENV.X'",
      "jq -n '$ ENV.X'",
      "jq -n '{a: env.X}'",
      "jq -n '\"\\(env)\"'",
      "jq -n '. as $x|env'",
      "jq -n '$__prog_args'",
    ],
  },
  "yq, picking": {
    looks: [
      "yq .spec k8s.yaml",
      "yq -r '.jobs | keys' ci.yaml",
      "yq '.a[0].env | select(.kind == \"x\")' a.yaml",
      "yq eval '.a.b' a.yaml",
      "yq e .a < a.yaml",
    ],
    more: [
      "yq 'env(X)' a.yaml",
      "yq '.a = strenv(X)' a.yaml",
      "yq 'load(\".env\")' a.yaml",
      "yq -n '\"${X}\" | envsubst'",
      "yq .a .env",
      "yq -i '.a = 1' a.yaml",
      "yq '$ENV' a.yaml",
      'yq "$X" a.yaml',
    ],
  },
  "jq and its files": {
    looks: ["jq . data.json --args a b", "jq -n '$ARGS' --args a"],
    more: ["jq -R . .env --args a", "jq -R . .env --jsonargs 1"],
  },
  "git, listing": {
    looks: [
      "git branch --merged main",
      "git branch -r --contains abc",
      "git tag --points-at HEAD",
      "git shortlog -sn",
      "git shortlog -sne HEAD",
    ],
    more: ["git branch main2", "git branch --merged main -D x", "git tag v1", "git shortlog --output=x"],
  },
  "git, showing files": {
    looks: ["git show HEAD:src/a.ts", "git log -p -- src/a.ts", "git log --oneline -- .env", "git blame src/a.ts"],
    more: [
      "git show HEAD:.env",
      "git show :.env",
      "git cat-file -p HEAD:.env",
      "git log -p -- .env",
      "git archive HEAD .env",
      "git blame .env",
    ],
  },
  "find, asked for secrets": {
    looks: [
      "find . -name '.env*'",
      "find . -type f -exec grep -l foo {} +",
      "find . -not -name .env -exec grep -l foo {} +",
      "find . -path './node_modules/*' -prune -o -name '*.ts' -print | xargs grep foo",
    ],
    more: [
      "find . -name .env -exec cat {} \\;",
      "find . -name '.e*' | xargs cat",
      "find . -iname .ENV -exec head {} +",
      "find . -path '*/.envrc' -print0 | xargs -0 cat",
      "find . -regex '.*/\\.env' -exec cat {} +",
    ],
  },
  "names taken from a file": {
    looks: ["tar tf x.tar --exclude=a", "tree -L 2 src"],
    more: ["tar -tf x.tar -T .env", "tar tfT x.tar .env", "tar tf x.tar --files-from=.env", "tree --fromfile .env"],
  },
  "variables that decide what runs": {
    looks: ["LC_ALL=C sort data.csv", "TZ=UTC date"],
    more: ["XDG_CONFIG_HOME=/tmp/x git status", "GETCONF_DIR=. getconf -v x y", "TAPE=host:/x tar t", "MAGIC=.env file x"],
  },
  "programs that print for a shell": {
    looks: ["kubectl completion bash", "gh completion -s bash", "kubectl version --client", "brew shellenv", "opam env"],
    more: [
      "kubectl completion bash --kubeconfig=x",
      "kubectl get pods",
      "brew install x",
      "opam env --root=x",
      'eval "$(ssh-agent -s)"',
      "source <(kubectl completion bash)",
      'eval "$(brew shellenv)"',
    ],
  },
};

describe("what an agent does all day", () => {
  it.each(Object.entries(pairs).flatMap(([what, { looks }]) => looks.map((command) => [what, command] as const)))(
    "is allowed where it only looks: %s: %j",
    (_, command) => {
      expect(judge(command)).toBe("ALLOW");
    },
  );

  it.each(Object.entries(pairs).flatMap(([what, { more }]) => more.map((command) => [what, command] as const)))(
    "is asked about where it does more: %s: %j",
    (_, command) => {
      expect(judge(command)).toBe("REQUIRE_APPROVAL");
    },
  );

  it("is judged inside a wrapper as it is outside", () => {
    expect(judge("arch rm -rf /")).toBe("DENY");
    expect(judge("arch -x86_64 rm -rf /")).toBe("DENY");
    expect(judge("arch -arm64 ls")).toBe("ALLOW");
    expect(judge("arch")).toBe("ALLOW");
    expect(judge("ssh-agent rm -rf /")).toBe("DENY");
    expect(judge("ssh-agent -t 5 sh -c 'rm -rf /'")).toBe("DENY");
  });

  it("is judged where git, tar and npx are told to run it as it is alone", () => {
    for (const command of [
      "git submodule foreach 'rm -rf /'",
      "git submodule foreach --recursive rm -rf /",
      "git rebase -x 'rm -rf /' HEAD~1",
      "git rebase --exec='rm -rf /' HEAD~1",
      "git bisect run rm -rf /",
      "tar cf /dev/null x --checkpoint=1 --checkpoint-action=exec='rm -rf /'",
      "tar xf x.tar --to-command 'rm -rf /'",
      "tar tf x.tar -I 'rm -rf /'",
      "npx -c 'rm -rf /'",
    ])
      expect(judge(command)).toBe("DENY");
    for (const command of ["git submodule foreach git status", "git rebase -x 'npm test' main", "tar xf x.tar -I zstd", "npx -c 'tsc -b'"])
      expect(judge(command)).toBe("REQUIRE_APPROVAL");
  });

  it("is denied where yq writes what nobody else may", () => {
    expect(judge("yq -i '.a = 1' /etc/x.yaml")).toBe("DENY");
  });

  it("counts git as looking only where the agent works, whatever directory a request names", () => {
    expect(judge("git status", { cwd: "/repo/src" })).toBe("ALLOW");
    expect(judge("git status", { cwd: "src" })).toBe("ALLOW");
    expect(judge("git status", { cwd: "/tmp/x" })).toBe("REQUIRE_APPROVAL");
    expect(judge("git status", { cwd: ".." })).toBe("REQUIRE_APPROVAL");
  });
});
