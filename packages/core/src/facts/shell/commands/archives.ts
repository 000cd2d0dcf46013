// Archivers and compressors: what they unpack is for the archive to say. GNU tar and Info-ZIP manuals, GTFOBins.
import type { Call } from "../call.ts";
import type { CommandTable } from "../grammar.ts";
import { field, rest, source, unknown } from "../text.ts";
import type { Field, Text } from "../text.ts";

const compressorOptions = `
  -[acdefhkLlNnqrtVvz]  -NUM  -S=  -T=  -o= write  --stdout  --to-stdout  --decompress  --uncompress  --force  --keep  --list
  --quiet  --recursive  --test  --verbose  --fast  --best  --threads=  --suffix=  --rm  --no-name  --name  --ultra  --long[=]
`;

export const archiveCommands: CommandTable = {
  "tar gtar bsdtar": { run: tar },
  "gzip gunzip bzip2 bunzip2 xz unxz lzma unlzma zstd unzstd lz4 unlz4 compress uncompress pigz pbzip2 brotli": {
    options: compressorOptions,
    run: (call) => {
      const decompresses =
        call.has("-d", "--decompress", "--uncompress") || call.program.startsWith("un") || /^(?:g|b)un/.test(call.program);
      // To lz4, bzip2 and others `-l` is no listing, and a second name of lz4 is where it writes to.
      const lists = call.has("-l", "--list") && /^(?:gzip|gunzip|xz|unxz|lzma|unlzma|zstd|unzstd|pigz)$/.test(call.program);
      const keeps = lists || call.has("-c", "--stdout", "--to-stdout", "-t", "--test");
      const [, target] = call.operands;
      if (call.program.endsWith("lz4") && target !== undefined) call.write(target);
      for (const operand of call.operands) {
        call.read(operand, call.has("-r", "--recursive"));
        if (keeps) continue;
        // The file gives way to one with another ending.
        call.write({ ...operand, text: decompresses ? operand.text.replace(/\.\w+$/, "") : `${operand.text}.${call.program}` });
        if (!call.has("-k", "--keep") && !/zstd|lz4|brotli/.test(call.program)) call.delete(operand, call.has("-r", "--recursive"));
      }
      return decompresses ? unknown(call.stdin.sources | source.decoded) : unknown(call.stdin.sources);
    },
  },
  unzip: {
    options: "-[aCcfjLlnopqtuvXZz]  -d= write  -x=  -P=",
    run: extract,
  },
  zipinfo: { options: "-[1hlMmsTtvZz]", operands: ["read", "text"] },
  zip: {
    options: `
      -[0123456789@ADdeFgJjkLlmnoqrSTuvXy]  -x=  -i=  -P=  -b= write  -t=  -tt=  -s=  -TT code:program  -O= write
    `,
    run: (call) => {
      const [archive, ...files] = call.operands;
      if (archive !== undefined) call.write(archive);
      for (const file of files) call.read(file, call.has("-r"));
      if (call.has("-T") || call.args.some((item) => /unzip-command|^-TT/.test(item.text))) call.code("program");
      if (call.has("-m")) for (const file of files) call.delete(file, call.has("-r"));
      return undefined;
    },
  },
  "7z 7za 7zz 7zr rar unrar ar cpio pax cabextract unar lha arj dpkg-deb rpm2cpio jar": {
    effects: ["change:files", "code:archive"],
    run: opensFiles,
  },
};

/** tar: operations first, and then a cluster may stand without a dash. */
function tar(call: Call): Text {
  const { args } = call;
  const words = args.map((item) => item.text);
  const first = words[0] ?? "";
  const cluster = first.startsWith("--") ? "" : first.replace(/^-/, "");
  const old = !first.startsWith("-");
  const operands: Field[] = [];
  let directory = field(".");
  let lists = /^[^xcruAd]*t/.test(cluster);
  let extracts = /x/.test(cluster);
  let creates = /[cruA]/.test(cluster);
  let stdout = false;
  let archive = undefined as typeof directory | undefined;
  let at = 0;
  /** A program that it starts, by a shell. */
  const starts = (script: typeof directory | undefined): void => {
    call.code("program");
    if (script !== undefined) call.shell(script.text.startsWith("exec=") ? rest(script, 5) : script);
  };
  // A name that is not in the archive is repeated in a complaint, and so is the file that it was taken from.
  const names = (file: typeof directory | undefined): void => {
    if (file !== undefined) call.read(file);
    call.findings.open("reads", "`tar` takes names from a file");
  };
  if (old) {
    at = 1;
    for (const letter of cluster) {
      if (!/[fbCTXIKNVgHFL]/.test(letter)) {
        if (!/[xtcruAdvzjJZamphklowWpPOsSUiBnRG]/.test(letter)) call.unrecognized(`option \`${letter}\` is not known`);
        continue;
      }
      if (letter === "f") archive = args[at];
      else if (letter === "C") directory = below(directory, args[at]);
      else if (/[IF]/.test(letter)) starts(args[at]);
      else if (/[TX]/.test(letter)) names(args[at]);
      at += 1;
    }
  }
  for (; at < args.length; at += 1) {
    const item = args[at];
    if (item === undefined) break;
    const word = item.text;
    const next = args[at + 1];
    if (!word.startsWith("-") || word === "-") {
      if (/^[\uE000\uE002]/.test(word) || (item.glob && /^[*?[]/.test(word)))
        call.findings.openAll("a word of `tar` that is not known may be an option");
      operands.push(below(directory, item));
    } else if (
      /^--(?:checkpoint-action|to-command|use-compress-program|info-script|new-volume-script|rsh-command|rmt-command)/.test(word) ||
      /^--(?:use|to-c|checkpoint-a|info|new-v|rsh|rmt)/.test(word)
    ) {
      starts(word.includes("=") ? rest(item, word.indexOf("=") + 1) : next);
      if (!word.includes("=")) at += 1;
    } else if (/^--(?:extract|get|list|create|append|update|catenate|concatenate|diff|compare|delete)$/.test(word)) {
      lists ||= word === "--list";
      extracts ||= /extract|get/.test(word);
      creates ||= !/list|extract|get|diff|compare/.test(word);
    } else if (/^--(?:file|directory)(?:=|$)/.test(word)) {
      const value = word.includes("=") ? rest(item, word.indexOf("=") + 1) : next;
      if (!word.includes("=")) at += 1;
      if (word.startsWith("--file")) archive = value;
      else directory = below(directory, value);
    } else if (/^--(?:files-from|exclude-from)(?:=|$)/.test(word)) {
      names(word.includes("=") ? rest(item, word.indexOf("=") + 1) : next);
      if (!word.includes("=")) at += 1;
    } else if (/^--(?:remove-files|unlink-first|recursive-unlink)$/.test(word)) {
      call.findings.open("deletes", "`tar` removes the files that it archives or unpacks over");
    } else if (
      /^--(?:exclude|strip-components|transform|xform|owner|group|mode|mtime|checkpoint|newer|after-date|one-top-level|format|sort|level|listed-incremental|suffix|backup|blocking-factor|label|warning|occurrence|no-.*|exclude-.*|verbose|gzip|gunzip|ungzip|bzip2|xz|zstd|lzma|lzip|auto-compress|keep-old-files|overwrite|same-owner|numeric-owner|preserve-permissions|preserve|dereference|hard-dereference|absolute-names|wildcards|anchored|ignore-case|to-stdout|totals|sparse|touch|verify|utc|full-time|quoting-style|one-file-system|null|skip-old-files|keep-newer-files|posix|pax-option|acls|xattrs|selinux)(?:=|$)/.test(
        word,
      )
    ) {
      stdout ||= word === "--to-stdout";
      if (
        /^--(?:exclude|strip-components|transform|xform|owner|group|mode|mtime|newer|after-date|format|listed-incremental|label)$/.test(
          word,
        )
      )
        at += 1;
    } else if (word.startsWith("--")) {
      call.unrecognized(`option \`${word}\` is not known`);
    } else {
      for (let index = 1; index < word.length; index += 1) {
        const letter = word[index] ?? "";
        if (/[fbCTXIKNVgHFL]/.test(letter)) {
          const value = index + 1 < word.length ? rest(item, index + 1) : next;
          if (index + 1 === word.length) at += 1;
          if (letter === "f") archive = value;
          else if (letter === "C") directory = below(directory, value);
          else if (/[IF]/.test(letter)) starts(value);
          else if (/[TX]/.test(letter)) names(value);
          break;
        }
        if (!/[xtcruAdvzjJZamphklowWpPOsSUiBnRG]/.test(letter)) call.unrecognized(`option \`-${letter}\` is not known`);
        lists ||= letter === "t";
        extracts ||= letter === "x";
        creates ||= /[cruA]/.test(letter);
        stdout ||= letter === "O";
      }
    }
  }
  if (archive !== undefined && /^[^/]*:/.test(archive.text)) call.effect("network");
  if (creates) {
    if (archive !== undefined && archive.text !== "-") call.write(archive);
    for (const operand of operands) call.read(operand, true);
  } else if (archive !== undefined && archive.text !== "-") {
    call.read(archive);
  }
  if (extracts && !stdout) {
    call.effect("change:files");
    call.findings.open("writes", "what `tar` unpacks is for the archive to say");
  }
  if (!extracts && !creates && !lists && !words.some((word) => /^--(?:diff|compare)$/.test(word) || /^-?[^-]*d/.test(word)))
    call.unrecognized("what it is to do is not clear");
  return unknown(call.stdin.sources | (extracts ? source.decoded : 0));
}

/** Where a name leads behind `-C directory`, which itself starts from the one before. */
function below(directory: Field, name: Field | undefined): Field {
  if (name === undefined) return directory;
  if (directory.text === "." || name.text.startsWith("/") || name.text === "") return name;
  const text = `${directory.text}/${name.text}`;
  return { ...name, text, glob: name.glob || directory.glob, sources: name.sources | directory.sources, content: null };
}

function extract(call: Call): Text {
  const [archive] = call.operands;
  if (archive !== undefined) call.read(archive);
  if (call.has("-l", "-v", "-Z", "-t", "-z")) return unknown();
  if (call.has("-p", "-c")) return unknown(source.decoded);
  call.effect("change:files");
  call.findings.open("writes", "what `unzip` unpacks is for the archive to say");
  return unknown();
}

function opensFiles(call: Call): undefined {
  call.findings.open("writes", `what \`${call.program}\` writes is for the archive to say`);
}
