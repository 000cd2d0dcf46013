import { describe, expect, it } from "vitest";
import { judge } from "./judge.test.support.ts";

/** Programs that only look, and the options and operands with which they do more. */
const programs: Readonly<Record<string, { readonly looks: readonly string[]; readonly more: readonly string[] }>> = {
  "who was here": {
    looks: ["who -u", "last -n 5", "w", "users", "lastlog -u agent"],
    more: ["lastlog -C -u agent", "lastlog --clear", "lastlog -S", "last -f .env", "who ~/.ssh/id_rsa"],
  },
  ps: { looks: ["ps aux", "ps -ef", "ps -eo pid,comm"], more: ["ps -Oenviron", "ps -eOenviron", "ps -O environ"] },
  units: {
    looks: ["units '3 ft' m", "units -t 1in cm"],
    more: ["units -L out 1 2", "units --log=out m ft", "units -H x", "units -f .env m ft"],
  },
  sockets: {
    looks: ["ss -tlnp", "ss -a", "netstat -an"],
    more: ["ss -D out", "ss -F .env", "ss -aD out", "ss --diag=out", "ss -K dst 10.0.0.1"],
  },
  calculators: { looks: ["expr 1 + 2", "numfmt --to=iec 2048"], more: ["bc -f .env"] },
  lsof: { looks: ["lsof -i :80", "lsof -p 1"], more: ["lsof -Dbout"] },
  cloc: { looks: ["cloc src", "cloc --vcs=git ."], more: ["cloc --vcs='touch x' .", "cloc --vcs=./list"] },
  disks: {
    looks: ["diskutil list", "diskutil info disk1", "diskutil apfs list", "fdisk -l", "fdisk -l /dev/sda"],
    more: ["diskutil eraseDisk JHFS+ list /dev/disk2", "diskutil apfs deleteContainer disk1", "fdisk -iy -l 100 /dev/sda"],
  },
  strings: { looks: ["strings -n 8 a.bin"], more: ["strings @.env"] },
  sed: {
    looks: ["sed ':a;N;$!ba;s/\\n/ /g' f", "sed -n '/a/{p;b};p' f", "sed -e ':x' -e 's/a/b/;tx' f"],
    more: ["sed ':x w out'", "sed 'b x w out'", "sed ':x e touch y'", "sed 't end r .env'"],
  },
  awk: {
    looks: [
      "awk '{print $1/$2}' f",
      "awk '{print ($1+$2)/2}' f",
      "awk '/[a-z]+/ {n++} END {print n/NR}' f",
      "awk '$2 ~ /^[[:alpha:]]+$/' f",
      "awk -F/ '{print $NF}' f",
      "awk '{gsub(/\\//, \"-\"); print}' f",
      "awk '{ x = /a/ ? 1 : 0; print x }' f",
    ],
    more: [
      'awk \'BEGIN{x = /"/; system("id"); y = /"/}\'',
      'awk \'$0 ~ /[/]"/ {x=1} {system("id")} /"/{}\'',
      'awk \'$0 ~ /[]/]"/ {x=1} {system("id")} /"/{}\'',
      'awk \'BEGIN{ if (1) /"/; system("id"); if (1) /"/}\'',
      'awk \'{ print /"/ } BEGIN { system("id") } { print /"/ }\'',
      'awk \'{ x = 1 + /"/; system("id"); y = /"/ }\'',
      "awk 1 /inet/tcp/0/198.51.100.7/80",
    ],
  },
  tar: {
    looks: ["tar tf x.tar", "tar cf - src", "tar -cf - -C src ."],
    more: ["tar -cf - -C ~/.aws .", "tar -cf - -C /etc shadow", "tar -cf - -C /home -C agent/.aws .", "tar cfC - ~/.ssh ."],
  },
  compressors: {
    looks: ["gzip -l x.gz", "xz -l x.xz", "zstd -t x.zst", "lz4 -t x.lz4", "gzip -dc x.gz"],
    more: ["lz4 -l x out", "lz4 -t x out", "pbzip2 -l x", "compress -l x"],
  },
  variables: {
    looks: ["declare -p NODE_VERSION", "declare -f"],
    more: ["declare -p GITHUB_TOKEN", "export -p GITHUB_TOKEN", "typeset -p API_KEY"],
  },
  xargs: { looks: ["echo a | xargs ls"], more: ["echo a | xargs --process-slot-var=PATH ls"] },
  parallel: {
    looks: ["parallel wc -l ::: a b", "parallel wc -l {} ::: a b"],
    more: [
      "parallel 'echo {= system q(id) =}' ::: 1",
      "parallel -I ls 'ls -rf ~' ::: rm",
      "parallel cat {1}{2} ::: .e ::: nv",
      "parallel cat {.} ::: id_rsa.x",
    ],
  },
  interpreters: {
    looks: ["node -v", "ruby -v", "python3 -V", "java -version", "ghci --version", "swift --version"],
    more: ["tclsh -v", "echo 'exec id' | tclsh --version", "echo x | erl --version", "jshell -v", "ghci -v", "swift -v"],
  },
  zsh: {
    looks: ["zsh -c 'ls -la'", "zsh -lc 'git status'", "zsh -c 'echo $(ls)'"],
    more: ["zsh -c \"echo *(e:'touch x':)\"", "zsh -c 'echo x(e:id:)'", "zsh -c 'echo ${(e)x}'", "zsh -c '=rm x'"],
  },
  "git and secrets": {
    looks: [
      "git log --stat -- .env",
      "git grep foo -- '*.ts'",
      "git show HEAD -- ':(exclude).env'",
      "git cat-file --batch-check",
      "git config user.name",
    ],
    more: [
      "git log --patch-with-stat -- .env",
      "git log --patch-with-raw -- .env",
      "git log --binary -- .env",
      "git diff-tree --patch-with-stat HEAD .env",
      "git show HEAD -- ':(top).env'",
      "git grep '' -- '*.env'",
      "git grep --no-index -e '' ~",
      "echo HEAD:.env | git cat-file --batch",
      "git config --get-urlmatch http https://example.com",
      "git config edit",
      "git reflog drop x",
      "git reflog write a b c d",
    ],
  },
  "searches that ask for secrets": {
    looks: ["grep -r foo --include='*.ts' .", "rg -g '*.ts' foo", "rg -g '!.env' foo", "ag foo src", "ack foo src"],
    more: [
      "grep -r '' --include=.env .",
      "grep -rh '' --include '.en*' .",
      "rg -g .env ''",
      "rg --iglob '.ENV' ''",
      "rg -g '{.env,x}' KEY",
      "ag -r KEY .env",
      "ack -t KEY ~/.ssh/id_rsa",
    ],
  },
};

describe("programs that only look", () => {
  describe.each(Object.entries(programs))("%s", (_name, { looks, more }) => {
    it.each(looks)("`%s` is allowed", (command) => expect(judge(command)).toBe("ALLOW"));
    it.each(more)("`%s` is not", (command) => expect(judge(command)).not.toBe("ALLOW"));
  });
});
