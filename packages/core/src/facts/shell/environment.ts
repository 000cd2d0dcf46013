/**
 * Variables that decide what programs run, or what those do (ld.so(8), bash(1), git(1), and the manuals of the interpreters): loaders' and
 * interpreters' hooks, search paths, the programs that others start, and where tools take their settings from.
 */
const influential =
  /^(?:PATH|CDPATH|FPATH|IFS|ENV|HOME|SHELL|SHELLOPTS|BASHOPTS|BASH_(?:ENV|LOADABLES_PATH|CMDS|ALIASES|FUNC_.*)|PROMPT_COMMAND|PS[0-9]+|GLOBIGNORE|HISTFILE|ZDOTDIR|(?:LD|DYLD)_.*|GCONV_PATH|GLIBC_TUNABLES|MALLOC_.*|NLSPATH|LOCPATH|HOSTALIASES|RESOLV_HOST_CONF|TMPDIR|GIT_.*|.*PAGER|.*EDITOR|VISUAL|BROWSER|LESS(?:OPEN|CLOSE|KEY.*|)|MANOPT|NODE_(?:OPTIONS|PATH|REPL_.*|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|(?:NPM|YARN|PNPM|BUN|DENO)_.*|npm_config_.*|PYTHON.*|PIP_.*|UV_.*|VIRTUAL_ENV|CONDA_.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|JAVA_.*|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|MAVEN_.*|GRADLE_.*|GO(?:FLAGS|PATH|ROOT|BIN|PROXY|ENV|NOSUMDB|NOSUMCHECK|INSECURE|TOOLCHAIN|SUMDB|PRIVATE)|CGO_.*|CARGO_.*|RUST.*|CC|CXX|CPP|LD|AR|AS|CFLAGS|CXXFLAGS|LDFLAGS|MAKE.*|CMAKE_.*|PHP.*|LUA_.*|R_.*|JULIA_.*|OPENSSL_.*|SSL_CERT_.*|SSLKEYLOGFILE|CURL_HOME|WGETRC|INPUTRC|TERMINFO.*|TERMCAP|SSH_.*|SUDO_.*|DISPLAY|XAUTHORITY|RIPGREP_CONFIG_PATH|GZIP|BZIP2?|XZ_.*|ZIPOPT|UNZIP|RSYNC_.*|AWS_.*|KUBECONFIG|XDG_.*|MAGIC|GETCONF_DIR|TAPE|RSH|TAR_.*|PARALLEL.*|ACK.*|BC_ENV_ARGS|DOCKER_.*|(?:https?|ftp|all|no)_proxy|(?:HTTPS?|FTP|ALL|NO)_PROXY|GREP_OPTIONS|POSIXLY_CORRECT|FCEDIT|PSQLRC|PGSERVICEFILE|EMACSLOADPATH|VIMINIT|EXINIT|MYVIMRC|OSTYPE|COMP_.*|HISTCONTROL|LS_COLORS_.*)$/;

/** Whether setting a variable may change what a program does or which one runs. */
export function influences(name: string): boolean {
  return influential.test(name);
}

const secretive =
  /(?:secret|token|passw|passphrase|credential|api_?key|private|auth(?!or)|cookie|session|_key$|^key$|_pat$|dsn|connection_?string|database_url)/i;

/** Whether a variable's name says that its value is confidential. */
export function namesSecret(name: string): boolean {
  return secretive.test(name);
}
