import type { ServedFunction } from './served-functions.js';

/** Returns the page at the root of the app, where the real host shows its own page. */
export function createLandingPage(functions: readonly ServedFunction[]): string {
  const dashboard = functions.find(({ name, kind }) => kind === 'http' && name === 'dashboard');
  const [, address] = /^GET (\/[\w/-]+)$/.exec(dashboard?.detail ?? '') ?? [];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Local Functions host</title>
<p>The function app is running. The terminal that started it lists its functions.</p>
${address === undefined ? '' : `<p><a href="${address}">Dashboard</a></p>\n`}</html>
`;
}
