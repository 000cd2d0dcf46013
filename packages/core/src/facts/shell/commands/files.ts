// Programs that create, change and remove files: GNU coreutils and util-linux manuals, with what BSD and macOS add.
import type { Call } from "../call.ts";
import type { CommandTable } from "../grammar.ts";
import { baseName } from "../paths.ts";
import { empty, field, isKnown, literal, rest, withoutEnd } from "../text.ts";
import type { Field, Text } from "../text.ts";

export const fileCommands: CommandTable = {
  rm: {
    options: `
      -[IiPW]  -f,--force  --interactive[=]  -r,-R,--recursive  -d,--dir  -v,--verbose  -x,--one-file-system  --preserve-root[=]
      --no-preserve-root
    `,
    run: (call) => remove(call, call.has("-r") || mayHide(call, "r")),
  },
  unlink: { options: "", operands: "delete", run: () => empty },
  rmdir: { options: "-p,--parents  -v,--verbose  --ignore-fail-on-non-empty", operands: "delete", run: () => empty },
  "srm wipe trash trash-put rimraf del": { operands: "delete", run: (call) => remove(call, true) },
  shred: {
    options: `
      -f,--force  -n,--iterations=  --random-source= read  -s,--size=  -u,--remove[=]  -v,--verbose  -x,--exact  -z,--zero
    `,
    operands: "write",
    run: (call) => (call.has("-u") ? remove(call, false) : empty),
  },
  truncate: { options: "-c,--no-create  -o,--io-blocks  -r,--reference= list  -s,--size=", operands: "write" },
  mkdir: { options: "-m,--mode=  -p,--parents  -v,--verbose  -Z,--context[=]", operands: "write" },
  touch: {
    options: `
      -[afm]  -c,--no-create  -d,--date=  -h,--no-dereference  -r,--reference= list  -t=  --time=
    `,
    operands: "write",
  },
  mkfifo: { options: "-m,--mode=  -Z,--context[=]", operands: "write" },
  mknod: { options: "-m,--mode=  -Z,--context[=]", operands: ["write", "text"], effects: ["privilege:device"] },
  mktemp: {
    options: "-t  -d,--directory  -u,--dry-run  -q,--quiet  -p,--tmpdir[=]  --suffix=",
    effects: ["change:temporary_file"],
  },
  tee: {
    options: "-p  -a,--append  -i,--ignore-interrupts  --output-error[=]",
    operands: "write",
    run: (call) => {
      for (const operand of call.operands) call.interpreter.keep(operand, call.state, call.stdin, call.has("-a"));
      return call.stdin;
    },
  },
  cp: {
    options: `
      -[abcdfHiLlnPpRrsTuvXxZ]  --archive  --attributes-only  --backup[=]  --copy-contents  --debug  --force  --interactive
      --link  --dereference  --no-clobber  --no-dereference  --parents  --preserve[=]  --no-preserve=  --recursive  --reflink[=]
      --remove-destination  --sparse=  --strip-trailing-slashes  --symbolic-link  -S,--suffix=  -t,--target-directory=
      --no-target-directory  --update[=]  --verbose  --one-file-system  --context[=]  --keep-directory-symlink
    `,
    run: (call) => transfer(call, "read"),
  },
  mv: {
    options: `
      -[bfinTuvZ]  --backup[=]  --debug  --exchange  --force  --interactive  --no-clobber  --no-copy  --strip-trailing-slashes
      -S,--suffix=  -t,--target-directory=  --no-target-directory  --update[=]  --verbose  --context[=]
    `,
    run: (call) => transfer(call, "delete"),
  },
  ln: {
    options: `
      -[bdFfiLnPrsTvw]  --backup[=]  --directory  --force  --interactive  --logical  --no-dereference  --physical  --relative
      --symbolic  -S,--suffix=  -t,--target-directory=  --no-target-directory  --verbose
    `,
    run: (call) => transfer(call, "list"),
  },
  link: { options: "", operands: ["list", "write"] },
  install: {
    options: `
      -[bCcDpsTv]  -d,--directory  -g,--group=  -m,--mode=  -o,--owner=  -S,--suffix=  -t,--target-directory=  --backup[=]
      --compare  --preserve-timestamps  --strip  --strip-program= program  --no-target-directory  --verbose  -Z,--context[=]
      --preserve-context
    `,
    run: (call) => {
      for (const mode of call.values("-m")) permissions(call, mode);
      if (!call.has("-d")) return transfer(call, "read");
      for (const operand of call.operands) call.write(operand);
      return empty;
    },
  },
  chmod: {
    options: `
      -[agHhLoPrstuwXx]  -c,--changes  -f,--silent,--quiet  -v,--verbose  --no-preserve-root  --preserve-root  -R,--recursive
      --reference= list
    `,
    run: (call) => {
      const hasMode = call.arguments.options.some((option) => /^-[rwxXstugoa]$/.test(option.spec.name)) || call.has("--reference");
      const mode = hasMode ? undefined : call.operands[0];
      const files = hasMode ? call.operands : call.operands.slice(1);
      if (mode !== undefined) permissions(call, mode);
      for (const file of files) call.write(file, call.has("-R"));
      return empty;
    },
  },
  "chown chgrp": {
    options: `
      -[HLP]  -c,--changes  -f,--silent,--quiet  -v,--verbose  --dereference  -h,--no-dereference  --from=  --no-preserve-root
      --preserve-root  --reference= list  -R,--recursive
    `,
    effects: ["privilege:ownership"],
    run: (call) => {
      for (const file of call.has("--reference") ? call.operands : call.operands.slice(1)) call.write(file, call.has("-R"));
      return empty;
    },
  },
  "chattr chflags": {
    options: "-[AaCcDdefijmPpRSsTtuVvx]",
    operands: ["text", "write"],
    effects: ["privilege:attributes"],
  },
  setfacl: {
    effects: ["privilege:permissions"],
    operands: "write",
    options: `
      -m,--modify=  -x,--remove=  -b,--remove-all  -k,--remove-default  -R,--recursive  -d,--default
    `,
  },
  "setfattr xattr": { effects: ["change:attributes"], operands: "write", options: "-[chrw]  -n=  -v=  -x=  -d=" },
  setcap: { effects: ["privilege:capabilities"] },
  split: {
    options: `
      -[dx]  -a,--suffix-length=  --additional-suffix=  -b,--bytes=  -C,--line-bytes=  --numeric-suffixes[=]  --hex-suffixes[=]
      -e,--elide-empty-files  --filter= script code:filter  -l,--lines=  -n,--number=  -t,--separator=  -u,--unbuffered  --verbose
      -NUM
    `,
    run: (call) => {
      const [from, prefix = field("x")] = call.operands;
      if (from !== undefined) call.read(from);
      if (!call.has("--filter")) call.write({ ...prefix, text: `${prefix.text}*`, glob: true });
      return empty;
    },
  },
  csplit: {
    options: `
      -b,--suffix-format=  -f,--prefix=  -k,--keep-files  -n,--digits=  --suppress-matched  -s,--quiet,--silent
      -z,--elide-empty-files
    `,
    run: (call) => {
      const [from] = call.operands;
      if (from !== undefined) call.read(from);
      const [prefix = field("xx")] = call.values("-f");
      call.write({ ...prefix, text: `${prefix.text}*`, glob: true });
      return empty;
    },
  },
  dd: { noHelp: false, run: copyBlocks },
  fallocate: { options: "-[cdinpvxz]  -l=  -o=", operands: "write" },
  patch: {
    effects: ["change:files"],
    options: `
      -[bs]  -pNUM  -p=  -i,--input= read  -R,--reverse  -N,--forward  --dry-run  -d= list  -o= write
    `,
    run: opensWrites,
  },
  rename: { effects: ["change:files"], run: opensWrites },
};

function opensWrites(call: Call): undefined {
  call.findings.open("writes", `what \`${call.program}\` changes depends on its input`);
  call.findings.open("deletes", `what \`${call.program}\` changes depends on its input`);
}

function remove(call: Call, recursive: boolean): Text {
  for (const operand of call.operands) call.delete(operand, recursive);
  return empty;
}

/** An option that was not understood, or a word that may be one, may hold the letter that is asked for. */
function mayHide(call: Call, letter: string): boolean {
  return call.args.some((item) => /^-[A-Za-z]+/.test(item.text) && item.text.includes(letter) && !item.text.startsWith("--"));
}

/** Sources, then a target: the last operand, or the value of `-t`. */
function transfer(call: Call, role: "read" | "delete" | "list"): Text {
  const [named] = call.values("-t");
  const all = call.operands;
  const target = named ?? (all.length > 1 ? all.at(-1) : role === "list" ? field(".") : undefined);
  const sources = named === undefined && all.length > 1 ? all.slice(0, -1) : all;
  for (const source of sources) {
    if (role === "read") call.read(source, call.has("-a", "-R", "-r", "--archive", "--recursive") && !call.has("-s", "-l"));
    else if (role === "delete") call.delete(source);
    else call.list(source);
  }
  if (target === undefined) return empty;
  const [only] = sources;
  const isDirectory = named !== undefined || sources.length > 1 || /\/\.{0,2}$|^\.{1,2}$/.test(target.text);
  call.write(target);
  for (const source of sources) {
    const name = baseName(withoutEnd(source.text, "/"));
    // The target may be a directory; then the name stays.
    const inside = { ...target, text: `${target.text.replace(/\/$/, "")}/${name}`, glob: target.glob || source.glob, content: null };
    if (isKnown(inside) && name !== "" && name !== "." && name !== "..") {
      if (isDirectory) call.write(inside);
      if (role !== "list") call.interpreter.keep(inside, call.state, call.interpreter.content(source, call.state), false);
    }
  }
  if (only !== undefined && sources.length === 1)
    call.interpreter.keep(target, call.state, call.interpreter.content(only, call.state), false);
  return empty;
}

/** A mode that lets a program run with its owner's rights (chmod(1), "Setuid and setgid bits"). */
function permissions(call: Call, mode: Field): void {
  const text = literal(mode);
  if (text === undefined || /^[0-7]*[2-7][0-7]{3}$/.test(text) || /[+=][rwxXt]*s/.test(text)) call.effect("privilege:setuid");
}

/** dd(1): operands are `name=value`. */
function copyBlocks(call: Call): Text {
  for (const item of call.args) {
    const { text } = item;
    const value = rest(item, 3);
    if (text.startsWith("if=")) call.read(value);
    else if (text.startsWith("of=")) call.write(value);
    else if (!/^(?:bs|ibs|obs|cbs|count|skip|seek|iseek|oseek|conv|iflag|oflag|status)=/.test(text))
      call.unrecognized("an operand of it is not known");
  }
  return call.args.some((item) => item.text.startsWith("of=")) ? empty : { ...call.stdin, text: `\uE000${call.stdin.text}` };
}
