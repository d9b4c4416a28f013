import { describe, expect, it } from 'vitest';
import { seriousFindings } from './support/axe.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { startScriptedApp } from './support/scripted-app.js';
import { eventsOf, runOfTools, START_MS, toolCall, toolResult } from './support/telemetry-events.js';

const call = { call_id: 'c1', tool_name: 'look_up' };
const withTools = runOfTools([
  [100, { update_kind: 'text', text: 'Let me look. ' }],
  [200, toolCall({ ...call, arguments: { id: 7 } })],
  [250, toolResult({ ...call, result: { name: 'seven' }, duration_ms: 30 })],
  [400, { update_kind: 'text', text: 'It is ', round: 2 }],
  [450, { update_kind: 'text', text: '**seven**.', round: 2 }],
  [500, 'final'],
]);
const thread = '#/CallbackAgent/t';

describe.skipIf(isBrowserMissing)('the dashboard page: one run (needs Chromium)', () => {
  it('shows tool calls with arguments, result and duration', async () => {
    const { page } = await openRun();
    const tool = page.locator('.answer .tool');
    expect(await tool.locator('summary').innerText()).toMatch(/look_up\s+\{"id":7\}\s+returned in 30 ms/);
    await tool.locator('summary').click();
    expect(await tool.locator('pre').allTextContents()).toEqual(['{\n  "id": 7\n}', '{\n  "name": "seven"\n}']);
    expect(await page.locator('.answer .part').allTextContents()).toEqual(['Let me look. ', 'It is seven.']);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('says which tool calls failed, and which have no result yet', async () => {
    const other = { call_id: 'c2', tool_name: 'count' };
    const app = await startScriptedApp();
    app.append(
      runOfTools([
        [100, toolCall(call)],
        [101, toolCall(other)],
        [150, toolResult({ ...call, result: 'No such id.', is_error: true, duration_ms: 40 })],
      ]),
    );
    const watched = await openPage();
    await watched.open(app.baseUrl, thread);
    const states = watched.page.locator('.answer .tool-state');
    await expect.poll(() => states.allTextContents()).toEqual(['failed after 40 ms', 'called']);
  });

  it('shows where the time of a run went, with the facts of the run', async () => {
    const { page } = await openRun({ started_at: new Date(START_MS + 40).toISOString() });
    const steps = page.getByRole('list', { name: 'Steps of the run' }).getByRole('listitem');
    await expect.poll(() => steps.count()).toBe(4);
    expect((await steps.allInnerTexts()).map((text) => text.split('\n'))).toEqual([
      ['Queue', '40 ms'],
      ['Model call 1', '160 ms'],
      ['look_up', '30 ms'],
      ['Model call 2', '250 ms'],
    ]);
    const ticks = await page.locator('.row-axis .row-track span').allTextContents();
    expect(ticks).toEqual(['0 ms', '200 ms', '400 ms', '600 ms']);
    const facts = (await page.locator('.facts').innerText()).replaceAll(/\s+/g, ' ');
    expect(facts).toMatch(/Correlation id aCopy Attempt 1 Accepted Jan 7, 2026.* Ended Jan 7, 2026/);
    expect(facts).toMatch(/First update after 100 ms Total 500 ms Updates 5, .* Tokens 7 in, 5 out Cost 0\.0021 USD/);
  });

  it('shows the text, the call and the raw events of a step', async () => {
    const { page } = await openRun();
    const detail = page.locator('.step-detail');
    await page.getByRole('region', { name: 'Model call 2' }).waitFor();
    expect(await detail.locator('pre').first().textContent()).toBe('It is **seven**.');
    await page.getByRole('button', { name: 'look_up' }).click();
    await page.getByRole('region', { name: 'look_up' }).waitFor();
    expect((await detail.locator('pre').allTextContents()).slice(0, 2)).toEqual([
      '{\n  "id": 7\n}',
      '{\n  "name": "seven"\n}',
    ]);
    await detail.getByText('Raw JSON of event 3 (tool_result)').click();
    expect(JSON.parse((await detail.locator('.raw-event pre').textContent()) ?? '')).toEqual(withTools[2]);
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByRole('button', { name: 'Show 2 events' }).click();
    await page.locator('#event-2[aria-selected=true]').waitFor();
    await page.getByText('Raw JSON of event 2 (tool_call)').click();
    expect(JSON.parse((await page.locator('.event-detail pre').textContent()) ?? '')).toEqual(withTools[1]);
  });

  it('shows earlier attempts, read for that run only', async () => {
    const app = await startScriptedApp();
    const id = '0f'.repeat(16);
    const half = { correlationId: id, attempt: 1, texts: ['Half '] } as const;
    app.append(eventsOf(half, { correlationId: id, attempt: 2, texts: ['Whole.'], end: 'final' }));
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, thread);
    await page.getByRole('button', { name: 'Attempt 1, interrupted' }).click();
    await page.getByRole('region', { name: 'Attempt 1, interrupted' }).waitFor();
    expect(await page.locator('.step-detail pre').textContent()).toBe('Half ');
    expect(app.reads.filter((read) => read.includes('superseded'))).toEqual([
      `t?request_message=once&superseded=true&correlation_id=${id}`,
    ]);
  });

  it('shows an earlier attempt among all events', async () => {
    const app = await startScriptedApp();
    const half = { correlationId: 'a', attempt: 1, texts: ['Half ', 'an '] } as const;
    const texts = Array.from({ length: 200 }, (_, index) => `${index} `);
    app.append(eventsOf(half, { correlationId: 'a', attempt: 2, texts, end: 'final' }));
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, thread);
    await page.getByRole('button', { name: 'Attempt 1, interrupted' }).click();
    await page.getByRole('button', { name: 'Show 2 events' }).click();
    const event = page.locator('#event-1[aria-selected=true][data-superseded=true]');
    await event.waitFor();
    await page.getByRole('checkbox', { name: 'All attempts', checked: true }).waitFor();
    expect(await page.locator('.event-detail-text').textContent()).toBe('Half ');
    const [row, rows] = [await event.boundingBox(), await page.getByRole('listbox').boundingBox()];
    expect(row?.y).toBe(rows?.y);

    await page.getByRole('listbox').focus();
    await page.keyboard.press('End');
    await page.locator('#event-203[aria-selected=true]').waitFor();
    await page.getByRole('tab', { name: 'Run' }).click();
    await page.getByRole('button', { name: 'Attempt 1, interrupted' }).click();
    await page.getByRole('button', { name: 'Show 2 events' }).click();
    await event.waitFor();
  });

  it('offers no way to the end of a conversation whose end is in view', async () => {
    const app = await startScriptedApp();
    app.append(eventsOf({ correlationId: 'a', texts: ['Hello'], end: 'final' }));
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, thread);
    await watched.showEvents('2 events');
    await page.locator('.event').first().click();
    await page.locator('.event-detail-text', { hasText: 'Hello' }).waitFor();
    expect(new URL(page.url()).hash).toBe(`${thread}/a`);
    expect(await page.locator('.jump').count()).toBe(0);
  });

  it('has an address for each run, and scrolls to the run at that address', async () => {
    const app = await startScriptedApp();
    const texts = [Array.from({ length: 60 }, (_, line) => `- line ${line}\n`).join('')];
    app.append(
      eventsOf(...['a', 'b', 'c', 'd'].map((correlationId) => ({ correlationId, texts, end: 'final' as const }))),
    );
    const watched = await openPage({ permissions: ['clipboard-read', 'clipboard-write'] });
    const { page } = watched;
    await watched.open(app.baseUrl, `${thread}/b`);
    await page.getByRole('heading', { name: 'Run 2' }).last().waitFor();
    await expect.poll(() => topOf('#run-2')).toBeLessThan(40);

    await page.getByRole('article', { name: 'Run 3' }).getByRole('link', { name: 'Run 3' }).click();
    expect(new URL(page.url()).hash).toBe(`${thread}/c`);
    await expect.poll(() => topOf('#run-3')).toBeLessThan(40);
    await page.getByRole('button', { name: 'Copy link to run 3' }).click();
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(page.url());
    await page.goBack();
    await page.getByRole('region', { name: 'Run 2' }).waitFor();
    await page.getByRole('tab', { name: 'Charts' }).click();
    await page.locator('.runs-table').getByRole('button', { name: '4' }).click();
    expect(new URL(page.url()).hash).toBe(`${thread}/d`);
    await expect.poll(() => topOf('#run-4')).toBeLessThan(40);

    await watched.open(app.baseUrl, `${thread}/gone`);
    await page.getByRole('tab', { name: 'Run' }).click();
    await page.getByText('This thread has no events of this run.').waitFor();

    /** How far the element is below the top of the conversation. */
    async function topOf(selector: string): Promise<number> {
      const [element, conversation] = [page.locator(selector), page.locator('.conversation')];
      return Math.abs(((await element.boundingBox())?.y ?? NaN) - ((await conversation.boundingBox())?.y ?? NaN));
    }
  });

  it('keeps the chosen tab in other threads and after a reload', async () => {
    const { page } = await openRun();
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.reload();
    await page.getByRole('tab', { name: 'Events', selected: true }).waitFor();
    await page.evaluate(`location.hash = '#/CallbackAgent/other'`);
    await page.locator('.thread-title h1', { hasText: 'other' }).waitFor();
    expect(await page.getByRole('tab', { selected: true }).textContent()).toBe('Events');
  });
});

async function openRun(record: Readonly<Record<string, unknown>> = {}): ReturnType<typeof openPage> {
  const app = await startScriptedApp();
  app.append(withTools);
  app.keepRun('a', { status: 'completed', message: 'request of a', ...record });
  const watched = await openPage();
  await watched.open(app.baseUrl, thread);
  await watched.page.locator('.answer[aria-busy=false]').waitFor();
  return watched;
}
