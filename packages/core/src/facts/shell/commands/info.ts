// Programs that tell something about the system and change nothing: coreutils, procps, util-linux manuals.
import type { Call } from "../call.ts";
import type { CommandTable } from "../grammar.ts";
import { empty, literal, unknown } from "../text.ts";
import type { Text } from "../text.ts";
import { isPublicVariable } from "./variables.ts";

export const infoCommands: CommandTable = {
  date: {
    options: `
      -j  -d,--date=  -f,--file= read  -I,--iso-8601[=]  -R,--rfc-email  --rfc-3339=  -r,--reference= list
      -s,--set= privilege:clock  -u,--utc,--universal  -v=  --debug  --resolution
    `,
    run: (call) => {
      // An operand that is no format sets the clock; on BSD `-j` keeps it from that.
      if (call.operands.some((operand) => !operand.text.startsWith("+")) && !call.has("-j")) call.effect("privilege:clock");
      return undefined;
    },
  },
  hostname: {
    options: `
      -b  -a,--alias  -A,--all-fqdns  -d,--domain  -f,--fqdn,--long  -i,--ip-address  -I,--all-ip-addresses  -s,--short
      -y,--yp,--nis  -F= privilege:hostname
    `,
    run: (call) => {
      if (call.operands.length > 0) call.effect("privilege:hostname");
      return undefined;
    },
  },
  // On macOS it runs a program.
  arch: {
    options: "-32  -64  -c  -h  -i386  -x86_64  -x86_64h  -arm64  -arm64e  -arch=  -d=  -e= code:environment",
    words: true,
    ordered: true,
    run: (call) => (call.operands.length === 0 ? unknown() : call.run(call.operands)),
  },
  // These read the file that they are told to instead of their own; `lastlog` also changes it.
  "who users last lastb lastlog": {
    options: `
      -[abdFHilmpqrsTuwxz]  -NUM  -f,--file= read  -n,--limit=  --all  --heading  --users  --count  --fullnames  --system  --dns
      -C,--clear change:login_records  -S,--set change:login_records
    `,
    operands: "read",
  },
  "uname nproc whoami id groups logname w uptime tty locale getconf lscpu lsblk lsmod lspci lsusb free vmstat iostat mpstat cal ncal sw_vers hostid lsb_release":
    {
      options: `
        -[AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz]  -NUM  --all  --ignore=  --kernel-name  --nodename
        --kernel-release  --kernel-version  --machine  --processor  --hardware-platform  --operating-system  --user  --group
        --groups  --name  --real  --zero  --human  --total  --wide  --mebi  --gibi  --json  --pretty  --since  --short
        --description  --release  --codename  --output=  --fs
      `,
    },
  // Arguments of other processes may hold secrets; their environment surely does.
  ps: {
    options: `
      -[AaBbcDdeFfHhIiJjKLlMmNnPQRrSTVvWwXxYyZz]  -C=  -G=  -g=  -k=  -O=  -o,--format=  -p,--pid=  -q=  -s=  -t=  -U=  -u[=]  --sort=
      --ppid=  --no-headers  --headers  --forest  --cols=  --width=  --user=  --deselect
    `,
    run: (call) => {
      // A column of the environment; what is not known may name one.
      const columns = call.values("-o", "-O");
      if (columns.some((value) => /env|\uE000/i.test(value.text))) call.effect("secret:environment");
      if (call.operands.some((operand) => !/^[axuflgjstvwrLTmhkX0-9,]+$/.test(literal(operand) ?? "e"))) call.effect("secret:environment");
      return undefined;
    },
  },
  "pgrep pidof pstree jps": {
    options: `
      -[AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz]  --list-full  --list-name  --full  --newest  --oldest  --count
      --exact  --parent=  --user=
    `,
  },
  "top htop btop": { effects: ["code:interactive"] },
  "lsof fuser": {
    options: `
    -[AaBbCcdEeFfGgHhIJjKLlMmNnOoPpQqRrSsTtUVvWwXxYyZz]  -D[=] change:device_cache  -i[=]  -u=  -k change:processes  --kill change:processes
  `,
  },
  printenv: {
    options: "-0,--null",
    run: (call) => {
      if (call.operands.length === 0 || !call.operands.every(isPublicVariable)) call.effect("secret:environment");
      return undefined;
    },
  },
  sleep: { options: "", run: () => empty },
  units: {
    options: `
      -[1cdemnoqSstv]  -f,--file= read  -H,--history= write  -L,--log= write  --compact  --exponential  --one-line  --quiet  --silent
      --strict  --terse  --verbose  --minus  --product
    `,
    run: shellEscape,
  },
  "numfmt factor expr bc dc": {
    options: `
      -[AaBbCcDdEeFGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz]  -f= read  --from=  --to=  --suffix=  --field=  --format=  --header[=]
      --padding=  --grouping  --delimiter=  --invalid=  --round=  --mathlib  --quiet  --expression=
    `,
    run: shellEscape,
  },
  ss: {
    options: `
      -[0146BbEeHiLlMmnOopQrSsTtuVwxZz]  -A,--query=  -a,--all  -D,--diag= write  -F,--filter= read  -f,--family=  -K change:network
      -N= privilege:namespace  --listening  --tcp  --udp  --numeric  --processes  --summary  --extended  --memory  --info  --no-header
    `,
  },
  netstat: {
    options: `
      -[AaBbCcDdEeFfGgHhIiJjkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz]  --listening  --tcp  --udp  --numeric  --processes  --all  --summary
    `,
  },
  "ip ifconfig route arp": { effects: ["change:network"] },
  "getent nslookup dig host whois": { effects: ["network"] },
  "dmesg journalctl": { effects: ["secret:system_log"] },
  sysctl: { effects: ["privilege:kernel"] },
  "pbpaste xclip xsel wl-paste": { effects: ["secret:clipboard"] },
  "pbcopy wl-copy": { effects: ["change:clipboard"] },
  "say notify-send": { effects: ["change:desktop"] },
  "tmux screen zellij byobu": { effects: ["code:terminal"] },
  tokei: { options: "-[AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz]  --sort=  --output=  --exclude=", operands: "list" },
  cloc: { operands: "list", options: "--json  --csv  --vcs= script  --exclude-dir=  --by-file  --quiet", effects: [] },
};

/** `dc` runs a command behind `!`; so the little calculators do only what their words say, and not what a pipe tells them. */
function shellEscape(call: Call): Text {
  if (["bc", "dc", "units"].includes(call.program) && (call.args.some((item) => item.text.includes("!")) || call.program === "dc"))
    call.code("interactive");
  for (const operand of call.program === "bc" ? call.operands : []) call.read(operand);
  return unknown(call.stdin.sources);
}
