import fc from "fast-check";

/** A piece of a script, and the names of the productions that it was made by. */
export interface Piece {
  readonly text: string;
  readonly made: readonly string[];
}

function piece(name: string, ...texts: readonly string[]): fc.Arbitrary<Piece> {
  return fc.constantFrom(...texts).map((text) => ({ text, made: [name] }));
}

/** `parts` put together by `join`, as one more production. */
function of(name: string, join: (...texts: string[]) => string, ...parts: readonly fc.Arbitrary<Piece>[]): fc.Arbitrary<Piece> {
  return fc.tuple(...parts).map((made) => ({
    text: join(...made.map(({ text }) => text)),
    made: [name, ...made.flatMap((part) => part.made)],
  }));
}

/**
 * Scripts of bash as people and models write them, with every kind of quoting, expansion, redirect and control flow. The programs are `p0` to `p5`, in the order of `programs`; no
 * script goes on for ever, needs input, or names a file outside its directory. `V`, `W`, `E` and `L` are set before, `N` is not; the files `f1` and
 * `f2` are there.
 */
const grammar = fc.letrec<{
  script: Piece;
  list: Piece;
  command: Piece;
  simple: Piece;
  compound: Piece;
  word: Piece;
  part: Piece;
  redirect: Piece;
}>((tie) => ({
  part: fc.oneof(
    { weight: 6, arbitrary: piece("plain", "a", "b-c", "x.y", "/z", "1", "=", ",", "%", "@", ":", "+w", "x--opt") },
    piece("single quotes", "'q r'", "''", "'$V'", "'\\'", "'a;b'"),
    piece("double quotes", '"d e"', '""', '"$V"', '"a$W-b"', '"\\"\\$\\\\"', '"${V}x"', '"`echo v`"', '"*"'),
    piece("backslash", "\\ ", "\\'", "\\\\", "\\$V", "\\;", "\\*", "\\a", "\\\n"),
    piece("$'…'", "$'\\x41\\t'", "$'\\101'", "$'\\u0042'", "$'a\\'b'", "$'\\e\\n'", "$'\\cA'"),
    piece('$"…"', '$"t$W"'),
    piece("variable", "$V", "${V}", "$W", "$E", "$N", '"$V"', "${W}"),
    piece("default", "${V:-no}", "${N:-dflt}", "${N-$W}", "${E:-e}", "${E-e}", "${V:+yes}", "${N:+yes}", "${N:=set}", '"${N:-a b}"'),
    piece("pattern", "${L#*/}", "${L##*/}", "${L%/*}", "${L%%/*}", "${L/a/X}", "${L//\\//_}", "${W^^}", "${W^}", "${L:1:3}", "${#L}"),
    piece("arithmetic", "$((1+2))", "$((2*3-1))", "$(( 7 / 2 ))", '"$((1<2))"'),
    piece("substitution", "$(echo s)", '"$(echo t u)"', "$(echo t u)", "$(printf %s v)", "`echo w`", "$( : )"),
    piece("braces", "{m,n}", "{1..3}", "{a,b{c,d}}", "x{,y}", "{c..a}", "{x}", "{1..9..4}"),
    piece("glob", "f?", "f*", "[f]1", "g*", "*.none"),
    piece("tilde", "~/z"),
    piece("array", '"${A[@]}"', "${A[1]}", '"${A[*]}"', "${#A[@]}", "${A[@]}"),
    piece("positional", '"$@"', "$1", "$#", "${2:-two}", '"$*"'),
    piece("hash", "a#b", "\\#"),
  ),
  word: fc
    .array(tie("part"), { minLength: 1, maxLength: 3 })
    .map((parts) => ({ text: parts.map(({ text }) => text).join(""), made: parts.flatMap(({ made }) => made) })),
  redirect: fc.oneof(
    { weight: 3, arbitrary: piece("no redirect", "") },
    of("output to a file", (target) => ` > o${target.length % 3}`, tie("word")),
    piece(
      "redirects",
      " >> o4",
      " 2> o5",
      " 2>&1",
      " >/dev/null",
      " &> o6",
      " >| o7",
      " < f1",
      " 3<> o8",
      " >&2",
      " 2>/dev/null >&2",
      " {fd}> o9",
    ),
    of("here string", (word) => ` <<< ${word}`, tie("word")),
    piece("quoted target", ' > "o 10"', " > $W.out", ' > "$L"-x', " > o{11}", " >'o12'"),
  ),
  simple: fc.oneof(
    {
      weight: 8,
      arbitrary: of(
        "command",
        (program, a, b, redirect) => `${program} ${a} ${b}${redirect}`,
        piece("program", "p0", "p1", "p2", "'p3'", 'sle"ep"', "\\p5", "$P", "tes$'t'", "$'\\x74est'", "t{rue,est}"),
        tie("word"),
        tie("word"),
        tie("redirect"),
      ),
    },
    of("prefixed", (word) => `X=${word} Y=2 p0 "$X"`, tie("part")),
    of(
      "builtin prefix",
      (prefix, word) => `${prefix} p1 ${word}`,
      piece("prefix", "command", "builtin command", "command --", "time", "!", "exec 5>&1;"),
      tie("word"),
    ),
    of("assignment", (word) => `V=${word}; p0 "$V"`, tie("part")),
    of("array assignment", (a, b) => `A=(${a} ${b}); p1 "\${A[@]}"`, tie("word"), tie("word")),
    of("appending", (word) => `V+=${word}; p2 "$V"`, tie("part")),
    of("set", (a, b) => `set -- ${a} ${b}; p2 "$@"; shift; p3 "$1"`, tie("word"), tie("word")),
    of("eval", (word) => `eval "p4 x; p5" ${word}`, tie("word")),
    of("eval of a variable", (word) => `C='p0 a'; eval "$C" ${word}; $C`, tie("word")),
    of("read", (word) => `read -r R S <<< ${word}; p0 "$R" "$S"`, tie("word")),
    of("printf -v", (word) => `printf -v V %s ${word}; p1 "$V"`, tie("word")),
    of("unset", (word) => `unset V; p0 $V ${word}`, tie("word")),
    of("split by", (word) => `IFS=:; p0 $I ${word}; unset IFS`, tie("word")),
    of("local", (word) => `g() { local V=${word}; p1 "$V" "$1"; }; g k; p2 "$V"`, tie("part")),
    of("declare", (word) => `declare V=${word}; export Y=1; p3 "$V"`, tie("part")),
    piece("reference", 'declare -n R=W; p0 "$R"', "R=W; p0 ${!R}", "let V=3; p1 $V", "((V=4)); p2 $V"),
    piece("trap", "trap 'p5 bye' EXIT", "(trap 'p4 t' EXIT; p3 u)"),
    piece("alias", "shopt -s expand_aliases; alias al='p0 aliased'\nal x"),
    piece("return", "h() { p0 in; return 0; p1 out; }; h"),
    piece("subshell variables", '(V=inner; p0 "$V"); p1 "$V"'),
    piece("comment", "p0 a # p1 b", "# nothing\np2 c"),
    piece("line continuation", "p0 a \\\n b"),
    piece(
      "substitution in a pattern",
      "p5 ${L/$(p0 a/b)/c}",
      'p4 "${L//`p1 b/c`/d}"',
      "p3 ${L/%$(p2 })/e}",
      "p2 ${L:$(p3 a:b):1}",
      "p1 [$(p4 c)]x {$(p5 d),y}",
    ),
    piece(
      "quotes in an expansion",
      `p5 "\${N:-'$(p0 a)'}"`,
      `p4 "\${N:-$'$(p1 b)'}"`,
      `p3 "\${N-\${N:-'$(p2 c)'}}"`,
      `p2 \${N:-'$(p3 d)'} "\${L#'$(p4 e)'}"`,
    ),
    piece("array element", "A=([$(p0 1)]=x)", "A=(['$(p1 1)']=x)", 'A["$(p2 1)"]=x', "declare -a A='($(p3 1))'", "p4 {${A[$(p5 1)]},b}"),
    piece("process substitution", "p0 <(p1 a)", "p2 > >(p3 b)"),
    piece(
      "heredoc",
      "p0 <<X\n$V $(p1 h)\nX\n",
      "p0 <<'X'\n$(p1 h)\nX\n",
      `p1 <<X\n\${N:-'$(p2 h)'} \${N:-['$(p3 i)']}\nX\n`,
      "p1 <<-X\n\tt\n\tX\n",
      'p2 "$(cat <<X\nin $W\nX\n)"',
    ),
    piece("shell in shell", "bash -c 'p0 a \"$1\"' x y", "sh -c 'p1 b; p2'", "bash <<< 'p3 c'", "echo 'p4 d' | bash", 'bash -c "p5 $W"'),
  ),
  compound: fc.oneof(
    of("group", (list) => `{ ${list}\n}`, tie("list")),
    of("subshell", (list) => `( ${list}\n)`, tie("list")),
    of("if", (a, b, c) => `if ${a}\nthen ${b}\nelse ${c}\nfi`, tie("list"), tie("list"), tie("list")),
    of("elif", (a, b) => `if false; then p0; elif ${a}\nthen ${b}\nfi`, tie("list"), tie("list")),
    of("for", (word, list) => `for i in ${word} k; do ${list}\np0 "$i"; done`, tie("word"), tie("list")),
    of("for, counted", (list) => `for ((i=0; i<2; i++)); do ${list}\np1 $i; done`, tie("list")),
    of("while", (list) => `while [ "\${#n}" -lt 2 ]; do n=\${n}x; ${list}\ndone`, tie("list")),
    of("until", (list) => `until [ "\${#n}" -ge 3 ]; do n=\${n}x; ${list}\ndone`, tie("list")),
    of("case", (word, a, b) => `case ${word} in a*) ${a}\n;; f1|"d e") ${b};; *) p5 else;; esac`, tie("word"), tie("list"), tie("list")),
    of("function", (list, word) => `f() { ${list}\np0 "$1"; }; f ${word}`, tie("list"), tie("word")),
    of("function keyword", (list) => `function k { ${list}\n}\nk a b`, tie("list")),
    of("test", (word, list) => `[[ -n ${word} && 1 -lt 2 ]] && { ${list}\n}`, tie("part"), tie("list")),
    of("captured", (list) => `V=$( ${list}\n); p0 "$V"`, tie("list")),
    of("capturing in a word", (command) => `p1 x$(${command})y`, tie("simple")),
    of("group with redirect", (list) => `{ ${list}\n} > o1 2>&1`, tie("list")),
    of("break", (list) => `for i in 1 2; do ${list}\nbreak; p5; done`, tie("list")),
  ),
  command: fc.oneof({ weight: 3, arbitrary: tie("simple") }, { weight: 1, arbitrary: tie("compound") }),
  list: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie("command"),
    of("sequence", (a, b) => `${a}\n${b}`, tie("command"), tie("list")),
    of("and", (a, b) => `${a} && ${b}`, tie("simple"), tie("command")),
    of("or", (a, b) => `${a} || ${b}`, tie("simple"), tie("command")),
    of("pipeline", (a, b) => `${a} | ${b}`, tie("simple"), tie("simple")),
    of("pipe of both", (a, b) => `${a} |& ${b}`, tie("simple"), tie("simple")),
    of("background", (a) => `${a} &\nwait`, tie("simple")),
  ),
  script: tie("list"),
}));

/** Programs whose every argument is harmless, so that nothing is left open on their account. */
export const programs: readonly string[] = ["true", "false", "test", "nproc", "sleep", "factor"];

export const script: fc.Arbitrary<Piece> = grammar.script.map(({ text, made }) => ({
  text: text.replaceAll(/\bp([0-5])\b/g, (_, index: string) => programs[Number(index)] ?? ""),
  made,
}));

/** What every script finds. */
export const preamble = "V='v w'; W=x; E=; L=a/b/ac; I=i:j; P=true; n=; A=(one 'two three'); set -- first 'second one'\n";
