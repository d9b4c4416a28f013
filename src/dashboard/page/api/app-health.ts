/** The agents of the app and the state of its event store, with the wire names. */
export interface AppHealth {
  readonly agents: readonly { readonly name: string }[];
  readonly callback_store?: {
    /** `memory`, `table`, … */
    readonly kind: string;
    /** `available`, or a description of the problem. */
    readonly status: string;
    /** Number of events that it did not accept. */
    readonly lost_events: number;
  };
}
