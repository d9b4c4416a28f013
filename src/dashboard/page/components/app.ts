import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';
import { ApiError, describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import { keepKey, readKey } from '../function-key.js';
import { Dashboard } from './dashboard.js';
import { KeyPrompt } from './key-prompt.js';

type Access =
  /** `agentNames` is `undefined` until the app responds. */
  | { readonly state: 'open'; readonly agentNames: readonly string[] | undefined }
  | { readonly state: 'key-needed'; readonly wasRefused: boolean }
  | { readonly state: 'failed'; readonly reason: string };

/**
 * Shows the dashboard, and reads the app's agents meanwhile. Replaces the dashboard if the app requires a key or does
 * not respond.
 */
export function App({ api }: { readonly api: TelemetryApi }): VNode {
  const [access, setAccess] = useState<Access>({ state: 'open', agentNames: undefined });
  const askForKey = useCallback(() => setAccess({ state: 'key-needed', wasRefused: readKey() !== null }), []);
  const begin = useCallback(async () => {
    try {
      const { agents } = await api.readHealth();
      setAccess({ state: 'open', agentNames: agents.map(({ name }) => name) });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) askForKey();
      else setAccess({ state: 'failed', reason: describeFailure(error) });
    }
  }, [api, askForKey]);
  // Not an ordinary effect, because those wait for the first paint.
  useLayoutEffect(() => void begin(), [begin]);

  switch (access.state) {
    case 'open':
      return html`<${Dashboard} api=${api} agentNames=${access.agentNames} onKeyRefused=${askForKey} />`;
    case 'key-needed':
      return html`<${KeyPrompt}
        wasRefused=${access.wasRefused}
        onKey=${(key: string) => {
          keepKey(key);
          return begin();
        }}
      />`;
    case 'failed':
      return html`<main class="splash">
        <h1>The app is not responding</h1>
        <p class="muted">${access.reason}</p>
        <button class="button button-main" type="button" onClick=${begin}>Try again</button>
      </main>`;
  }
}
