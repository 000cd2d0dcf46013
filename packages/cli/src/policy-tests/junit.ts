import { gaps, percent, tooLittle } from "./reporter.ts";
import type { Told } from "./reporter.ts";

/** JUnit's XML, as build servers read it. A file or policy that could not be tested is an error, coverage below what was asked for a failure. */
export function junit({ run, coverage }: Told): string {
  const suites = run.reports.map(({ policy, results, coverage: seen }) => {
    const cases = results.map(({ name, file, line, column, failures }) => {
      const said = failures.map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`).join("\n");
      return testcase(
        policy,
        name,
        said === "" ? "" : `<failure message=${attribute(said)}>${text(`${file}:${line}:${column}\n${said}`)}</failure>`,
      );
    });
    if (coverage !== null && coverage.least !== null) {
      const said = `coverage ${percent(seen)} %, wanted ${coverage.least} %`;
      cases.push(
        testcase(
          policy,
          "coverage",
          tooLittle(seen, coverage.least) ? `<failure message=${attribute(said)}>${text(gaps(seen).join("\n"))}</failure>` : "",
        ),
      );
    }
    return suite(policy, cases);
  });
  if (run.problems.length > 0) {
    const cases = run.problems.map((problem) => testcase("canopy", problem.split("\n")[0] ?? "", `<error message=${attribute(problem)}/>`));
    suites.push(suite("not tested", cases));
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("")}</testsuites>\n`;
}

function suite(name: string, cases: readonly string[]): string {
  const count = (tag: string): number => cases.filter((each) => each.includes(`<${tag} `)).length;
  return `  <testsuite name=${attribute(name)} tests="${cases.length}" failures="${count("failure")}" errors="${count("error")}">\n${cases.join("")}  </testsuite>\n`;
}

function testcase(policy: string, name: string, body: string): string {
  const head = `    <testcase classname=${attribute(policy)} name=${attribute(name)}`;
  return body === "" ? `${head}/>\n` : `${head}>${body}</testcase>\n`;
}

function attribute(value: string): string {
  return `"${text(value).replaceAll('"', "&quot;").replaceAll("\n", "&#10;").replaceAll("\t", "&#9;")}"`;
}

/** Characters that XML 1.0 cannot hold, even escaped, become U+FFFD; so does whatever else could trick a terminal. */
function text(value: string): string {
  // Of the control characters XML 1.0 (section 2.2) has these alone.
  const clean = value.toWellFormed().replaceAll(/(?![\t\n])\p{Cc}|[\uFFFE\uFFFF]/gu, "\uFFFD");
  return clean.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
