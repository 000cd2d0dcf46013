import { places } from "./pattern.ts";
import type { Places } from "./pattern.ts";

/**
 * What belongs to the operating system (Filesystem Hierarchy Standard 3.0, and what macOS adds). `/dev/shm` and the places that services and
 * images keep work in are left out here; who works there says so with a working directory or safe paths.
 */
export const systemPlaces: Places = places(
  ["/bin", "/sbin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sys", "/usr", "/efi"],
  ["/gnu", "/nix", "/snap", "/lost+found", "/vmlinuz*", "/initrd*", "/swapfile", "/.dockerenv"],
  ["/system", "/library", "/applications", "/cores", "/network", "/private/etc"],
  ["!/dev/shm", "!/usr/src"],
);

/** Belongs to the system too, unless the host named a working or home directory inside. */
export const lenientSystemPlaces: Places = places(
  ["/root", "/var", "/private/var", "/usr/src"],
  ["!/var/tmp", "!/var/folders", "!/private/var/tmp", "!/private/var/folders"],
);

/** The same on each Windows drive. */
export const windowsSystemPlaces: Places = places(
  ["/windows", "/winnt", "/program files", "/program files (x86)", "/programdata", "/boot", "/efi", "/recovery", "/perflogs"],
  ["/$recycle.bin", "/$winreagent", "/system volume information", "/documents and settings"],
  ["/bootmgr", "/bootnxt", "/pagefile.sys", "/swapfile.sys", "/hiberfil.sys", "/users/public", "/users/default", "/users/all users"],
);

/** Passwords, tokens, private keys, and what browsers and shells remember. */
export const secretPlaces: Places = places(
  [".ssh", ".aws", ".gnupg", ".kube", ".azure", ".oci", ".password-store", ".docker/config.json", ".dockercfg"],
  [".config/gh", ".config/hub", ".config/glab-cli", ".config/gcloud", ".config/op", ".config/doctl", ".config/sops", ".config/rclone"],
  [".config/git/credentials", ".config/composer/auth.json", ".composer/auth.json", ".config/github-copilot", ".config/heroku"],
  [".netrc", "_netrc", ".git-credentials", ".pypirc", ".pgpass", ".my.cnf", ".mylogin.cnf", ".s3cfg", ".boto", ".vault-token"],
  [".htpasswd", ".databrickscfg", ".snowsql/config", ".terraform.d/credentials.tfrc.json", ".terraformrc", ".gem/credentials"],
  [".cargo/credentials", ".cargo/credentials.toml", ".m2/settings.xml", ".m2/settings-security.xml", "~/.npmrc", "~/.yarnrc.yml"],
  ["~/.gradle/gradle.properties", ".codex/auth.json", ".claude/.credentials.json", ".gemini/oauth_creds.json"],
  [".cache/huggingface/token", ".huggingface/token", ".kaggle/kaggle.json", ".ngrok2", ".config/ngrok", ".fly/config.yml"],
  [".config/stripe", ".config/netlify", ".config/hcloud", ".config/scw", ".config/linode-cli", ".config/containers/auth.json"],
  [".local/share/com.vercel.cli", ".wrangler/config", ".config/.wrangler", ".supabase/access-token", ".railway/config.json"],
  [".pulumi/credentials.json", ".config/bitwarden", ".config/filezilla", ".local/share/atuin", ".irb_history", "~/.xauthority"],
  [".electrum", ".bitcoin", ".ethereum/keystore", ".config/solana/id.json"],
  ["terraform.tfstate", "terraform.tfstate.backup", "privkey*.pem", "private.key", "private.pem", "master.key", ".vault_pass", ".dev.vars"],
  [".env-local", ".env_local", ".#.env", "#.env#"],
  ["audit.log.approvals.db", "audit.log.approvals.db-*"],
  ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"],
  [".env", ".env.*", ".env~", "!.env.example", "!.env.sample", "!.env.template", "!.env.dist", "!.env.defaults", "!.env.schema"],
  ["!.env.*.example", "!.env.*.sample", "!.env.*.template", "!.env.*.dist"],
  [".envrc", ".bash_history", ".zsh_history", ".sh_history", ".history", ".python_history", ".node_repl_history", ".psql_history"],
  [".mysql_history", ".sqlite_history", ".rediscli_history", ".local/share/fish/fish_history", ".lesshst", ".viminfo"],
  [".mozilla", ".thunderbird", ".config/google-chrome*", ".config/chromium", ".config/bravesoftware", ".config/microsoft-edge*"],
  [".config/vivaldi", ".config/opera", ".local/share/keyrings", ".local/share/kwalletd", ".pki/nssdb", "snap/firefox/common/.mozilla"],
  ["library/keychains", "library/cookies", "library/safari", "library/application support/google/chrome"],
  ["library/application support/firefox", "library/application support/bravesoftware", "library/application support/microsoft edge"],
  ["appdata/local/google/chrome/user data", "appdata/local/microsoft/edge/user data", "appdata/roaming/mozilla/firefox"],
  ["appdata/roaming/microsoft/credentials", "appdata/local/microsoft/credentials", "appdata/roaming/microsoft/protect"],
  ["/etc/shadow*", "/etc/gshadow*", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh/ssh_host_*", "/etc/ssl/private", "/etc/krb5.keytab"],
  ["/etc/security/opasswd", "/etc/kubernetes", "/etc/rancher", "/etc/wireguard", "/etc/ipsec.secrets", "/etc/ppp/chap-secrets"],
  [
    "/etc/networkmanager/system-connections",
    "/etc/master.passwd",
    "/private/etc/master.passwd",
    "/run/secrets",
    "/var/run/secrets",
    "/var/lib/kubelet",
  ],
  ["/private/etc/sudoers", "/private/etc/sudoers.d", "/var/db/dslocal", "/private/var/db/dslocal", "/var/backups/*shadow*"],
  ["/etc/letsencrypt/live", "/etc/letsencrypt/archive", "/etc/mysql/debian.cnf", "/run/credentials", "/dev/input"],
  ["/system/volumes/data/private/etc/master.passwd", "/system/volumes/data/private/etc/sudoers"],
  ["/mnt/*/windows/system32/config", "/cygdrive/*/windows/system32/config"],
  [
    "/proc/*/environ",
    "/proc/*/mem",
    "/proc/*/maps",
    "/proc/*/task/*/environ",
    "/proc/*/task/*/mem",
    "/proc/kcore",
    "/dev/mem",
    "/dev/kmem",
  ],
  ["/dev/sd*", "/dev/nvme*", "/dev/vd*", "/dev/xvd*", "/dev/hd*", "/dev/mmcblk*", "/dev/dm-*", "/dev/mapper", "/dev/disk", "/dev/loop*"],
  ["/dev/rdisk*", "/dev/md*", "/windows/system32/config", "/windows/repair", "/windows/ntds"],
);

/** What version control keeps for itself; who writes there runs code or rewrites history. */
export const repositoryPlaces: Places = places([".git", ".hg", ".svn", ".bzr", ".jj", "_svn"]);

/** Names that Canopy's own files have by default; the host tells the engine the others. */
export const canopyPlaces: Places = places(
  ["audit.log", "audit.log.*", "*.approvals.db", "*.approvals.db-*", ".canopy", "canopy.policy.*", "*.canopy.yaml", "*.canopy.yml"],
  ["canopy.yaml", "canopy.yml", "canopy.json", "canopy.db", "canopy.db-*", "canopy.sqlite", "canopy.sqlite-*", "canopy.key", "canopy.lock"],
);

/** Stores of approvals: they hold in full the actions that people were asked about, of which logs leave out what is secret. */
export const approvalPlaces: Places = places(["*.approvals.db", "*.approvals.db-*"]);

/** Stores of keys and passwords, by what their names end in. */
export const keyStorePlaces: Places = places(["*.kdbx", "*.jks", "*.keystore", "*.p12", "*.pfx"]);

/** Read or run by itself when somebody logs in, opens a shell or starts a daily tool. */
export const startupPlaces: Places = places(
  ["~/.bashrc", "~/.bash_profile", "~/.bash_login", "~/.bash_logout", "~/.bash_aliases", "~/.profile", "~/.zshrc", "~/.zshenv"],
  ["~/.zprofile", "~/.zlogin", "~/.zlogout", "~/.kshrc", "~/.cshrc", "~/.tcshrc", "~/.login", "~/.logout", "~/.inputrc"],
  ["~/.oh-my-zsh", "~/.zsh", "~/.config/fish", "~/.config/nushell", "~/.config/zsh", "~/.config/bash"],
  ["~/.xinitrc", "~/.xprofile", "~/.xsession", "~/.xsessionrc", "~/.pam_environment", "~/.config/environment.d"],
  ["~/.config/autostart", "~/.config/systemd", "~/.local/share/systemd", "~/.config/plasma-workspace", "~/.local/share/applications"],
  ["~/library/launchagents", "~/library/launchdaemons", "~/library/loginitems", "~/.local/bin", "~/bin", "~/.cargo/bin", "~/go/bin"],
  ["~/.vimrc", "~/.gvimrc", "~/.vim", "~/.exrc", "~/.config/nvim", "~/.emacs", "~/.emacs.d", "~/.config/emacs", "~/.nanorc"],
  ["~/.tmux.conf", "~/.config/tmux", "~/.screenrc", "~/.gitconfig", "~/.config/git", "~/.gdbinit", "~/.lldbinit", "~/.irbrc"],
  ["~/.pryrc", "~/.rprofile", "~/.psqlrc", "~/.sqliterc", "~/.pythonrc", "~/.pythonstartup", "~/.config/pip", "~/.pip", "~/.condarc"],
  ["~/.curlrc", "~/.wgetrc", "~/.cargo/config", "~/.cargo/config.toml", "~/.cargo/env", "~/.gradle/init.d", "~/.mavenrc"],
  ["~/.docker/cli-plugins", "~/.claude", "~/.codex", "~/.gemini", "~/.cursor", "~/.config/code/user"],
  ["~/documents/powershell", "~/documents/windowspowershell", "~/appdata/roaming/microsoft/windows/start menu/programs/startup"],
  ["~/.forward"],
);

/** Run later without being asked for by name: at install, commit, build server, editor start, or by another agent. */
export const codePlaces: Places = places(
  ["node_modules", "site-packages", ".venv", "package.json", "setup.py", "setup.cfg", "pyproject.toml", "conftest.py", "sitecustomize.py"],
  [
    "usercustomize.py",
    "binding.gyp",
    "composer.json",
    "gemfile",
    "*.gemspec",
    "podfile",
    "build.rs",
    ".cargo/config",
    ".cargo/config.toml",
  ],
  ["gradlew", "gradlew.bat", "mvnw", "mvnw.cmd", "gradle/wrapper", ".mvn", ".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn/releases"],
  [
    ".yarn/plugins",
    ".pnpmfile.cjs",
    "bunfig.toml",
    ".gitattributes",
    ".gitmodules",
    ".husky",
    ".githooks",
    "lefthook.yml",
    ".lefthook.yml",
  ],
  [".pre-commit-config.yaml", ".github/workflows", ".github/actions", ".gitlab-ci.yml", ".gitlab/ci", ".circleci", "jenkinsfile"],
  [
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    ".buildkite",
    ".drone.yml",
    ".woodpecker.yml",
    ".woodpecker",
    "cloudbuild.yaml",
  ],
  [
    "appveyor.yml",
    ".forgejo/workflows",
    ".gitea/workflows",
    ".vscode",
    ".idea",
    ".devcontainer",
    ".devcontainer.json",
    ".fleet",
    "*.code-workspace",
  ],
  [
    ".mcp.json",
    ".claude",
    ".cursor",
    ".codex",
    ".gemini",
    ".continue",
    ".windsurf",
    ".clinerules",
    ".cursorrules",
    "claude.md",
    "agents.md",
    "gemini.md",
  ],
);

/** Where work is kept for a while, and where storage is mounted: nobody's in particular. */
export const sharedPlaces: Places = places(
  ["/tmp", "/var/tmp", "/var/folders", "/private/tmp", "/private/var/tmp", "/private/var/folders", "/dev/shm"],
  ["/mnt", "/media", "/volumes"],
);
