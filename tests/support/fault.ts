/** What is wrong between a client and its server. It holds for open connections too. */
export type Fault =
  | { readonly kind: 'none' }
  /** Everything arrives, but late. What was sent arrives even if its sender has given up and left. */
  | { readonly kind: 'delay'; readonly requestMs?: number; readonly answerMs?: number }
  /** Nothing arrives, and nobody is told. Connections that lost bytes are reset when it ends. */
  | { readonly kind: 'black-hole' }
  /** As if the server were gone: open connections are cut, new ones refused. */
  | { readonly kind: 'refuse' }
  /** Requests arrive and are carried out; in place of the answer the connection is reset. `count`: so many times. */
  | { readonly kind: 'lose-answers'; readonly count?: number }
  /** Every HTTP request is answered with this status, and does not reach the server. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterSeconds?: number };
