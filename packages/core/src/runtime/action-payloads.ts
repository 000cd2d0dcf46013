/**
 * The payload of each action type. The standard ones are here; a host adds its own by augmenting this interface:
 *
 * ```ts
 * declare module "@canopy-runtime/core" {
 *   interface ActionPayloads {
 *     refund_payment: { payment_id: string; amount_cents: number };
 *   }
 * }
 * ```
 */
export interface ActionPayloads {
  readonly execute_shell: { readonly command: string; readonly cwd?: string; readonly env?: Readonly<Record<string, string>> };
  readonly read_file: { readonly path: string };
  readonly modify_file: { readonly path: string; readonly content?: unknown };
  readonly delete_file: { readonly path: string };
  readonly call_external_api: {
    readonly url: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly execute_query: { readonly query: string; readonly dialect?: string };
}

/** A name from `ActionPayloads`, or any other string. */
export type ActionType = keyof ActionPayloads | (string & {});

/** What `ActionPayloads` says for this action type; anything that JSON can carry for one that it does not know. */
export type PayloadOf<T extends string> = T extends keyof ActionPayloads ? ActionPayloads[T] : unknown;
