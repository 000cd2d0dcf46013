// Package managers, build tools and linters. They run what the project or its packages say, so that each is code that is not analysed.
import type { Call } from "../call.ts";
import type { CommandTable, Effect } from "../grammar.ts";
import { literal, rest, unknown } from "../text.ts";
import type { Text } from "../text.ts";
import { remote } from "./network.ts";

export const buildCommands: CommandTable = {
  "npm pnpm yarn": {
    run: (call) =>
      packageManager(
        call,
        /^(?:i|in|ins|inst|insta|instal|install|add|ci|clean-install|update|up|upgrade|dedupe|link|rebuild|create|init|dlx|exec|x|import|install-test|it|audit-fix)$/,
        /^(?:view|info|show|v|search|s|outdated|ping|whoami|login|logout|adduser|publish|unpublish|deprecate|owner|access|team|token|profile|star|stars|audit|fund|doctor|dist-tag|org|hook)$/,
      ),
  },
  "npx pnpx bunx uvx pipx corepack degit": {
    effects: ["install:package", "network", "code:package"],
    run: (call) => {
      call.args.forEach((item, index) => {
        const script = item.text.startsWith("--call=") ? rest(item, 7) : call.args[index + 1];
        if (script !== undefined && /^(?:-c|--call(?:=|$))/.test(item.text)) call.shell(script);
      });
      return undefined;
    },
  },
  "pip uv poetry pdm pipenv conda mamba micromamba rye hatch easy_install": {
    run: (call) =>
      packageManager(
        call,
        /^(?:install|add|sync|update|upgrade|download|wheel|run|create|tool|lock|develop|env|uninstall|remove)$/,
        /^(?:search|index|publish|login)$/,
      ),
  },
  "cargo rustup": {
    run: (call) =>
      packageManager(
        call,
        /^(?:install|add|update|fetch|toolchain|component|target|default|self|binstall)$/,
        /^(?:search|publish|login|owner|yank|info)$/,
      ),
  },
  "gem bundle bundler": {
    run: (call) =>
      packageManager(call, /^(?:install|update|add|exec|fetch|uninstall)$/, /^(?:search|push|signin|owner|list-remote|outdated)$/),
  },
  go: { run: (call) => packageManager(call, /^(?:install|get|run|mod|work|generate|tool)$/, /^$/) },
  "composer pecl pear cpan cpanm luarocks cabal stack mix hex rebar3 nuget vcpkg conan pub dart flutter swiftpm carthage": {
    effects: ["install:package", "network", "code:package"],
  },
  // These also print what sets up a shell for what they installed.
  opam: remote(/^env$/, "install:package", "network", "code:package"),
  brew: remote(/^shellenv$/, "install:system_package", "network", "privilege:packages"),
  "apt apt-get aptitude dpkg rpm yum dnf zypper pacman yay apk emerge port snap flatpak nix nix-env nix-build guix winget choco scoop mas softwareupdate installer pkg pkg_add tdnf microdnf":
    { effects: ["install:system_package", "network", "privilege:packages"] },
  "apt-cache dpkg-query": {
    options: "-[aiLlnqSsW]  -f=  --list  --listfiles  --status  --installed",
  },
  "make gmake bmake cmake ninja meson bazel buck gradle gradlew mvn mvnw ant sbt lein scons waf just task rake invoke tox nox ctest xcodebuild msbuild autoconf automake configure rustfmt":
    { effects: ["code:build"] },
  "eslint prettier tsc biome oxlint oxfmt stylelint rollup webpack vite esbuild parcel swc babel jest vitest mocha ava jasmine karma cypress playwright storybook next nuxt astro remix turbo nx lerna rush gulp grunt ts-jest tsup tsdown rolldown knip changeset husky lint-staged commitlint semantic-release nodemon pm2 forever concurrently cross-env dotenv-cli serve http-server live-server json-server prisma drizzle-kit sequelize typeorm knex":
    { effects: ["code:build"] },
  "pytest py.test ruff black flake8 mypy pylint isort pyright bandit coverage sphinx-build mkdocs unittest nosetests django-admin flask uvicorn gunicorn celery alembic pre-commit cookiecutter":
    { effects: ["code:build"] },
  "rspec rubocop rails jekyll phpunit phpstan psalm artisan golangci-lint gofmt gofumpt goimports staticcheck dlv air clang-format clang-tidy cppcheck valgrind shellcheck shfmt hadolint actionlint yamllint markdownlint vale typos ktlint detekt checkstyle spotless swiftlint swiftformat":
    { effects: ["code:build"] },
  "docker podman nerdctl buildah docker-compose podman-compose ctr crictl lxc lxd incus vagrant qemu-system-x86_64 virsh multipass colima limactl minikube kind k3d":
    { effects: ["privilege:containers", "code:container"] },
};

/** Subcommands by what they do; all but asking for the version or a listing run code of the project. */
function packageManager(call: Call, installs: RegExp, network: RegExp): Text {
  const words = call.args.map(literal);
  if (words.length === 1 && /^(?:-v|-V|version)$/.test(words[0] ?? "")) return unknown();
  const effects = new Set<Effect>(["code:build"]);
  for (const word of words) {
    if (word === undefined || word.startsWith("-")) continue;
    if (installs.test(word)) {
      effects.add("install:package");
      effects.add("network");
    }
    if (network.test(word)) effects.add("network");
  }
  // yarn alone installs.
  if (call.program === "yarn" && words.every((word) => word?.startsWith("-") === true)) effects.add("install:package");
  for (const effect of effects) call.effect(effect);
  return unknown();
}
