/** A function app served by any host. */
export interface ServedApp {
  readonly port: number;
  readonly functions: readonly ServedFunction[];
  /** The keys that requests need, or undefined if none are required. */
  readonly keys: { readonly function: string; readonly master: string; readonly system: string } | undefined;
  /** Resolves with a description when the host exits on its own. Never resolves for a host in this process. */
  readonly ended: Promise<string>;
}

/** A function of the app. */
export interface ServedFunction {
  readonly name: string;
  /** `http`, `entity`, another trigger's type, or `not served`. */
  readonly kind: string;
  /** Methods and path of an HTTP function (`POST /api/agents/Name/run`), or other details. May be empty. */
  readonly detail: string;
}
