import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { HttpRequest, HttpResponse, InvocationContext } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { readDashboardAssets } from '../../src/dashboard/dashboard-assets.js';
import {
  createAssetReader,
  createDashboardAssetRoute,
  createDashboardRoute,
} from '../../src/dashboard/dashboard-routes.js';
import { httpAnswer } from '../support/http-answer.js';

const folder = path.resolve(__dirname, '../../dist/src/dashboard/assets');
const readAsset = createAssetReader(folder);
const page = createDashboardRoute(readAsset);
const asset = createDashboardAssetRoute(readAsset);

function get(file = '', headers: Readonly<Record<string, string>> = {}): HttpRequest {
  return new HttpRequest({
    method: 'GET',
    url: `http://localhost:7071/api/dashboard${file}`,
    headers: { host: 'localhost:7071', ...headers },
    params: { asset: file.replace('/', '') },
  });
}

describe('the dashboard', () => {
  it('ships at most 60 KB of compressed JavaScript and CSS', async () => {
    const assets = [...(await readDashboardAssets(folder))].filter(([name]) => /\.(?:js|css)$/.test(name));
    expect(assets).toHaveLength(2);
    const bytes = assets.reduce((sum, [, { compressed }]) => sum + compressed.length, 0);
    expect(bytes).toBeLessThanOrEqual(60_000);
  });

  it('lets the page load from and connect to nothing but the app', async () => {
    const { status, contentType, headers, text } = await httpAnswer(page, get(), new InvocationContext());
    expect({ status, contentType }).toEqual({ status: 200, contentType: 'text/html; charset=utf-8' });
    const policy = headers.get('content-security-policy') ?? '';
    const sources = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1)]));
    expect(sources.get('default-src')).toEqual([`'none'`]);
    for (const name of ['base-uri', 'form-action', 'frame-ancestors']) expect(sources.get(name)).toEqual([`'none'`]);
    for (const name of ['script-src', 'style-src', 'connect-src', 'img-src']) {
      expect(sources.get(name)).toEqual([`'self'`]);
    }
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(text).not.toMatch(/https?:|<script>|style=/);
  });

  it('links to existing files that may be cached forever, and has the page revalidated', async () => {
    const { headers, text } = await httpAnswer(page, get(), new InvocationContext());
    expect(headers.get('cache-control')).toBe('no-cache');
    const names = [...text.matchAll(/"dashboard(\/[^"]+)"/g)].map(([, name]) => name);
    expect(names).toHaveLength(3);
    for (const name of names) {
      const answer = await httpAnswer(asset, get(name), new InvocationContext());
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toContain('immutable');
    }
  });

  it.each([undefined, 'gzip'])(
    'answers 304 to a browser that already has the page with the encoding %s',
    async (coding) => {
      const accept = coding === undefined ? {} : { 'accept-encoding': coding };
      const { headers } = await httpAnswer(page, get('', accept), new InvocationContext());
      const again = get('', { ...accept, 'if-none-match': headers.get('etag') ?? '' });
      expect(await httpAnswer(page, again, new InvocationContext())).toMatchObject({ status: 304, text: '' });
    },
  );

  it.each([
    ['gzip, deflate, br, zstd', 'gzip'],
    ['br;q=1, GZIP; q=0.5', 'gzip'],
    ['br', null],
    ['br, gzip;q=0', null],
    ['gzip;q=0.0', null],
  ])('answers a client that accepts %s with the encoding %s', async (accepted, coding) => {
    const plain = await httpAnswer(page, get(), new InvocationContext());
    const result = await page(get('', { 'accept-encoding': accepted }), new InvocationContext());
    const answer = result instanceof HttpResponse ? result : new HttpResponse(result ?? {});
    const { headers } = answer;
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([headers.get('content-encoding'), headers.get('vary')]).toEqual([coding, 'accept-encoding']);
    expect(headers.get('etag') === plain.headers.get('etag')).toBe(coding === null);
    expect(String(coding === null ? bytes : gunzipSync(bytes))).toBe(plain.text);
  });

  it('answers 404 for other files, and redirects a trailing slash', async () => {
    for (const name of ['/nothing.js', '/..%2f', '/../dashboard-routes.js', '/']) {
      expect((await httpAnswer(asset, get(name), new InvocationContext())).status).toBe(404);
    }
    const moved = await httpAnswer(page, get('/'), new InvocationContext());
    expect(moved.status).toBe(308);
    const location = moved.headers.get('location') ?? '';
    expect(new URL(location, 'http://localhost:7071/api/dashboard/').pathname).toBe('/api/dashboard');
  });
});
