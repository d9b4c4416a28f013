import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { seriousFindings } from './support/axe.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { type ScriptedApp, startScriptedApp } from './support/scripted-app.js';
import { eventsOf } from './support/telemetry-events.js';

const half = { correlationId: 'a', attempt: 1, texts: ['Half ', 'an '] } as const;
const whole = { correlationId: 'a', attempt: 2, texts: ['A ', 'whole ', 'answer.'], end: 'final' } as const;
const record = eventsOf(half, whole);
const request = 'Request: request of a';

describe.skipIf(isBrowserMissing)('the dashboard page: interrupted runs (needs Chromium)', () => {
  it('removes the partial answer, announces the restart, and shows one complete answer', async () => {
    const app = await startScriptedApp();
    const watched = await openThread(app);
    const { page } = watched;
    app.append(record.slice(0, 2));
    await page.locator('.part', { hasText: 'Half an ' }).waitFor();
    expect(await page.locator('.run .badge').count()).toBe(0);

    app.supersede('a', 1);
    await page.getByText('Starting over (attempt 2)').waitFor();
    expect(await watched.conversation()).toEqual([[request]]);
    expect(await page.locator('.failure').count()).toBe(0);
    expect(await page.locator('.event').count()).toBe(0);
    await expectSpoken(page, 'Run 1 was interrupted and is starting over, attempt 2.');

    app.append(record.slice(2));
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([[request, 'A whole answer.']]);
    await page.locator('.run .badge', { hasText: 'attempt 2' }).waitFor();
    await page.locator('.timeline-foot', { hasText: '4 events' }).waitFor();
    await page.getByRole('tab', { name: 'Charts' }).click();
    await page.getByRole('img', { name: /^Gaps between the updates of run 1: 10 ms, median of 2 gaps/ }).waitFor();
    await page.getByText('median of 2 gaps').waitFor();

    await page.reload();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([[request, 'A whole answer.']]);
    expect(watched.incidents).toEqual([]);
  });

  it('removes the partial answer when the next attempt starts without notice', async () => {
    const app = await startScriptedApp();
    const watched = await openThread(app);
    app.append(record.slice(0, 2));
    await watched.page.locator('.part', { hasText: 'Half an ' }).waitFor();
    app.append(record.slice(2));
    await watched.page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([[request, 'A whole answer.']]);
  });

  it('shows superseded attempts on request, distinct from the current one', async () => {
    const app = await startScriptedApp();
    app.append(record);
    const watched = await openThread(app);
    const { page } = watched;
    await page.locator('.timeline-foot', { hasText: '4 events' }).waitFor();
    expect(app.reads.filter((read) => read.endsWith('superseded=true'))).toEqual([]);

    const choice = page.getByRole('checkbox', { name: 'All attempts' });
    await choice.check();
    await page.locator('.timeline-foot', { hasText: '4 events, plus 2 from superseded attempts.' }).waitFor();
    expect(app.reads.filter((read) => read.endsWith('superseded=true'))).toEqual([
      't?request_message=once&superseded=true',
    ]);
    const superseded = page.locator('.event[data-superseded=true]');
    expect(await superseded.locator('s').allTextContents()).toEqual(['Half ', 'an ']);
    const types = await superseded.locator('.event-type').allTextContents();
    expect(types).toEqual(Array.from({ length: 2 }, () => 'superseded text of attempt 1'));
    expect(await page.locator('.event .number:first-child').allTextContents()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(await watched.conversation()).toEqual([[request, 'A whole answer.']]);
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByRole('listbox').focus();
    await page.keyboard.press('Home');
    await page.locator('#event-1[aria-selected=true]').waitFor();
    expect(await page.locator('.event-detail').textContent()).toContain('run 1 · attempt 1, superseded');
    await page.keyboard.press('Escape');
    await choice.uncheck();
    expect(await superseded.count()).toBe(0);
    await page.locator('.timeline-foot', { hasText: '4 events. Select one' }).waitFor();
  });

  it('shows the events of an attempt that is superseded while all attempts are shown', async () => {
    const app = await startScriptedApp();
    const { page } = await openThread(app);
    await page.getByRole('checkbox', { name: 'All attempts' }).check();
    await page.locator('.timeline-foot', { hasText: 'No attempts were superseded.' }).waitFor();
    app.append(record.slice(0, 2));
    await page.locator('.event').nth(1).waitFor();
    app.supersede('a', 1);
    await page.locator('.event[data-superseded=true]').nth(1).waitFor();
    expect(await page.locator('.timeline-foot').textContent()).toBe('0 events, plus 2 from superseded attempts.');
  });

  it('explains why superseded attempts cannot be loaded', async () => {
    const app = await startScriptedApp();
    app.append(record);
    app.refuseSuperseded();
    const { page } = await openThread(app);
    await page.getByRole('checkbox', { name: 'All attempts' }).check();
    await page.getByText('The event store is unreachable.').waitFor();
    expect(await page.locator('.timeline-foot').textContent()).toMatch(/^4 events\. Superseded events could not be/);
  });

  it('navigates by keyboard across gaps in the sequence', async () => {
    const app = await startScriptedApp();
    app.append(eventsOf({ ...whole, attempt: 1, correlationId: 'b' }, half, whole));
    const { page } = await openThread(app);
    await page.locator('.timeline-foot', { hasText: '8 events' }).waitFor();
    await page.getByRole('listbox').focus();
    for (const [key, sequence] of [
      ['End', 10],
      ['ArrowUp', 9],
      ['ArrowUp', 8],
      ['ArrowUp', 7],
      ['ArrowUp', 4],
      ['ArrowDown', 7],
    ] as const) {
      await page.keyboard.press(key);
      await page.locator(`#event-${sequence}[aria-selected=true]`).waitFor();
      expect(await page.locator('.event-detail').textContent()).toContain(`#${sequence} `);
    }
  });

  it('shows how many events of a run were lost', async () => {
    const app = await startScriptedApp();
    app.append(
      eventsOf(whole, { ...half, correlationId: 'b', end: 'failed' }).map((event) => {
        if (event.event_type === 'final') return { ...event, lost_events: 1 };
        return event.event_type === 'failed' ? { ...event, lost_events: 12 } : event;
      }),
    );
    const { page } = await openThread(app);
    await page.getByText('1 event of this run was lost (the event store was unreachable).').waitFor();
    await page.getByText('12 events of this run were lost (the event store was unreachable).').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });
});

async function openThread(app: ScriptedApp): ReturnType<typeof openPage> {
  const watched = await openPage();
  await watched.open(app.baseUrl, '#/CallbackAgent/t');
  await app.followed();
  await watched.page.getByRole('tab', { name: 'Events' }).click();
  return watched;
}

async function expectSpoken(page: Page, text: string): Promise<void> {
  await page.getByRole('status').filter({ hasText: text }).waitFor({ state: 'attached' });
}
