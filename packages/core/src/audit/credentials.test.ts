import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { maskCredentials, mayHoldCredential } from "./credentials.ts";

const found: readonly (readonly [text: string, shown: string, ...secrets: readonly string[]])[] = [
  ["git clone https://ada:hunter2@git.example/x", "git clone https://ada:…@git.example/x", "hunter2"],
  ["git clone https://0123456789abcdef0123@git.example/x", "git clone https://…@git.example/x", "0123456789abcdef0123"],
  ["curl -u ada:hunter2 https://a.example", "curl -u ada:… https://a.example", "hunter2"],
  ["curl --user=ada:hunter2 x", "curl --user=ada:… x", "hunter2"],
  [`curl -H "Authorization: Bearer abc.def-ghi" x`, `curl -H "Authorization: Bearer …" x`, "abc.def-ghi"],
  ["curl -H 'X-Api-Key: k1k2k3' x", "curl -H 'X-Api-Key: …' x", "k1k2k3"],
  ["curl -H 'Cookie: sid=1f; b=2' x", "curl -H 'Cookie: sid=…; b=…' x", "1f", "2"],
  ["curl -H 'Cookie: theme=dark; lang=en; sid=1f' x", "curl -H 'Cookie: theme=…; lang=en; sid=…' x", "dark", "1f"],
  ["curl -b sid=1f -d x", "curl -b sid=… -d x", "1f"],
  ["curl --cookie 'sid=1f' x", "curl --cookie 'sid=…' x", "1f"],
  ["curl -sSLu ada:hunter2 x", "curl -sSLu ada:… x", "hunter2"],
  ["curl -H 'Authorization: SSWS 00abc' x", "curl -H 'Authorization: SSWS …' x", "00abc"],
  ["curl -H 'Authorization: Negotiate YIIab==' x", "curl -H 'Authorization: Negotiate …' x", "YIIab=="],
  ["curl -H Authorization:k1k2k3 https://a.example", "curl -H Authorization:… https://a.example", "k1k2k3"],
  ["PGPASSWORD=hunter2 psql", "PGPASSWORD=… psql", "hunter2"],
  ["helm install --set auth.rootPassword=hunter2", "helm install --set auth.rootPassword=…", "hunter2"],
  ["echo //r.example/:_authToken=k1k2 >> .npmrc", "echo //r.example/:_authToken=… >> .npmrc", "k1k2"],
  ["aws configure set aws_secret_access_key abc/dEf1", "aws configure set aws_secret_access_key …", "abc/dEf1"],
  ["docker login -u ada -p hunter2 r.example", "docker login -u ada -p … r.example", "hunter2"],
  ["redis-cli -h a -a hunter2 ping", "redis-cli -h a -a … ping", "hunter2"],
  ["ldapsearch -D cn=a -w hunter2 -b x", "ldapsearch -D cn=a -w … -b x", "hunter2"],
  ["AccountName=a;AccountKey=aB3=;x", "AccountName=a;AccountKey=…;x", "aB3="],
  ["curl 'https://a.example/c?sv=1&sig=aB3%2FaB3aB3aB3aB3'", "curl 'https://a.example/c?sv=1&sig=…'", "aB3%2FaB3aB3aB3aB3"],
  ["curl https://hooks.slack.com/services/T0/B0/aB3aB3aB3aB3aB3", "curl https://hooks.slack.com/services/…", "T0/B0/aB3aB3aB3aB3aB3"],
  [`echo hf_${"aB".repeat(17)}`, "echo …", `hf_${"aB".repeat(17)}`],
  ["mysql -u root -phunter2 db", "mysql -u root -p… db", "hunter2"],
  ["sshpass -p hunter2 ssh h", "sshpass -p … ssh h", "hunter2"],
  ["tool --db-password 'hunter' run", "tool --db-password '…' run", "hunter"],
  [`API_KEY="k1k2" run`, `API_KEY="…" run`, "k1k2"],
  ["AWS_SECRET_ACCESS_KEY=abc/dEf1 aws s3 ls", "AWS_SECRET_ACCESS_KEY=… aws s3 ls", "abc/dEf1"],
  ["https://a.example/?x=1&access_token=t0k3n&y=2", "https://a.example/?x=1&access_token=…&y=2", "t0k3n"],
  ["echo AKIAIOSFODNN7EXAMPLE", "echo …", "AKIAIOSFODNN7EXAMPLE"],
  [`echo ghp_${"a1".repeat(18)} | gh auth login`, "echo … | gh auth login", `ghp_${"a1".repeat(18)}`],
  ["x eyJhbGciOiJI.eyJzdWIiOiIx.c2ln y", "x … y", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln"],
];

describe("credentials in a text", () => {
  it.each(found)("are found: %s", (text, shown, ...secrets) => {
    expect(maskCredentials(text)).toEqual({ shown, secrets });
    expect(mayHoldCredential(JSON.stringify({ text }))).toBe(true);
    expect(mayHoldCredential(JSON.stringify({ command: "git status --short", reason: "it only reads" }))).toBe(false);
  });

  it.each([
    "git status",
    "grep -rn token src",
    "grep -n 'password' README.md",
    "sort -u names.txt",
    "ls -p src",
    "https://a.example/path@2",
    "export TOKEN=$TOKEN",
    'curl -H "Authorization: $AUTH" x',
    "git log --author=ada",
    "cat docs/api-keys.md",
    "scp a ada@host:b",
    "mysql -u root -p",
    "tool --password --verbose",
    "ls --bypass=1A",
    "cd $OLDPWD && OLDPWD=/srv/A1",
    "ssh login -p 2222",
    "docker run -p 8080:80 nginx",
    "curl -b jar.txt x",
    "zip -u a.zip b",
  ])("are not seen where there is none: %s", (text) => {
    expect(maskCredentials(text)).toBeNull();
  });

  it.each([
    "echo cookie: ; rm -rf /",
    "echo cookie: a=1; rm -rf /",
    `echo "--password '" ; rm -rf / ; echo "'"`,
    'echo --password "$(rm -rf /)"',
    "echo --token `rm -rf /`",
    "X_TOKEN=rm; $X_TOKEN -rf /",
    "curl -u a:b|rm -rf /",
    "curl https://a:b;rm -rf /;@c",
    "echo -----BEGIN PRIVATE KEY----- rm -rf /",
    "authorization=1;rm -rf /",
    "PASSWORD=a1 rm -rf /",
    "sshpass -p a1 rm -rf /",
    "ls --password\nrm -rf /",
    "echo authorization: bearer\nrm -rf /",
    "echo 'a'authorization: x\nrm -rf /",
    "echo 'authorization: x' && rm -rf /",
    "echo cookie: a=1; X=rm; $X -rf / ; rm -rf /",
    "mysql -p\nrm -rf /",
    "curl -u a:b\nrm -rf /",
    "docker login -p\nrm -rf /",
    "npm set token\nrm -rf /",
    "echo -----BEGIN PRIVATE KEY-----\nrm -rf /\n-----END PRIVATE KEY-----",
    `echo -----BEGIN PRIVATE KEY-----\n${"aB3/".repeat(16)}\nrm -rf /\n-----END PRIVATE KEY-----`,
  ])("hide nothing of what a command does: %s", (text) => {
    expect(maskCredentials(text)?.shown ?? text).toMatch(/\brm\b.*-rf \/|\brm; .* -rf \//);
  });

  it.each(["X_TOKEN= python3 evil.py", "X_TOKEN=\npython3 evil.py", "echo token:\npython3 evil.py"])(
    "hide no program that stands where a credential could: %s",
    (text) => {
      expect(maskCredentials(text)?.shown ?? text).toContain("python3 evil.py");
    },
  );

  it.each([
    ["in lines", "\n"],
    ["with escapes in their place", "\\n"],
  ])("are gone where they are a private key %s", (_, end) => {
    const lines = ["aB3/", "cD4+", "eF5="].map((part) => part.repeat(16));
    for (const before of ["", `Proc-Type: 4,ENCRYPTED${end}DEK-Info: AES-128-CBC,00${end}${end}`]) {
      for (const kind of ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]) {
        const key = [`-----BEGIN ${kind}-----`, `${before}${lines.join(end)}`, "aB3=", `-----END ${kind}-----`].join(end);
        for (const text of [`echo '${key}' > k`, JSON.stringify({ private_key: key })]) {
          const { shown = text } = maskCredentials(text) ?? {};
          for (const line of [...lines, "aB3="]) expect(shown).not.toContain(line);
          expect(shown).toContain(`-----END ${kind}-----`);
          expect(mayHoldCredential(JSON.stringify({ text }))).toBe(true);
        }
      }
    }
  });

  it("are gone from what is shown, whatever stands around them", () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{24,40}$/);
    const around = fc.constantFrom("", "ls; ", "x && ", "sudo ", "A=1 ", "echo 'a' | ");
    const carrier = fc.constantFrom(
      (s: string) => `curl -u ada:${s} https://a.example`,
      (s: string) => `git push https://ada:${s}@git.example/x.git`,
      (s: string) => `MY_API_KEY="${s}" run`,
      (s: string) => `tool --token ${s} --verbose`,
      (s: string) => `curl -H "Authorization: Bearer ${s}"`,
    );
    fc.assert(
      fc.property(secret, around, carrier, (value, before, carry) => {
        const text = `${before}${carry(value)}`;
        expect(maskCredentials(text)?.shown).not.toContain(value);
        expect(mayHoldCredential(JSON.stringify({ payload: { command: text } }))).toBe(true);
      }),
    );
  });

  it("are hinted at by the JSON of every text that they are found in", () => {
    const parts = fc.constantFrom(
      ...found.flatMap(([text]) => text.split(/(?=[\s"':=@])/)),
      "\n",
      "\t",
      "\v",
      "\u00a0",
      "\\",
      '"',
      "'",
      "=",
      ":",
      "@",
      "a",
      "Ab1",
      "\u0001",
      "-U",
      "--user",
      "--proxy-user",
      "-----BEGIN RSA PRIVATE KEY-----",
      "a".repeat(40),
    );
    fc.assert(
      fc.property(fc.array(parts, { minLength: 2, maxLength: 8 }), (list) => {
        const text = list.join("");
        fc.pre(maskCredentials(text) !== null);
        expect(mayHoldCredential(JSON.stringify({ text }))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    { via: "key:0123456789abcdef", agent_ctx: { agent_id: "a", keys: 3 } },
    { payload: { command: "git push -u origin main && sort -u names.txt" } },
    { payload: { command: "npm test -- --bypass-cache && ls passport" } },
    { reason: "understood (rule `asia-pacific`)", file: "disk-usage.txt" },
  ])("are not hinted at by what most entries hold: %j", (entry) => {
    expect(mayHoldCredential(JSON.stringify({ ...entry, rules: [{ id: "a" }] }))).toBe(false);
  });

  it("are found behind the beginning of a key, however it goes on", () => {
    const key = "-----BEGIN PRIVATE KEY-----\n";
    for (const part of ["authorization: ", "\n", " ", "\\n", "A: \n", "A: a ", "aB3\n"]) {
      for (const begins of [key, `${key}A: `]) {
        const text = `${begins}${part.repeat(8_192 / part.length)}\ntool --password hunter22`;
        expect(maskCredentials(text)?.shown.endsWith("tool --password …")).toBe(true);
      }
    }
  });

  it("are looked for in hostile texts without an end in sight being needed", () => {
    const repeated = [
      "mysql ",
      "a:",
      "://",
      "token= ",
      "-u ",
      "'",
      "-----BEGIN ",
      "eyJ.",
      "cookie:",
      "curl ",
      "A: ",
      "docker login ",
      "cookie:a=b;",
      "-----BEGIN PRIVATE KEY-----A: ",
      "password",
    ];
    for (const text of repeated.map((part) => part.repeat(4_096 / part.length))) expect(maskCredentials(text)?.shown ?? "").not.toBe(text);
  });
});
