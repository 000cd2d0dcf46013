// `npm run sbom`: what each published package brings along, as CycloneDX, in `sbom/`. npm resolves each package as a user's install would, without its
// development dependencies; nothing is installed.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "sbom");
const work = mkdtempSync(join(tmpdir(), "canopy-sbom-"));
const shell = process.platform === "win32";

/** Standard output of a command; what it says beside that is shown only where it fails. */
function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: "utf8", shell, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 * 1024 * 1024 });
}

const packages = readdirSync(join(root, "packages"))
  .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8")) }))
  .filter(({ manifest }) => manifest.private !== true);

const tarballs = new Map(
  packages.map(({ folder, manifest }) => {
    const out = run("pnpm", ["pack", "--json", "--pack-destination", work], join(root, "packages", folder));
    return [manifest.name, JSON.parse(out).filename];
  }),
);

mkdirSync(target, { recursive: true });
for (const { folder, manifest } of packages) {
  const app = join(work, `app-${folder}`);
  mkdirSync(app);
  // Packages of this repository come from here: their new versions are on no registry yet.
  const own = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter((name) => tarballs.has(name));
  const dependencies = Object.fromEntries([manifest.name, ...own].map((name) => [name, `file:${tarballs.get(name)}`]));
  const overrides = Object.fromEntries([...tarballs].map(([name, file]) => [name, `file:${file}`]));
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", version: "1.0.0", private: true, dependencies, overrides }));
  run("npm", ["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"], app);
  const bill = run("npm", ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"], app);
  const file = join(target, `${folder}.cdx.json`);
  writeFileSync(file, bill);
  console.log(`${file}: ${JSON.parse(bill).components.length} components`);
}
rmSync(work, { recursive: true, force: true });
