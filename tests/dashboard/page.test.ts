import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { launchApp } from '../local/support/launched.js';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { createGate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import { type ModelAnswer, modelSettings, startScriptedModel } from '../support/scripted-model.js';
import { seriousFindings } from './support/axe.js';
import { isBrowserMissing, useBrowser } from './support/browser.js';
import { startPlug } from './support/plug.js';

const words = Array.from({ length: 60 }, (_, index) => `word${index} `);
const failing: ModelAnswer = { status: 400, body: { error: { message: 'No.' } } };
/** As shown: white space at the end means nothing in Markdown. */
const answer = words.join('').trim();

interface AppOfTest extends AppWithModel {
  /** Releases the last word of answers to `slow`. */
  readonly letAnswersEnd: () => void;
}

/** Starts the app with a model that answers `slow` word by word, fails `fail`, and answers anything else at once. */
async function startApp(answers?: (message: string) => ModelAnswer): Promise<AppOfTest> {
  const answersMayEnd = createGate();
  const app = await startAppWithModel((message) => {
    if (answers !== undefined) return answers(message);
    if (message.startsWith('fail')) return failing;
    return message.startsWith('slow') ? { pieces: holdLast(words, answersMayEnd), pauseMs: 50 } : { pieces: words };
  });
  onTestFinished(() => app.stop());
  return { ...app, letAnswersEnd: answersMayEnd.open };
}

describe.skipIf(isBrowserMissing)('the dashboard page (needs Chromium)', () => {
  const openPage = useBrowser();

  it('sends a message, shows the answer as it streams in, and lists the thread', async () => {
    const { app, letAnswersEnd } = await startApp();
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    await page.getByText('No threads yet.').waitFor();
    await watched.send('slow, please');
    const streaming = page.locator('.answer[aria-busy=true] .part');
    await streaming.filter({ hasText: 'word3 ' }).waitFor();
    expect(answer.startsWith((await streaming.textContent()) ?? '-')).toBe(true);
    letAnswersEnd();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: slow, please', answer]]);
    await watched.showEvents('61 events');
    await page.locator('.thread-link', { hasText: '1 run' }).waitFor();
    expect(await page.locator('.failure').count()).toBe(0);
    await expectSpoken(page, /^Run 1 was answered: word0 /);
    expect(watched.incidents).toEqual([]);
  });

  it('shows why a run failed, and the figures of each run', async () => {
    const { app, api } = await startApp();
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    await api.run({ message: 'fail', thread_id: threadId });
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, `#/CallbackAgent/${threadId}`);
    const failure = page.locator('.failure');
    await failure.waitFor();
    const failed = (await api.events(threadId)).at(-1);
    expect(await failure.textContent()).toContain(failed?.event_type === 'failed' ? failed.error_message : '-');
    await page.locator('.thread-link .failed-mark', { hasText: '1 failed' }).waitFor();

    await page.getByRole('tab', { name: 'Charts' }).click();
    const rows = page.locator('.runs-table tbody tr');
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.nth(0).locator('th').textContent()).toContain('failed');
    expect((await rows.nth(1).locator('td').allTextContents()).slice(3)).toEqual(['7', '60']);
    await rows.nth(1).getByRole('button').click();
    await page.getByRole('img', { name: /^Gaps between the updates of run 1: .*, median of 59 gaps, / }).waitFor();
  });

  it('aligns the charts of a row', async () => {
    const { app, api } = await startApp();
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const { page } = await openThread(app.baseUrl, threadId);
    await page.getByRole('tab', { name: 'Charts' }).click();
    const charts = await page.locator('.charts-grid svg').all();
    const tops = await Promise.all(charts.map(async (chart) => (await chart.boundingBox())?.y));
    expect(tops).toHaveLength(4);
    expect([tops[0], tops[2]]).toEqual([tops[1], tops[3]]);
  });

  it('shortens a long message until it is expanded', async () => {
    const { app, api } = await startApp();
    const threadId = newThreadId();
    const message = 'long '.repeat(52_000);
    await api.ask(threadId, message);
    const { page } = await openThread(app.baseUrl, threadId);
    const request = page.locator('.request');
    expect(await request.textContent()).toBe(`Request: ${message.slice(0, 1200)}…`);
    await page.getByRole('button', { name: 'Show all 260K characters' }).click();
    expect(await request.textContent()).toBe(`Request: ${message}`);
    await page.getByRole('button', { name: 'Show less' }).click();
    expect((await request.textContent())?.length).toBeLessThan(1300);
  });

  it('stays scrolled to the end after a long message is sent', async () => {
    const { app, letAnswersEnd } = await startApp();
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    await watched.send(`slow ${'long '.repeat(2000)}`);
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    expect(await page.locator('.thread-main .jump').count()).toBe(0);
    letAnswersEnd();
  });

  it('shows everything exactly once after a reload mid-stream', async () => {
    const { app, letAnswersEnd } = await startApp();
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    await watched.send('slow');
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    await page.reload();
    await page.locator('.answer[aria-busy=true] .part', { hasText: 'word15 ' }).waitFor();
    letAnswersEnd();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: slow', answer]]);
    await watched.showEvents('61 events');
  });

  it('reconnects after the connection breaks, without losing or repeating text', async () => {
    const { app, letAnswersEnd } = await startApp();
    const plug = await startPlug(app.baseUrl);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(plug.baseUrl);
    await watched.send('slow');
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    await page.locator('.dot-live').waitFor();
    plug.pull();
    await page.locator('.connection', { hasText: 'Reconnecting' }).waitFor();
    const note = page.locator('.connection-note', { hasText: 'status 503' });
    await note.waitFor();
    const [above, below] = [await page.locator('.thread-main').boundingBox(), await note.boundingBox()];
    expect((above?.y ?? NaN) + (above?.height ?? NaN)).toBeLessThanOrEqual(below?.y ?? NaN);
    await page.locator('.threads-failure').waitFor();
    expect(await page.locator('.dot-live').count()).toBe(0);
    plug.putBack();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('.connection', { hasText: 'Connected' }).waitFor();
    expect(await page.locator('.answer[aria-busy=true]').count()).toBe(1);
    letAnswersEnd();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: slow', answer]]);
    await watched.showEvents('61 events');
    expect(await page.locator('.connection-note').count()).toBe(0);
  });

  it('drops events that the app lost in a restart, says so, and continues', async () => {
    const first = await startApp();
    const plug = await startPlug(first.app.baseUrl);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(plug.baseUrl);
    await watched.send('slow');
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    await first.app.kill();
    await page.locator('.connection', { hasText: 'Reconnecting' }).waitFor();
    const { app } = await startApp();
    plug.putBack(app.baseUrl);
    await page.getByText('This thread has no telemetry.').waitFor();
    await page.getByText('Earlier events are gone').waitFor();
    await watched.send('after');
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: after', answer]]);
    await page.getByText('Earlier events are gone').waitFor();
    await watched.showEvents('61 events');
  });

  it('exports telemetry, and clears it only after confirmation', async () => {
    const { app, api } = await startApp();
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const { page } = await openThread(app.baseUrl, threadId);
    const [download] = await Promise.all([page.waitForEvent('download'), chooseAction(page, 'Export JSONL')]);
    expect(download.suggestedFilename()).toBe(`${threadId}.jsonl`);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(await api.events(threadId));

    await chooseAction(page, 'Clear telemetry…');
    await page.getByRole('button', { name: 'Keep' }).click();
    expect(await api.events(threadId)).toHaveLength(61);
    await chooseAction(page, 'Clear telemetry…');
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByText('This thread has no telemetry.').waitFor();
    expect(await api.events(threadId)).toEqual([]);
  });

  it('renders few of 10,000 events, and reaches each by keyboard', async () => {
    const pieces = Array.from({ length: 9_999 }, (_, index) => `${index} `);
    const { app, api } = await startApp(() => ({ pieces }));
    const threadId = newThreadId();
    await api.ask(threadId, 'count');
    const watched = await openThread(app.baseUrl, threadId);
    const { page } = watched;
    await watched.showEvents('10,000 events');
    expect((await page.locator('.answer').textContent())?.trim()).toBe(pieces.join('').trim());
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

  it('prompts for the function key when keys are on, and keeps it for the tab', async () => {
    const answersMayEnd = createGate();
    const model = await startScriptedModel(() => ({ pieces: holdLast(words, answersMayEnd) }));
    onTestFinished(() => model.close());
    const launched = launchApp(
      ['--host', 'local', '--ephemeral', '--model', 'azure', '--port', '0', '--keys'],
      modelSettings(model),
    );
    const output = await launched.printed(/^ {2}function +\S+$/m);
    const [, baseUrl = ''] = /^listening (\S+)$/m.exec(output) ?? [];
    const [, key = ''] = /^ {2}function +(\S+)$/m.exec(output) ?? [];
    const watched = await openPage();
    const { page } = watched;
    await watched.open(baseUrl);
    await page.getByLabel('Key').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The app rejected this key.').waitFor();
    await page.getByLabel('Key').fill(key);
    await page.keyboard.press('Enter');
    await watched.send('hello');
    await page.locator('.answer[aria-busy=true]').waitFor();
    await page.reload();
    await page.locator('.answer[aria-busy=true]').waitFor();
    answersMayEnd.open();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await page.content()).not.toContain(key);
  });

  it('shows either the list or a thread on a phone, without horizontal scrolling', async () => {
    const { app, api } = await startApp();
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const watched = await openPage({ viewport: { width: 360, height: 700 } });
    const { page } = watched;
    await watched.open(app.baseUrl, '#/');
    await page.getByRole('main', { name: 'Overview' }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Threads' }).isVisible()).toBe(false);
    await page.getByRole('link', { name: 'Threads' }).click();
    await page.getByRole('link', { name: 'first' }).waitFor();
    expect(await page.getByRole('main', { name: 'Threads' }).getByRole('heading', { level: 1 }).count()).toBe(1);
    await page.getByRole('link', { name: 'first' }).click();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await page.getByRole('navigation', { name: 'Threads' }).isVisible()).toBe(false);
    for (const name of ['Run', 'Events', 'Charts', 'Conversation']) {
      await page.getByRole('tab', { name }).click();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    }
    await page.getByRole('link', { name: 'All threads' }).click();
    await page.getByRole('main', { name: 'Threads' }).waitFor();
    expect(await page.getByRole('main').count()).toBe(1);
  });

  it('has large touch targets on touch screens', async () => {
    const { app, api } = await startApp();
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const touched = { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true };
    const watched = await openPage(touched);
    const { page } = watched;
    await watched.open(app.baseUrl, '#/');
    await page.getByRole('button', { name: '7 days' }).waitFor();
    expect(await smallTargets(page)).toEqual([]);
    await page.getByRole('link', { name: 'Threads' }).click();
    await page.getByRole('link', { name: 'first' }).waitFor();
    expect(await smallTargets(page)).toEqual([]);
    await page.getByRole('link', { name: 'first' }).click();
    await page.locator('.answer[aria-busy=false]').waitFor();
    for (const name of ['Run', 'Events', 'Charts', 'Conversation']) {
      await page.getByRole('tab', { name }).click();
      expect(await smallTargets(page)).toEqual([]);
    }
    await page.locator('summary').click();
    expect(await smallTargets(page)).toEqual([]);
    await page.getByRole('button', { name: 'Clear telemetry…' }).click();
    expect(await smallTargets(page)).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('has no serious accessibility findings in the %s theme', async (colorScheme) => {
    const { app, api } = await startApp();
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    await api.run({ message: 'fail', thread_id: threadId });
    const watched = await openPage({ colorScheme });
    const { page } = watched;
    await watched.open(app.baseUrl);
    await page.locator('.thread-link').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.locator('.thread-link').click();
    await page.locator('.failure').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.locator('.event').first().click();
    await page.locator('.event-detail summary').click();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Charts' }).click();
    expect(await seriousFindings(page)).toEqual([]);
    await chooseAction(page, 'Clear telemetry…');
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await seriousFindings(page)).toEqual([]);
  });

  async function openThread(baseUrl: string, threadId: string): ReturnType<typeof openPage> {
    const watched = await openPage();
    await watched.open(baseUrl, `#/CallbackAgent/${threadId}`);
    await watched.page.locator('.answer[aria-busy=false]').first().waitFor();
    return watched;
  }
});

/** Chooses an item of the thread's menu. */
async function chooseAction(page: Page, name: string): Promise<void> {
  await page.locator('summary', { hasText: 'Actions' }).click();
  await page.getByRole('button', { name }).click();
}

/** Returns the touch targets that are less than 44 px high or wide. */
async function smallTargets(page: Page): Promise<string[]> {
  const targets = await page
    .locator('a, button:not(.skip), summary, select, input:not(label input), textarea, label:has(input), .event')
    .all();
  const small: string[] = [];
  for (const target of targets) {
    // A closed menu has boxes without a size.
    const box = (await target.isVisible()) ? await target.boundingBox() : null;
    if (box !== null && Math.min(box.width, box.height) < 44) {
      small.push(`${await target.textContent()}: ${box.width} x ${box.height}`);
    }
  }
  return small;
}

async function expectSpoken(page: Page, text: RegExp): Promise<void> {
  await page.getByRole('status').filter({ hasText: text }).waitFor({ state: 'attached' });
}
