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
};

describe("programs that only look", () => {
  describe.each(Object.entries(programs))("%s", (_name, { looks, more }) => {
    it.each(looks)("`%s` is allowed", (command) => expect(judge(command)).toBe("ALLOW"));
    it.each(more)("`%s` is not", (command) => expect(judge(command)).not.toBe("ALLOW"));
  });
});
