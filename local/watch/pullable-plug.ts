/** Makes requests over a connection that can be cut at any time, as a network would. */
export class PullablePlug {
  #plugged = new AbortController();

  readonly fetch: typeof fetch = (input, init) => {
    const signal = AbortSignal.any([this.#plugged.signal, ...(init?.signal ? [init.signal] : [])]);
    return fetch(input, { ...init, signal });
  };

  /** Cuts what is connected; what is asked for from now on is connected anew. */
  pull(): void {
    this.#plugged.abort(new Error('this demo pulled its own plug'));
    this.#plugged = new AbortController();
  }
}
