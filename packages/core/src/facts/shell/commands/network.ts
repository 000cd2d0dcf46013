// Programs that talk to other machines: curl(1), wget(1), ssh(1), rsync(1); what can be abused in them, GTFOBins.
import type { Call } from "../call.ts";
import type { CommandSpec, CommandTable, Effect } from "../grammar.ts";
import { field, isKnown, literal, rest, source, unknown } from "../text.ts";
import type { Field, Text } from "../text.ts";
import { joinWords } from "./builtins.ts";

export const networkCommands: CommandTable = {
  curl: {
    options: `
      -[#0123456aBfGgIiJjkLlMNnOpqRSsvZ]  -A,--user-agent=  -b,--cookie=  -c,--cookie-jar= write  -C,--continue-at=  -d,--data=
      --data-ascii=  --data-binary=  --data-raw=  --data-urlencode=  --json=  -D,--dump-header= write  -e,--referer=
      -E,--cert= read  -F,--form=  --form-string=  -h,--help[=]  -H,--header=  -K,--config= read code:configuration
      -m,--max-time=  -o,--output= write  --output-dir= write  -P,--ftp-port=  -Q,--quote=  -r,--range=  -t,--telnet-option=
      -T,--upload-file= read  -u,--user=  -U,--proxy-user=  -w,--write-out=  -x,--proxy=  -X,--request=  -y,--speed-time=
      -Y,--speed-limit=  -z,--time-cond=  --url=  --retry=  --retry-delay=  --retry-max-time=  --retry-connrefused
      --retry-all-errors  --connect-timeout=  --max-redirs=  --resolve=  --connect-to=  --cacert= read  --capath= read
      --key= read  --ciphers=  --compressed  --fail  --fail-with-body  --silent  --show-error  --location  --location-trusted
      --head  --include  --insecure  --verbose  --trace= write  --trace-ascii= write  --stderr= write  --remote-name
      --remote-name-all  --remote-header-name  --create-dirs  --get  --http1.0  --http1.1  --http2  --http3  --tlsv1.2  --tlsv1.3
      --ssl-reqd  --proto=  --proto-redir=  --no-progress-meter  --progress-bar  --no-buffer  --next  --parallel  --globoff
      --ipv4  --ipv6  --interface=  --limit-rate=  --netrc  --netrc-file= read  --oauth2-bearer=  --aws-sigv4=
      --unix-socket= list  --hsts= write  --alt-svc= write  --etag-save= write  --etag-compare= read  --libcurl= write  --doh-url=
      --path-as-is  --request-target=  --basic  --digest  --negotiate  --ntlm  --anyauth  --disable  --noproxy=  --keepalive-time=
      --tcp-nodelay  --styled-output  --no-styled-output
    `,
    effects: ["network"],
    run: curl,
  },
  "wget wget2": {
    options: `
      -[4bcEFgHhKkLmNnpqrSVvx]  -a,--append-output= write  -A,--accept=  -B,--base=  -D,--domains=
      -e,--execute= code:configuration  -i,--input-file= read  -I=  -l,--level=  -o,--output-file= write
      -O,--output-document= write  -P,--directory-prefix= write  -Q,--quota=  -R,--reject=  -t,--tries=  -T,--timeout=
      -U,--user-agent=  -w,--wait=  -X=  --header=  --post-data=  --post-file= read  --body-file= read  --body-data=  --method=
      --use-askpass= program  --config= read code:configuration  --ca-certificate= read  --load-cookies= read
      --save-cookies= write  --user=  --password=  --proxy=  --no-proxy  --quiet  --no-verbose  --continue  --no-check-certificate
      --timestamping  --mirror  --recursive  --no-parent  --page-requisites  --convert-links  --spider  --show-progress
      --progress=  --content-disposition  --restrict-file-names=  --max-redirect=  --https-only  --no-clobber  --retry-connrefused
      --waitretry=  --limit-rate=
    `,
    effects: ["network"],
    run: wget,
  },
  "ssh autossh mosh slogin": {
    options: `
      -[46AaCfGgKkMNnqsTtVvXxYy]  -B=  -b=  -c=  -D=  -E= write  -e=  -F= read code:configuration  -I= code:library  -i= read  -J=
      -L=  -l=  -m=  -O=  -o= code:configuration  -p=  -Q=  -R=  -S=  -W=  -w=
    `,
    ordered: true,
    effects: ["network", "code:remote"],
    run: (call) => {
      const words = call.operands.slice(1);
      if (words.length === 0) return unknown(source.network);
      // The command runs elsewhere: in a directory and a home that nobody here knows.
      const state = call.state.copy();
      state.enter({ directories: [], lost: true });
      call.shell(joinWords(words), { state });
      return unknown(source.network);
    },
  },
  "rsync scp sftp rcp rclone unison syncthing": { effects: ["network", "change:files"], run: remoteCopy },
  "nc ncat netcat nc.openbsd nc.traditional socat websocat": {
    effects: ["network", "code:connection"],
    run: (call) => {
      const runs = call.args.some(
        (item) => /^-[A-Za-z]*[ec]$|^--(?:exec|sh-exec|lua-exec)/.test(item.text) || /^(?:exec|system|shell):/i.test(item.text),
      );
      if (runs && call.program !== "websocat") call.effect("hazard:reverse_shell");
      return unknown(source.network);
    },
  },
  "telnet finger pinky ftp tftp lftp ncftp rlogin rsh rexec aria2c axel httpie http https xh lynx links w3m elinks youtube-dl yt-dlp mail mailx mutt sendmail msmtp swaks nmap masscan ping ping6 traceroute tracepath mtr arping hping3 tcpdump tshark wireshark ngrep ntpdate gsutil ngrok cloudflared openvpn wg wg-quick iperf iperf3 ab wrk hey grpcurl croc wormhole dropbox smbclient ldapsearch snmpwalk dog drill kdig resolvectl":
    { effects: ["network"] },
  "kubectl helm oc argocd doctl flyctl": remote(/^completion$/, "network", "change:infrastructure"),
  "aws az gcloud terraform tofu pulumi ansible ansible-playbook fly heroku vercel netlify wrangler firebase eksctl aliyun linode-cli hcloud scw sam cdk serverless eb kustomize skaffold vault consul nomad":
    { effects: ["network", "change:infrastructure"] },
  openssl: {
    run: (call) => {
      const [name] = call.args.map(literal);
      call.effect(/^(?:s_client|s_server|s_time|ocsp)$/.test(name ?? "s_client") ? "network" : "code:cryptography");
      for (const [index, item] of call.args.entries()) {
        const value = call.args[index + 1];
        if (value === undefined) continue;
        if (/^-(?:in|inkey|cert|key|CAfile|kfile)$/.test(item.text)) call.read(value);
        if (/^-(?:out|keyout|writerand)$/.test(item.text)) call.write(value);
      }
      const decodes = call.args.some((item) => /^-(?:d|decrypt|verifyrecover)$/.test(item.text));
      return unknown(call.stdin.sources | (name === "s_client" ? source.network : 0) | (decodes ? source.decoded : 0));
    },
  },
  "gpg gpg2 age sops pass op bw lpass keyctl secret-tool security": {
    effects: ["secret:keys", "code:cryptography"],
    run: (call) => unknown(call.stdin.sources | source.decoded),
  },
  "ssh-keygen ssh-add": { effects: ["secret:keys", "change:keys"] },
  "ssh-copy-id ssh-keyscan": { effects: ["secret:keys", "change:keys", "network"] },
};

/** A program that does this, save where it only prints a script for a shell, behind a word that asks for one, or its own version. */
export function remote(prints: RegExp, ...effects: readonly Effect[]): CommandSpec {
  return {
    run: (call) => {
      if (!printsOnly(call.args, prints)) for (const effect of effects) call.effect(effect);
      return undefined;
    },
  };
}

function printsOnly(args: readonly Field[], prints: RegExp): boolean {
  const [verb, ...others] = args.map(literal);
  if (verb === "version") return others.length === 1 && /^--client(?:=true)?$/.test(others[0] ?? "");
  return (
    verb !== undefined &&
    prints.test(verb) &&
    others.every((word) => /^(?:-s|--shell|(?:--shell=)?(?:bash|zsh|fish|powershell))$/.test(word ?? ""))
  );
}

function curl(call: Call): Text {
  for (const url of [...call.operands, ...call.values("--url")]) call.network(hostOf(url));
  // `@name` reads a file, in a form also `<name`; what is not known may.
  for (const value of call.values("-d", "--data-ascii", "--data-binary", "--json", "-H", "-b", "-w", "--data-urlencode")) {
    const at = value.text.indexOf("@");
    if (at === 0 || (at > 0 && call.values("--data-urlencode").includes(value))) call.read(rest(value, at + 1));
    else if (!isKnown(value) && /^[\uE000\uE002]/.test(value.text)) call.findings.open("reads", "a value of `curl` may name a file");
  }
  for (const value of call.values("-F")) {
    const at = value.text.search(/=[@<]/);
    if (at >= 0) call.read({ ...rest(value, at + 2), text: value.text.slice(at + 2).replace(/;.*$/s, "") });
  }
  const received = unknown(source.network);
  const outputs = call.values("-o");
  for (const output of outputs) call.interpreter.keep(output, call.state, received, false);
  if (call.has("-O", "--remote-name", "--remote-name-all")) for (const url of call.operands) saveAs(call, url);
  if (call.has("-J", "--remote-header-name")) call.findings.open("writes", "the server names the file that `curl` writes");
  return outputs.length > 0 && outputs.every((output) => literal(output) !== "-") ? unknown(source.network) : received;
}

function wget(call: Call): Text {
  for (const url of call.operands) call.network(hostOf(url));
  const received = unknown(source.network);
  const outputs = call.values("-O");
  if (outputs.some((output) => output.text === "-")) return received;
  for (const output of outputs) call.interpreter.keep(output, call.state, received, false);
  if (outputs.length === 0 && !call.has("--spider")) for (const url of call.operands) saveAs(call, url);
  if (call.has("-r", "-m", "-p", "--recursive", "--mirror", "--content-disposition", "-i"))
    call.findings.open("writes", "what `wget` writes is for the server to say");
  return unknown(source.network);
}

/** The file that a download is kept in: the last name of its address. */
function saveAs(call: Call, url: Field): void {
  const name =
    isKnown(url) && url.text.length < 2048
      ? (/^(?:[a-z]+:\/\/)?[^/?#]+\/(?:[^?#]*\/)?([^/?#]+)(?:[?#].*)?$/i.exec(url.text)?.[1] ?? "index.html")
      : undefined;
  const file = name === undefined ? field(unknown()) : field(name);
  call.write(file);
  call.interpreter.keep(file, call.state, unknown(source.network), false);
}

/** The host of an address where every client would agree on it. */
function hostOf(url: Field): string | undefined {
  const text = literal(url);
  return text === undefined
    ? undefined
    : /^(?:https?|ftps?):\/\/([A-Za-z0-9][A-Za-z0-9.-]*)(?::\d+)?(?:[/?#][^\\\s@{}[\]]*)?$/.exec(text)?.[1]?.toLowerCase();
}

function remoteCopy(call: Call): undefined {
  // Options of these run programs of their own (`rsync -e`, `scp -S`).
  if (call.args.some((item) => /^(?:-[A-Za-z]*[eSoF]|--(?:rsh|rsync-path|config|sftp-server))/.test(item.text))) call.code("program");
  if (call.program === "rsync" && call.args.some((item) => /^--(?:del|delete)/.test(item.text))) {
    call.findings.open("deletes", "`rsync` deletes what the other side does not have");
    const target = call.args.at(-1);
    if (target !== undefined && !target.text.includes(":"))
      for (const place of call.interpreter.places.below(target, call.state)) call.delete1(place, true);
  }
  call.findings.open("writes", `\`${call.program}\` writes what the other side has`);
}
