import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { createGate } from '../support/gate.js';
import { numberedPieces } from '../support/numbered-pieces.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { refusal, useApp } from './support/shared-app.js';

const numbers = numberedPieces(9_999);

describe.skipIf(isBrowserMissing)('the dashboard page: one thread (needs Chromium)', () => {
  const app = useApp((message) => {
    if (message === 'fail') return refusal;
    return { pieces: message === 'count' ? numbers : numberedPieces(60) };
  });

  it('shows why a run failed, and the figures of each run', async () => {
    const { baseUrl, api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    await api.run({ message: 'fail', thread_id: threadId });
    const watched = await openPage();
    const { page } = watched;
    await watched.open(baseUrl, `#/CallbackAgent/${threadId}`);
    const failure = page.locator('.failure');
    await failure.waitFor();
    const failed = (await api.events(threadId)).at(-1);
    expect(await failure.textContent()).toContain(failed?.event_type === 'failed' ? failed.error_message : '-');
    await page.locator('.thread-link[aria-current=page] .failed-mark', { hasText: '1 failed' }).waitFor();

    await page.getByRole('tab', { name: 'Charts' }).click();
    const rows = page.locator('.runs-table tbody tr');
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.nth(0).locator('th').textContent()).toContain('failed');
    expect((await rows.nth(1).locator('td').allTextContents()).slice(3)).toEqual(['7', '60']);
    await rows.nth(1).getByRole('button').click();
    await page.getByRole('img', { name: /^Gaps between the updates of run 1: .*, median of 59 gaps, / }).waitFor();
  });

  it('shows a thread before the app has listed its agents', async () => {
    const { baseUrl, api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const watched = await openPage();
    const { page } = watched;
    const agentsMayBeListed = createGate();
    await page.route('**/api/health', async (route) => {
      await agentsMayBeListed.opened;
      await route.continue();
    });
    await watched.open(baseUrl, `#/CallbackAgent/${threadId}`);
    await page.locator('.answer[aria-busy=false] .part').waitFor();
    expect(await page.locator('.thread-link').count()).toBe(0);
    agentsMayBeListed.open();
    await page.locator('.thread-link[aria-current=page]').waitFor();
  });

  it('aligns the charts of a row', async () => {
    const { api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const { page } = await openThread(threadId);
    await page.getByRole('tab', { name: 'Charts' }).click();
    const charts = await page.locator('.charts-grid svg').all();
    const tops = await Promise.all(charts.map(async (chart) => (await chart.boundingBox())?.y));
    expect(tops).toHaveLength(4);
    expect([tops[0], tops[2]]).toEqual([tops[1], tops[3]]);
  });

  it('shortens a long message until it is expanded', async () => {
    const { api } = app;
    const threadId = newThreadId();
    const message = 'long '.repeat(52_000);
    await api.ask(threadId, message);
    const { page } = await openThread(threadId);
    const request = page.locator('.request');
    expect(await request.textContent()).toBe(`Request: ${message.slice(0, 1200)}…`);
    await page.getByRole('button', { name: 'Show all 260K characters' }).click();
    expect(await request.textContent()).toBe(`Request: ${message}`);
    await page.getByRole('button', { name: 'Show less' }).click();
    expect((await request.textContent())?.length).toBeLessThan(1300);
  });

  it('exports events, and clears them only after confirmation', async () => {
    const { api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const watched = await openThread(threadId);
    const { page } = watched;
    const [download] = await Promise.all([page.waitForEvent('download'), watched.chooseAction('Export JSONL')]);
    expect(download.suggestedFilename()).toBe(`${threadId}.jsonl`);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(await api.events(threadId));

    await watched.chooseAction('Clear events…');
    await page.getByRole('button', { name: 'Keep' }).click();
    expect(await api.events(threadId)).toHaveLength(61);
    await watched.chooseAction('Clear events…');
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByText('This thread has no events.').waitFor();
    expect(await api.events(threadId)).toEqual([]);
  });

  it('renders few of 10,000 events, and reaches each by keyboard', async () => {
    const { api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'count');
    const watched = await openThread(threadId);
    const { page } = watched;
    await watched.showEvents('10,000 events');
    expect((await page.locator('.answer').textContent())?.trim()).toBe(numbers.join('').trim());
    expect(await page.locator('.event').count()).toBeLessThan(150);
    await page.locator('.event[data-type=final]').waitFor();

    const timeline = page.getByRole('listbox');
    await timeline.focus();
    await page.keyboard.press('Home');
    await page.locator('#event-1[aria-selected=true]').waitFor();
    expect(await timeline.getAttribute('aria-activedescendant')).toBe('event-1');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('.event-detail-text').textContent()).toBe('1 ');
    await page.keyboard.press('End');
    await page.locator('#event-10000[aria-selected=true]').waitFor();
  });

  async function openThread(threadId: string): ReturnType<typeof openPage> {
    const watched = await openPage();
    await watched.open(app.baseUrl, `#/CallbackAgent/${threadId}`);
    await watched.page.locator('.answer[aria-busy=false]').first().waitFor();
    return watched;
  }
});
