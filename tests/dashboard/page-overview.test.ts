import { describe, expect, it } from 'vitest';
import type { AgentStats } from '../../src/dashboard/page/api/agent-stats.js';
import type { ThreadSummary } from '../../src/dashboard/page/api/thread-summary.js';
import { createGate } from '../support/gate.js';
import { findingsInBothThemes } from './support/axe.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { NO_RUNS, startScriptedApp } from './support/scripted-app.js';

const HOUR_MS = 3_600_000;
const startMs = Date.now() - HOUR_MS;
const sums = {
  ...NO_RUNS,
  runs: 9,
  completed: 6,
  failed: 2,
  cancelled: 1,
  input_token_count: 700,
  output_token_count: 300,
};
const stats: Partial<AgentStats> = {
  buckets: [
    { ...sums, start: new Date(startMs).toISOString() },
    { ...NO_RUNS, start: new Date(startMs + HOUR_MS / 2).toISOString() },
  ],
  bucket_seconds: 1800,
  totals: { ...sums, cost: { amount: 0.0125, currency: 'USD' } },
  failures: [{ error_code: 'stream_stalled', count: 2 }],
  first_update_ms: { p50: 320, p95: 900 },
  total_ms: { p50: 2_100, p95: 5_200 },
};

describe.skipIf(isBrowserMissing)('the dashboard page: overview (needs Chromium)', () => {
  it('starts with the figures of all agents', async () => {
    const app = await startScriptedApp(['First', 'Second']);
    app.stats.set('First', stats);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, '');
    await page.getByText('9', { exact: true }).waitFor();
    expect((await page.locator('.tile').allInnerTexts()).map((text) => text.split('\n'))).toEqual([
      ['Runs', '9', '0 running'],
      ['Failed', '25 %', '2 of 8 completed or failed'],
      ['Waiting for approval', '0'],
      ['Tokens', '1,000', '300 of them output'],
      ['Cost', '0.013 USD'],
      ['Event store', 'available', 'memory, 2 lost events'],
    ]);
    await page.getByRole('img', { name: 'Runs over time: 6 completed, 2 failed, 1 cancelled, 0 not ended' }).waitFor();
    expect(await rowsOf('Failed runs by error code')).toEqual([['stream_stalled', '2 (25 %)']]);
    expect(await rowsOf('First update')).toEqual([['First', '320 ms / 900 ms']]);
    expect(await rowsOf('Total time')).toEqual([['First', '2.10 s / 5.20 s']]);
    expect(await rowsOf('Tokens and cost by agent')).toEqual([['First', '1,000 · 0.013 USD']]);
    expect(await page.evaluate(`getComputedStyle(document.querySelector('.column')).cursor`)).toBe('auto');
    expect(await page.title()).toBe('Overview · Agent telemetry');
    expect(await findingsInBothThemes(page)).toEqual([]);
    for (const width of [390, 768, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(await findingsInBothThemes(page)).toEqual([]);
    }
    expect(watched.incidents).toEqual([]);

    async function rowsOf(name: string): Promise<string[][]> {
      const rows = await page.getByRole('list', { name }).getByRole('listitem').allInnerTexts();
      return rows.map((row) => row.split('\n'));
    }
  });

  it('looks at the chosen range of time, and keeps the choice', async () => {
    const app = await startScriptedApp();
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, '#/');
    await page.getByText('No runs in this time.').waitFor();
    await page.getByRole('button', { name: '1 hour' }).click();
    await expect.poll(() => agesOf(app.statsQueries).at(-1)).toBe(1);
    await page.getByRole('button', { name: 'All' }).click();
    await expect.poll(() => agesOf(app.statsQueries).at(-1)).toBeUndefined();
    await page.getByRole('button', { name: '7 days' }).click();
    await expect.poll(() => agesOf(app.statsQueries).at(-1)).toBe(168);
    await page.reload();
    expect(await page.getByRole('button', { pressed: true }).textContent()).toBe('7 days');
    await page.getByRole('main').getByRole('link', { name: 'New thread' }).click();
    await page.locator('.thread-title h1', { hasText: 'New thread' }).waitFor();
  });

  it('finishes a reading while the thread list changes, then reads once more', async () => {
    const app = await startScriptedApp(['First']);
    app.stats.set('First', stats);
    const watched = await openPage();
    const { page } = watched;
    const figuresMayCome = createGate();
    const readings: string[] = [];
    const aborted: string[] = [];
    page.on('requestfailed', (request) => aborted.push(new URL(request.url()).pathname));
    await page.route('**/stats*', async (route) => {
      readings.push(route.request().url());
      await figuresMayCome.opened;
      await route.continue();
    });
    await page.route('**/threads?limit=100', (route) => route.fulfill({ json: [busyThread()] }));
    await page.clock.install();
    await watched.open(app.baseUrl, '#/');
    await page.locator('.thread-link', { hasText: 'Busy' }).waitFor();
    for (let count = 0; count < 3; count += 1) {
      const listed = page.waitForResponse('**/threads?limit=100');
      await page.clock.runFor(4_000);
      await (await listed).finished();
    }
    expect(readings).toHaveLength(1);
    expect(aborted).toEqual([]);

    await page.getByRole('button', { name: '1 hour' }).click();
    await expect.poll(() => aborted).toEqual(['/api/agents/First/stats']);
    expect(readings).toHaveLength(2);
    await page.clock.runFor(4_000);
    figuresMayCome.open();
    await page.getByText('9', { exact: true }).waitFor();
    await expect.poll(() => readings.length).toBe(3);
    expect(aborted).toHaveLength(1);
  });

  it('requests nothing while no run is going on', async () => {
    const app = await startScriptedApp();
    const watched = await openPage();
    const { page } = watched;
    await page.clock.install();
    await watched.open(app.baseUrl, '#/');
    await page.getByText('No runs in this time.').waitFor();
    await page.clock.runFor(10_000);
    expect(await watched.requestsDuring(60_000)).toEqual([]);
  });

  it('says which agent has more runs than were read, and why figures are missing', async () => {
    const app = await startScriptedApp(['First']);
    app.stats.set('First', { ...stats, truncated: true });
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, '#/');
    await page
      .getByText('First has more runs in this time than the app reads at once. Its figures cover only the latest ones.')
      .waitFor();
    await page.route('**/stats*', (route) =>
      route.fulfill({ status: 503, json: { error: 'The store is unreachable.' } }),
    );
    await page.getByRole('button', { name: 'All' }).click();
    await page.getByText('The figures could not be read: The store is unreachable.').waitFor();
    expect(await page.locator('.tile').count()).toBe(6);
  });
});

/** A thread with an active run, so that the page polls the list every 4 seconds. */
function busyThread(): ThreadSummary {
  return {
    thread_id: 'busy',
    title: 'Busy',
    status: 'running',
    last_activity_at: new Date().toISOString(),
    event_count: 1,
    run_count: 1,
    failed_run_count: 0,
    total_token_count: 0,
  };
}

/** Returns how many hours ago the time range of each request starts. */
function agesOf(queries: readonly string[]): (number | undefined)[] {
  return queries.map((query) => {
    const since = new URLSearchParams(query).get('since');
    return since === null ? undefined : Math.round((Date.now() - Date.parse(since)) / HOUR_MS);
  });
}
