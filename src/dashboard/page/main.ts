import { html, render } from 'htm/preact';
import { TelemetryApi } from './api/telemetry-api.js';
import { App } from './components/app.js';
import { readKey } from './function-key.js';

const root = document.querySelector<HTMLElement>('#app');
if (root === null) throw new Error('The page has no place for the app');
// The page is beside the functions: their route prefix is its own.
const api = new TelemetryApi({ baseUrl: new URL('.', location.href).href, key: readKey });
root.replaceChildren();
render(html`<${App} api=${api} />`, root);
