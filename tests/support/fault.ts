/** A fault between a client and its server. Also affects open connections. */
export type Fault =
  | { readonly kind: 'none' }
  /** Delays all data. It arrives even if its sender has disconnected. */
  | { readonly kind: 'delay'; readonly requestMs?: number; readonly answerMs?: number }
  /** Silently drops all data. Connections that lost bytes are reset when the fault ends. */
  | { readonly kind: 'black-hole' }
  /** Acts like a stopped server: cuts open connections and refuses new ones. */
  | { readonly kind: 'refuse' }
  /** Delivers requests, but resets the connection instead of returning the response. `count` limits how often. */
  | { readonly kind: 'lose-answers'; readonly count?: number }
  /** Answers every HTTP request with this status, without forwarding it. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterSeconds?: number };
