import type { Request } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { ThreadSummary } from '../../src/dashboard/page/api/thread-summary.js';
import { seriousFindings } from './support/axe.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { startScriptedApp } from './support/scripted-app.js';
import { approvalEvent, runOfTools, toolCall, toolResult } from './support/telemetry-events.js';

const call = { call_id: 'c1', tool_name: 'issue_refund', arguments: { order_id: 'A-1001', amount: 20 } };
const script = [
  [100, toolCall(call)],
  [110, approvalEvent({ ...call, state: 'requested' })],
  [5_000, approvalEvent({ ...call, state: 'approved', reason: 'It came late.' })],
  [5_050, toolResult({ ...call, result: 'refunded', duration_ms: 40 })],
  [5_100, { update_kind: 'text', text: 'Done.', round: 2 }],
  [5_200, 'final'],
] as const;
const events = runOfTools(script);
const approval = {
  approval_id: 'approval-of-c1',
  tool_name: call.tool_name,
  arguments: call.arguments,
  expires_at: '2026-01-14T15:40:00.110Z',
  state: 'requested',
} as const;

const listed: Omit<ThreadSummary, 'status'> = {
  thread_id: 't',
  title: 'Refund',
  last_activity_at: '2026-01-07T15:40:00.110Z',
  event_count: 2,
  run_count: 1,
  failed_run_count: 0,
  total_token_count: 0,
};

describe.skipIf(isBrowserMissing)('the dashboard page: approvals (needs Chromium)', () => {
  it('asks for the approval of a tool call, then shows the run going on', async () => {
    const { page, app } = await openWaiting();
    await page.getByText('If nobody decides, it is rejected at Jan 14, 2026').waitFor();
    expect(await page.locator('.answer .tool-state').textContent()).toBe('waits for approval');
    expect(await page.locator('.inspector-status').textContent()).toBe('Waiting for approval');
    expect(await seriousFindings(page)).toEqual([]);
    app.ask([]);
    await page.getByRole('textbox', { name: 'Reason' }).fill(' It came late. ');
    await page.getByRole('button', { name: 'Approve' }).click();
    await expect.poll(() => page.locator('.approval').count()).toBe(0);
    expect(app.decisions).toEqual([{ approvalId: 'approval-of-c1', approved: true, reason: 'It came late.' }]);

    app.append(events.slice(2));
    await page.locator('.answer .part', { hasText: 'Done.' }).waitFor();
    expect(await page.locator('.answer .tool-state').textContent()).toBe('returned in 40 ms');
    await page.getByRole('button', { name: 'Approval of issue_refund' }).click();
    await page.getByText('This call was approved. Reason: It came late.').waitFor();
    await page.getByText('without 4.89 s of waiting for approval').waitFor();
  });

  it('approves with edited arguments, if they are a JSON object', async () => {
    const { page, app } = await openWaiting();
    const box = page.getByRole('textbox', { name: 'Arguments' });
    expect(JSON.parse(await box.inputValue())).toEqual(call.arguments);
    for (const wrong of ['{"amount": ', '[20]', '20']) {
      await box.fill(wrong);
      await page.getByRole('button', { name: 'Approve with these arguments' }).click();
      await page.getByText('The arguments are not a JSON object.').waitFor();
    }
    expect(app.decisions).toEqual([]);
    await box.fill('{"order_id":"A-1001","amount":10}');
    app.ask([]);
    await page.getByRole('button', { name: 'Approve with these arguments' }).click();
    await expect.poll(() => app.decisions.length).toBe(1);
    expect(app.decisions).toEqual([
      { approvalId: 'approval-of-c1', approved: true, arguments: { order_id: 'A-1001', amount: 10 } },
    ]);
  });

  it('rejects without arguments, and says why a decision was not accepted', async () => {
    const { page, app } = await openWaiting();
    app.refuseDecisions('This call is already approved.');
    await page.getByRole('textbox', { name: 'Arguments' }).fill('{}');
    await page.getByRole('button', { name: 'Reject' }).click();
    await page.getByText('This call is already approved.').waitFor();
    expect(app.decisions).toEqual([{ approvalId: 'approval-of-c1', approved: false }]);
  });

  it('asks for an approval that the app lists only after its event', async () => {
    const { page, app } = await openUnlisted();
    app.ask([approval]);
    const card = page.getByRole('region', { name: 'Approve issue_refund?' });
    await card.waitFor();
    expect(await card.getByRole('button', { name: 'Approve' }).isEnabled()).toBe(true);
  });

  it('gives up after a few seconds if the app does not list the approval', async () => {
    const { page, reads } = await openUnlisted();
    await expect.poll(() => reads.started).toBeGreaterThan(1);
    await advance(10_000);
    await expect.poll(() => reads.ended).toBe(reads.started);
    const { started } = reads;
    for (let second = 0; second < 5; second += 1) await advance(1_000);
    expect(reads.started).toBe(started);

    /** Advances the page's clock, then waits for a request, so that a read in progress ends. */
    async function advance(ms: number): Promise<void> {
      await page.clock.runFor(ms);
      await page.evaluate(`fetch('health').then((response) => response.text())`);
    }
  });

  it('asks also when the events of the thread are gone', async () => {
    const app = await startScriptedApp();
    app.ask([approval, { ...approval, approval_id: 'other', state: 'expired' }]);
    const watched = await openPage({ viewport: { width: 390, height: 800 } });
    await watched.open(app.baseUrl, '#/CallbackAgent/t');
    const { page } = watched;
    await page.getByRole('region', { name: 'Approve issue_refund?' }).waitFor();
    expect(await page.locator('.approval').count()).toBe(1);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('marks the thread as waiting only until its run is stopped, even if the list shows that late', async () => {
    const { page, app } = await openWaiting();
    await page.clock.install();
    let status: ThreadSummary['status'] = 'waiting_for_approval';
    let reads = 0;
    await page.route('**/threads?limit=100', async (route) => {
      await route.fulfill({ json: [{ ...listed, status }] });
      reads += 1;
    });
    app.append(runOfTools([...script.slice(0, 2), [210, 'failed']]).slice(2));
    await page.getByText('This run was stopped.').waitFor();
    const mark = page.locator('.thread-link[aria-current=page] .status-mark');
    await expect.poll(() => reads).toBeGreaterThan(0);
    await mark.filter({ hasText: 'Waiting for approval' }).waitFor();
    status = 'cancelled';

    await page.clock.runFor(4_000);

    await mark.filter({ hasText: 'Cancelled' }).waitFor();
  });
});

/** Opens a thread with an event of a waiting call, and returns when the page has read an empty list of approvals. */
async function openUnlisted() {
  const app = await startScriptedApp();
  app.append(events.slice(0, 2));
  const watched = await openPage();
  const { page } = watched;
  await page.clock.install();
  const reads = { started: 0, ended: 0 };
  page.on('request', (request) => (reads.started += Number(isRead(request))));
  const countEnd = (request: Request): unknown => (reads.ended += Number(isRead(request)));
  page.on('requestfinished', countEnd);
  page.on('requestfailed', countEnd);
  // The page may start over a read, which aborts the earlier one.
  const completed = page.waitForEvent('requestfinished', isRead);
  await watched.open(app.baseUrl, '#/CallbackAgent/t');
  const answer = await (await completed).response();
  expect(await answer?.json()).toEqual({ approvals: [] });
  return { page, app, reads };
}

async function openWaiting() {
  const app = await startScriptedApp();
  app.append(events.slice(0, 2));
  app.ask([approval]);
  const watched = await openPage();
  await watched.open(app.baseUrl, '#/CallbackAgent/t');
  await watched.page.getByRole('region', { name: 'Approve issue_refund?' }).waitFor();
  return { page: watched.page, app };
}

function isRead(request: Request): boolean {
  return request.url().endsWith('/approvals');
}
