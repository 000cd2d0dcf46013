// Programs that read text and write text: GNU coreutils, grep, sed and jq manuals; what can be abused in them, GTFOBins.
import { judgeAwk } from "../awk.ts";
import type { Call } from "../call.ts";
import { expandSet, fromBase64, fromHex, translate } from "../constant.ts";
import type { CommandTable } from "../grammar.ts";
import { directoriesOf } from "../under.ts";
import { asksForSecret } from "./search.ts";
import { judgeSed } from "../sed.ts";
import { judgeYq } from "../yq.ts";
import { field, isKnown, joined, known, literal, mark, rest, source, unknown } from "../text.ts";
import type { Text } from "../text.ts";

const grepOptions = `
  -[abcEFGHhIiLlnoPqRrsTUuvwxyZz]  -NUM  -e,--regexp=  -f,--file= read  -m,--max-count=  -A,--after-context=  -B,--before-context=
  -C,--context=  -D,--devices=  -d,--directories=  --extended-regexp  --fixed-strings  --basic-regexp  --perl-regexp
  --ignore-case  --no-ignore-case  --invert-match  --word-regexp  --line-regexp  --count  --color[=]  --colour[=]
  --files-without-match  --files-with-matches  --only-matching  --quiet  --silent  --no-messages  --byte-offset  --with-filename
  --no-filename  --label=  --line-number  --initial-tab  --null  --text  --binary-files=  --exclude=  --exclude-from= read
  --exclude-dir=  --include=  --recursive  --dereference-recursive  --line-buffered  --binary  --null-data
`;

export const textCommands: CommandTable = {
  cat: {
    options: `
      -[AbEensTtuv]  --show-all  --number-nonblank  --show-ends  --number  --squeeze-blank  --show-tabs  --show-nonprinting
    `,
    operands: "read",
    run: (call) => (call.arguments.options.length === 0 ? call.input() : undefined),
  },
  tac: { options: "-b,--before  -r,--regex  -s,--separator=", operands: "read", run: someLines },
  rev: {
    options: "-0,--zero",
    operands: "read",
    run: (call) => {
      const input = call.input();
      if (!isKnown(input)) return decoded(call, undefined);
      return known(
        input.text
          .split("\n")
          .map((line) => Array.from(line).toReversed().join(""))
          .join("\n"),
      );
    },
  },
  "head tail": {
    options: `
      -[Fr]  -NUM  -n,--lines=  -c,--bytes=  -q,--quiet,--silent  -v,--verbose  -z,--zero-terminated  -f,--follow[=]
      -s,--sleep-interval=  --pid=  --retry  --max-unchanged-stats=
    `,
    operands: "read",
    run: someLines,
  },
  wc: {
    options: `
      -c,--bytes  -m,--chars  -l,--lines  -L,--max-line-length  -w,--words  --total=  --files0-from= read secret:listed_files
    `,
    operands: "read",
  },
  "md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum b3sum shasum": {
    options: `
      -b,--binary  -c,--check  -t,--text  -z,--zero  --tag  --ignore-missing  --quiet  --status  --strict  -w,--warn
      -a,--algorithm=  -l,--length=
    `,
    operands: "read",
  },
  "md5 sum": { options: "-[pqrs]  --sysv", operands: "read" },
  cksum: {
    options: `
      -a,--algorithm=  -l,--length=  -c,--check  --base64  --raw  --tag  --untagged  -z,--zero  --debug
    `,
    operands: "read",
  },
  nl: {
    options: `
      -b,--body-numbering=  -d,--section-delimiter=  -f,--footer-numbering=  -h,--header-numbering=  -i,--line-increment=
      -l,--join-blank-lines=  -n,--number-format=  -p,--no-renumber  -s,--number-separator=  -v,--starting-line-number=
      -w,--number-width=
    `,
    operands: "read",
  },
  cut: {
    options: `
      -[nw]  -b,--bytes=  -c,--characters=  -d,--delimiter=  -f,--fields=  --complement  -s,--only-delimited  --output-delimiter=
      -z,--zero-terminated
    `,
    operands: "read",
  },
  paste: { options: "-d,--delimiters=  -s,--serial  -z,--zero-terminated", operands: "read" },
  fold: { options: "-b,--bytes  -c,--characters  -s,--spaces  -w,--width=", operands: "read" },
  fmt: {
    options: `
      -NUM  -c,--crown-margin  -p,--prefix=  -s,--split-only  -t,--tagged-paragraph  -u,--uniform-spacing  -w,--width=  -g,--goal=
    `,
    operands: "read",
  },
  expand: { options: "-NUM  -i,--initial  -t,--tabs=", operands: "read" },
  unexpand: { options: "-a,--all  --first-only  -t,--tabs=", operands: "read" },
  column: {
    options: `
      -c,--output-width=  -d,--table-noheadings  -e,--table-header-repeat  -E,--table-noextreme=  -H,--table-hide=  -J,--json
      -L,--keep-empty-lines  -l,--table-columns-limit=  -N,--table-columns=  -n,--table-name=  -O,--table-order=
      -o,--output-separator=  -R,--table-right=  -s,--separator=  -T,--table-truncate=  -t,--table  -W,--table-wrap=
      -x,--fillrows
    `,
    operands: "read",
  },
  pr: {
    options: `
      -NUM  -a,--across  -d,--double-space  -D,--date-format=  -F,-f,--form-feed  -h,--header=  -J,--join-lines  -l,--length=
      -m,--merge  -o,--indent=  -r,--no-file-warnings  -T,--omit-pagination  -t,--omit-header  -v,--show-nonprinting
      -W,--page-width=  -w,--width=
    `,
    operands: "read",
  },
  join: {
    options: `
      -a=  -e=  -i,--ignore-case  -j=  -o=  -t=  -v=  -1=  -2=  --check-order  --nocheck-order  --header  -z,--zero-terminated
    `,
    operands: "read",
  },
  comm: {
    options: `
      -[123i]  --check-order  --nocheck-order  --output-delimiter=  --total  -z,--zero-terminated
    `,
    operands: "read",
  },
  sort: {
    options: `
      -[bCcdfghiMmnRrsuVz]  -NUM  --ignore-leading-blanks  --dictionary-order  --ignore-case  --general-numeric-sort
      --ignore-nonprinting  --month-sort  --human-numeric-sort  --numeric-sort  --random-sort  --random-source= read  --reverse
      --sort=  --version-sort  --batch-size=  --check[=]  --debug  --merge  -k,--key=  -o,--output= write  --stable
      -S,--buffer-size=  -t,--field-separator=  -T,--temporary-directory= write  --parallel=  --unique  --zero-terminated
      --compress-program= program  --files0-from= read secret:listed_files
    `,
    operands: "read",
    run: someLines,
  },
  uniq: {
    options: `
      -D  -NUM  -c,--count  -d,--repeated  --all-repeated[=]  -f,--skip-fields=  --group[=]  -i,--ignore-case  -s,--skip-chars=
      -u,--unique  -z,--zero-terminated  -w,--check-chars=
    `,
    operands: ["read", "write"],
    run: someLines,
  },
  shuf: {
    options: `
      -e,--echo  -i,--input-range=  -n,--head-count=  -o,--output= write  --random-source= read  -r,--repeat  -z,--zero-terminated
    `,
    operands: "read",
    run: someLines,
  },
  tsort: { options: "", operands: "read" },
  ptx: { options: "-f,--ignore-case  -w,--width=", operands: ["read", "write"] },
  tr: {
    options: "-c,-C,--complement  -d,--delete  -s,--squeeze-repeats  -t,--truncate-set1",
    run: (call) => {
      const [from, to] = call.operands.map(literal);
      if (!isKnown(call.stdin))
        return call.has("-d", "-s") || !mayEncode(from, to) ? unknown(call.stdin.sources) : decoded(call, undefined);
      if (call.has("-c", "-s", "-t") || from === undefined) return decoded(call, undefined);
      if (!call.has("-d")) return decoded(call, to === undefined ? undefined : translate(call.stdin.text, from, to));
      const removed = expandSet(from);
      return decoded(
        call,
        removed === undefined
          ? undefined
          : Array.from(call.stdin.text)
              .filter((one) => !removed.includes(one))
              .join(""),
      );
    },
  },
  "base64 base32 basenc": {
    options: `
      -d,-D,--decode  -i,--ignore-garbage  -w,--wrap=  -b,--break=  --input= read  -o,--output= write  --base64  --base64url
      --base32  --base32hex  --base16  --z85  --base2msbf  --base2lsbf
    `,
    operands: "read",
    run: (call) => {
      const input = call.input();
      if (!call.has("-d")) return unknown(input.sources);
      return decoded(call, isKnown(input) && call.program === "base64" ? fromBase64(input.text) : undefined, input);
    },
  },
  uudecode: { options: "-o= write", operands: "read", effects: ["change:files"], run: (call) => decoded(call, undefined) },
  uuencode: { options: "-m", operands: ["read", "text"] },
  xxd: {
    options: `
      -[detu]  -a,-autoskip  -b,-bits  -C,-capitalize  -c,-cols=  -E,-EBCDIC  -g,-groupsize=  -h,-help  -i,-include  -l,-len=
      -n,-name=  -o=  -p,-ps,-postscript,-plain  -r,-revert  -R=  -s,-seek=  -v,-version
    `,
    words: true,
    operands: ["read", "write"],
    run: (call) => {
      if (!call.has("-r")) return undefined;
      const input = call.input(call.operands.slice(0, 1));
      return decoded(call, isKnown(input) && call.has("-p") ? fromHex(input.text) : undefined, input);
    },
  },
  "hexdump hd": {
    options: `
      -b,--one-byte-octal  -c,--one-byte-char  -C,--canonical  -d,--two-bytes-decimal  -e,--format=  -f,--format-file= read
      -L,--color[=]  -n,--length=  -o,--two-bytes-octal  -s,--skip=  -v,--no-squeezing  -x,--two-bytes-hex  -X,--one-byte-hex
    `,
    operands: "read",
  },
  od: {
    options: `
      -[aBbcDdeFfHhIiLlOosXx]  -A,--address-radix=  --endian=  -j,--skip-bytes=  -N,--read-bytes=  -S,--strings[=]  -t,--format=
      -v,--output-duplicates  -w,--width[=]  --traditional
    `,
    operands: "read",
  },
  strings: {
    options: `
      -o  -NUM  -a,--all  -d,--data  -f,--print-file-name  -n,--bytes=  -t,--radix=  -w,--include-all-whitespace  -T,--target=
      -e,--encoding=  -s,--output-separator=  -U,--unicode=
    `,
    operands: "read",
    // `@file` stands for words in that file, and those that are no files are repeated in complaints.
    run: (call) => {
      for (const item of call.args) if (item.text.startsWith("@")) call.read(rest(item, 1));
      return undefined;
    },
  },
  file: {
    options: `
      -[cdZ]  -b,--brief  -C change:files  -e,--exclude=  -f,--files-from= read secret:listed_files  -F,--separator=
      -h,--no-dereference  -i,--mime  -k,--keep-going  -l,--list  -L,--dereference  -m,--magic-file= read  --mime-type
      --mime-encoding  -N,--no-pad  -n,--no-buffer  -p,--preserve-date  -P,--parameter=  -r,--raw  -s,--special-files
      -S,--no-sandbox  -z,--uncompress  -0,--print0  --extension
    `,
    operands: "read",
  },
  iconv: {
    options: "-c  -f,--from-code=  -t,--to-code=  -l,--list  -o,--output= write  -s,--silent  --verbose",
    operands: "read",
  },
  cmp: {
    options: "-b,--print-bytes  -i,--ignore-initial=  -l,--verbose  -n,--bytes=  -s,--quiet,--silent",
    operands: ["read", "read", "text"],
  },
  diff3: {
    options: "-[3AaEeimTXx]  -L,--label=  --diff-program= program  --text  --merge",
    operands: "read",
  },
  "diff colordiff sdiff": {
    options: `
      -[aBbcdEefHilNnPpqrsTtuvwyZ]  -NUM  -C,--context[=]  -U,--unified[=]  -D,--ifdef=  -F,--show-function-line=
      -I,--ignore-matching-lines=  -L,--label=  -S,--starting-file=  -W,--width=  -x,--exclude=  -X,--exclude-from= read
      -o,--output= write  --brief  --report-identical-files  --normal  --side-by-side  --recursive  --new-file
      --unidirectional-new-file  --ignore-case  --ignore-all-space  --ignore-space-change  --ignore-trailing-space
      --ignore-tab-expansion  --ignore-blank-lines  --ignore-file-name-case  --color[=]  --palette=  --text  --minimal
      --no-dereference  --strip-trailing-cr  --ed  --rcs  --paginate  --expand-tabs  --initial-tab  --tabsize=
      --suppress-common-lines  --suppress-blank-empty  --left-column  --show-c-function  --from-file= read  --to-file= read
      --horizon-lines=  --speed-large-files  --line-format=  --old-line-format=  --new-line-format=  --unchanged-line-format=
      --old-group-format=  --new-group-format=  --changed-group-format=  --diff-program= program
    `,
    run: (call) => {
      for (const operand of call.operands) call.read(operand, call.has("-r", "--recursive"));
      return undefined;
    },
  },
  "grep egrep fgrep zgrep": {
    options: grepOptions,
    run: (call) => {
      const given = call.has("-e", "-f");
      const files = given ? call.operands : call.operands.slice(1);
      const recursive =
        call.has("-r", "-R", "--recursive", "--dereference-recursive") || call.values("-d").some((value) => value.text === "recurse");
      if (recursive && files.length === 0) call.read(field("."), true);
      if (recursive && call.values("--include").some(({ text }) => asksForSecret(text))) call.effect("secret:file");
      for (const file of files) call.read(file, recursive);
      if (call.has("-l", "-L", "--files-with-matches", "--files-without-match") && files.every(isKnown))
        return unknown(0, directoriesOf(files, recursive));
      return files.length === 0 && !recursive ? filtered(call) : undefined;
    },
  },
  sed: {
    options: `
      -a  -n,--quiet,--silent  --debug  -e,--expression=  -f,--file= read code:script  -E,-r,--regexp-extended  -i,--in-place[=]
      -I[=]  -l,--line-length=  --posix  -s,--separate  --sandbox  -u,--unbuffered  -z,--null-data  --follow-symlinks  -b,--binary
    `,
    run: judgeSed,
  },
  "awk gawk mawk nawk": {
    options: `
      -F,--field-separator=  -v,--assign=  -f,--file= read code:script  -E,--exec= read code:script  -i,--include= code:script
      -l,--load= code:library  -e,--source=  -S,--sandbox  -P,--posix  -b,--characters-as-bytes  -c,--traditional
      -n,--non-decimal-data  -r,--re-interval
    `,
    ordered: true,
    run: judgeAwk,
  },
  jq: {
    options: `
      -[aCcejMnRrSs]  --compact-output  --color-output  --monochrome-output  --null-input  --raw-output  --raw-output0
      --raw-input  --join-output  --ascii-output  --sort-keys  --slurp  --exit-status  --tab  --indent=  --unbuffered  --stream
      --stream-errors  --seq  -f,--from-file= read code:script  -L= code:library  --jsonargs  --args  --arg=  --argjson=
      --slurpfile=  --rawfile=
    `,
    run: (call) => {
      // These take a name and then a value; the value stands among the operands.
      const pairs = call.arguments.options.filter(({ spec }) => ["--arg", "--argjson", "--slurpfile", "--rawfile"].includes(spec.name));
      if (pairs.some(({ spec }) => spec.name.endsWith("file"))) call.findings.open("reads", "`jq` reads the files that its options name");
      const operands = call.operands.slice(pairs.length);
      if (pairs.length > 0)
        for (const operand of call.operands) if (pairs.some(({ spec }) => spec.name.endsWith("file"))) call.read(operand);
      const filter = call.has("-f") ? undefined : operands[0];
      const files = call.has("-f") ? operands : operands.slice(1);
      const text = filter === undefined ? "" : literal(pairs.length > 0 ? undefined : filter);
      const programs = pairs.length > 0 ? call.operands.map(literal) : [text];
      for (const program of programs) {
        // Behind a dot it is the name of a field; before jq 1.7 there may be blanks behind the dollar.
        if (program === undefined || /(?<![.\w])(?:env|import|include|modulemeta|get_search_list)\b|\bENV\b|\$__prog/.test(program))
          call.effect("secret:environment");
      }
      // Behind `--args` they are values, but what stands before it is a file.
      for (const file of files) call.read(file);
      return undefined;
    },
  },
  "yes seq": {
    options: "-f,--format=  -s,--separator=  -w,--equal-width",
    run: (call) =>
      call.program === "yes" ? { ...joined(call.args, " "), text: `${joined(call.args, " ").text || "y"}\n` } : known(`${mark.number}\n`),
  },
  "tput clear reset stty tset": { effects: [], options: "-[agVx]  -T=  -F= list" },
  // A pager or editor gives whoever sits before it a shell.
  "less more most view vi vim nvim vimdiff gvim ex ed emacs emacsclient nano pico joe micro kak hx helix code subl gedit kate bat batcat": {
    effects: ["code:interactive"],
  },
  "man info apropos whatis": { effects: ["code:interactive"] },
  "zcat gzcat bzcat xzcat lzcat zstdcat": {
    options: "-[cdv]  -f,--force  -q,--quiet",
    operands: "read",
    run: (call) => decoded(call, undefined),
  },
  ts: { options: "-[imrs]" },
  sponge: { options: "-a", operands: "write", run: (call) => call.stdin },
  yq: {
    options: "-[CejMNnPry]  -o=  -p=  -i,--inplace change:files",
    run: judgeYq,
  },
};

/** Some of the lines of its input, in whatever order: what they are names of stays what it is. */
function someLines(call: Call): Text | undefined {
  return call.operands.length === 0 ? filtered(call) : undefined;
}

function filtered({ stdin }: Call): Text {
  if (stdin.under !== null || stdin.text === mark.hole) return unknown(stdin.sources, stdin.under);
  return { ...stdin, text: `${mark.hole}\n${stdin.text}` };
}

/** Text out of a decoder: known, or marked as such. */
function decoded(call: Call, text: string | undefined, from: Text = call.stdin): Text {
  call.decodes();
  const sources = from.sources | source.decoded;
  return text === undefined ? unknown(sources) : { ...known(text), sources };
}

/** Whether `tr` with these sets replaces letters: one that only changes case or blanks hides no command. */
function mayEncode(from: string | undefined, to: string | undefined): boolean {
  const plain = /^(?:a-z|A-Z|\[a-z\]|\[A-Z\]|\[:\w+:\]|\\.|[^A-Za-z0-9-])*$/;
  return from === undefined || to === undefined || !plain.test(from) || !plain.test(to);
}
