/** A function app that is being served, by whichever host. */
export interface ServedApp {
  readonly port: number;
  readonly functions: readonly ServedFunction[];
  /** The keys that requests need; undefined when none is asked for. */
  readonly keys: { readonly function: string; readonly master: string; readonly system: string } | undefined;
  /** Settles when the host ends by itself: says how. Never settles for a host within this process. */
  readonly ended: Promise<string>;
}

/** One function of it. */
export interface ServedFunction {
  readonly name: string;
  /** `http`, `entity`, another trigger's type, or `not served`. */
  readonly kind: string;
  /** Methods and path of an HTTP function (`POST /api/agents/Name/run`), else what there is to say; may be empty. */
  readonly detail: string;
}
