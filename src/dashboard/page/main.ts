import { html, render } from 'htm/preact';
import { TelemetryApi } from './api/telemetry-api.js';
import { App } from './components/app.js';
import { readKey } from './function-key.js';

const root = document.querySelector<HTMLElement>('#app');
if (root === null) throw new Error('The page has no element with the id "app"');
// The page is served next to the functions, under the same route prefix.
const api = new TelemetryApi({ baseUrl: new URL('.', location.href).href, key: readKey });
root.replaceChildren();
render(html`<${App} api=${api} />`, root);
