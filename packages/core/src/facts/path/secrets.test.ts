import { describe, expect, it } from "vitest";
import { analysePath } from "../path.ts";

const base = { cwd: "/repo", home: "/home/agent", workspace: "/repo" };

describe("secrets", () => {
  it.each([
    "~/.cache/huggingface/token",
    "~/.config/stripe/config.toml",
    "~/.local/share/com.vercel.cli/auth.json",
    "~/.config/solana/id.json",
    "infra/terraform.tfstate",
    "release.JKS",
    "certs/privkey.pem",
    "config/master.key",
    ".env_local",
    "/private/etc/master.passwd",
    "/System/Volumes/Data/private/etc/master.passwd",
    "/mnt/c/Windows/System32/config/SAM",
    "/etc/letsencrypt/live/a/privkey.pem",
    "/dev/input/event0",
  ])("are in %s", (text) => expect(analysePath(text, base).secret).toBe(true));

  it.each(["src/keystore.ts", "terraform.tf", "docs/master.key.md", "/mnt/c/work/a.txt", "certs/chain.pem", ".env-notes.md"])(
    "are not in %s",
    (text) => expect(analysePath(text, base).secret).toBe(false),
  );
});
