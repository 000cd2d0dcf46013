import { describe, expect, it } from "vitest";
import { judge } from "./judge.test.support.ts";

/** Each of these runs `rm -rf /` in bash 5.2. */
const running: Readonly<Record<string, readonly string[]>> = {
  "behind a slash in a pattern": [
    "x=a; echo ${x/$(/bin/rm -rf /)/}",
    'echo "${HOME//$(true;/bin/rm -rf /)/b}"',
    "echo ${PWD/#`/bin/rm -rf /`}",
    "x=a; : ${x/%$(: ')'; /bin/rm -rf /)}",
    "x=a; cat <<X\n${x/$(/bin/rm -rf /)/}\nX",
    "x=abc; echo ${x:$(echo 1; : a:b; rm -rf /):1}",
  ],
  "in single quotes that are none": [
    "cat <<X\n${x:-'$(rm -rf /)'}\nX",
    "cat <<X\n${x:-${y:-'$(rm -rf /)'}}\nX",
    "cat <<X\n${x:-['$(rm -rf /)']}\nX",
    "echo \"${x:-'$(rm -rf /)'}\"",
    "echo \"${x:-$'$(rm -rf /)'}\"",
    "arr=(a); v=\"${arr[@]:+$'$(rm -rf /)'}\"",
  ],
  "inside a pattern or braces": ["local v=[$(rm -rf /)]", "echo [${x[$(rm -rf /)]}]", "echo {$(rm -rf /),b}", "echo @($(rm -rf /)|x)"],
};

/** Each of these evaluates what it says, and so runs the substitution in it (bash 5.2). */
const evaluating: readonly string[] = [
  "x='a[$(id)]'; b=([x]=1)",
  "read -r x < f; b=([x]=1)",
  "b=(['$(id)']=1)",
  'b=(["\\$(id)"]=1)',
  "declare b=(['$(id)']=1)",
  "declare -a b='($(id))'",
  "local -a b='([$(id)]=1)'",
  "declare -A b='([$(id)]=1)'",
  "x='($(id))'; declare -a b=\"$x\"",
  "declare -a b=$(cat f)",
  "echo {$(( 'b[$(id)]' )),c}",
  "echo {${b['$(id)']},c}",
  "read -r x < f; echo {${x@P},c}",
  "read -r x < f; echo [${!x}]",
  "eval : ['$(id)']",
  "eval : [$(echo '$(id)')]",
  "x=@('$(id)'); eval : $x",
  "eval ls *.txt",
];

describe("what bash runs inside an expansion", () => {
  it.each(Object.entries(running).flatMap(([where, scripts]) => scripts.map((script) => [where, script] as const)))(
    "is found %s: %j",
    (_, script) => {
      expect(judge(script)).toBe("DENY");
    },
  );

  it.each(evaluating)("is known to be evaluated: %j", (script) => {
    expect(judge(script)).toBe("REQUIRE_APPROVAL");
  });

  it.each([
    "x=a/b; echo ${x/a/$HOME} ${x//\\//_} \"${x/'a b'/c}\"",
    "cat <<X\nit's ${x:-'here'}\nX",
    "b=([0]=x [1]=y); echo ${b[1]}",
    "declare -A m=([one]=1 [two]=2); echo ${m[one]}",
    "declare -a files=(a.ts b.ts); echo ${files[0]}",
    'x=abc; echo ${x:0:2} ${x:1} "${x: -1}"',
    "ls [ab]*.ts",
  ])("is nothing where there is nothing: %j", (script) => {
    expect(judge(script)).toBe("ALLOW");
  });
});
