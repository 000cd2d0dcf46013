/**
 * Who acts, and where. It comes from the host program, never from the model. The keys named here are the ones that Canopy and its
 * bundled policy read; a policy may read any other key that the host adds. Wire format, hence `snake_case`.
 */
export interface AgentContext extends MisspeltKeys {
  /** The agent's stable identity; with `id`, `public_key`, `name` and `created_at` it makes the AVID. */
  readonly agent_id?: string;
  readonly id?: string;
  readonly public_key?: string;
  readonly name?: string;
  readonly created_at?: string;
  /** Where the agent runs: `production`, `staging`, `dev`, … */
  readonly env?: string;
  readonly role?: string;
  /** The absolute directory that relative paths start from. */
  readonly cwd?: string;
  /** The absolute home directory that `~` and `$HOME` stand for. */
  readonly home?: string;
  /** Absolute directories inside which the agent may work. */
  readonly safe_paths?: readonly string[];
  /** Hosts that the agent may call: `api.example.com`, or `*.example.com` for every name below it. */
  readonly safe_hosts?: readonly string[];
  readonly [key: string]: unknown;
}

type KnownKey = "agent_id" | "id" | "public_key" | "name" | "created_at" | "env" | "role" | "cwd" | "home" | "safe_paths" | "safe_hosts";

type CamelCase<Key extends string> = Key extends `${infer First}_${infer Second}` ? `${First}${Capitalize<Second>}` : never;

/** Known keys in the wrong case: a context that has one would silently lack the right one, so it does not compile. */
type MisspeltKeys = { readonly [Key in CamelCase<KnownKey> | Capitalize<KnownKey> | Uppercase<KnownKey>]?: never };
