import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';
import { ApiError, describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import { keepKey, readKey } from '../function-key.js';
import { Dashboard } from './dashboard.js';
import { KeyPrompt } from './key-prompt.js';

type Start =
  | { readonly state: 'starting' }
  | { readonly state: 'key-needed'; readonly wasRefused: boolean }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'ready'; readonly agentNames: readonly string[] };

/** Checks whether the app requires a key, reads its agents, then shows the dashboard. */
export function App({ api }: { readonly api: TelemetryApi }): VNode {
  const [start, setStart] = useState<Start>({ state: 'starting' });
  const begin = useCallback(async () => {
    try {
      const { agents } = await api.readHealth();
      setStart({ state: 'ready', agentNames: agents.map(({ name }) => name) });
    } catch (error) {
      const isKeyNeeded = error instanceof ApiError && error.status === 401;
      setStart(
        isKeyNeeded
          ? { state: 'key-needed', wasRefused: readKey() !== null }
          : { state: 'failed', reason: describeFailure(error) },
      );
    }
  }, [api]);
  // Not an ordinary effect, because those wait for the first paint.
  useLayoutEffect(() => void begin(), [begin]);

  switch (start.state) {
    case 'starting':
      return html`<main class="splash" aria-busy="true"><p class="muted">Connecting…</p></main>`;
    case 'key-needed':
      return html`<${KeyPrompt}
        wasRefused=${start.wasRefused}
        onKey=${(key: string) => {
          keepKey(key);
          return begin();
        }}
      />`;
    case 'failed':
      return html`<main class="splash">
        <h1>The app is not responding</h1>
        <p class="muted">${start.reason}</p>
        <button class="button button-main" type="button" onClick=${begin}>Try again</button>
      </main>`;
    case 'ready':
      return html`<${Dashboard}
        api=${api}
        agentNames=${start.agentNames}
        onKeyRefused=${() => setStart({ state: 'key-needed', wasRefused: true })}
      />`;
  }
}
