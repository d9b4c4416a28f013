import { describe, expect, it, onTestFinished } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { startAppWithModel } from '../support/app-with-model.js';
import type { ModelAnswer } from '../support/scripted-model.js';
import { seriousFindings } from './support/axe.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { refusal, useApp } from './support/shared-app.js';

describe.skipIf(isBrowserMissing)('the dashboard page: threads and runs (needs Chromium)', () => {
  const app = useApp(answerTo);

  it('stops a run, keeps its partial text, and retries it', async () => {
    const letAnswersEnd = app.hold('slow', ['part one ', 'the end']);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    await watched.send('slow');
    await page.locator('.part', { hasText: 'part one' }).waitFor();
    await page.getByRole('button', { name: 'Stop run 1' }).click();
    await page.getByText('This run was stopped.').waitFor();
    await page.locator('.thread-link[aria-current=page] .status-mark', { hasText: 'Cancelled' }).waitFor();
    expect(await watched.conversation()).toEqual([['Request: slow', 'part one']]);
    expect(await page.locator('.failure').count()).toBe(0);
    expect(await seriousFindings(page)).toEqual([]);

    letAnswersEnd();
    await page.getByRole('button', { name: 'Retry run 1' }).click();
    await page.locator('.part', { hasText: 'the end' }).waitFor();
    expect(await watched.conversation()).toEqual([
      ['Request: slow', 'part one'],
      ['Request: slow', 'part one the end'],
    ]);
    expect(await page.getByRole('button', { name: /^Retry run 2/ }).count()).toBe(0);
  });

  it('deletes a thread after a question', async () => {
    const { api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'Remember me');
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, `#/CallbackAgent/${threadId}`);
    await page.locator('.answer[aria-busy=false]').waitFor();
    await watched.chooseAction('Delete thread…');
    await page.getByRole('button', { name: 'Keep' }).click();
    expect(await api.events(threadId)).toHaveLength(2);
    await watched.chooseAction('Delete thread…');
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('main', { name: 'Overview' }).waitFor();
    await page.getByRole('link', { name: 'Remember me' }).waitFor({ state: 'detached' });
    expect(new URL(page.url()).hash).toBe('#/');
    expect(await api.events(threadId)).toEqual([]);
    expect((await fetch(`${app.baseUrl}/api/agents/CallbackAgent/threads/${threadId}`)).status).toBe(404);
  });

  it('shows the stored conversation of a thread whose events were cleared', async () => {
    const { api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'Who are you?');
    await fetch(`${app.baseUrl}/api/agents/CallbackAgent/callbacks/${threadId}`, { method: 'DELETE' });
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, `#/CallbackAgent/${threadId}`);
    await page.locator('.thread-link[aria-current=page]', { hasText: 'no events' }).waitFor();
    const stored = page.getByRole('region', { name: 'Stored conversation' });
    await stored.getByText('Its events are gone.').waitFor();
    expect(await stored.locator('.request').textContent()).toBe('Request: Who are you?');
    expect((await stored.locator('.answer').textContent())?.trim()).toBe('answer to Who are you?');
    await watched.send('Go on');
    await page.locator('article .answer[aria-busy=false]').waitFor();
    expect(await stored.locator('.request').count()).toBe(1);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('lists threads by their first message, and finds them on the server by text, status and key', async () => {
    const own = await startAppWithModel(answerTo);
    onTestFinished(() => own.stop());
    const { api } = own;
    const watched = await openPage();
    const { page } = watched;
    await watched.open(own.app.baseUrl);
    await page.getByText('No threads yet.').waitFor();
    const [apples, pears] = [newThreadId(), newThreadId()];
    await api.ask(apples, 'Apples, please');
    await api.ask(pears, 'Pears, please');
    await api.run({ message: 'fail', thread_id: pears });
    await page.reload();
    const names = page.locator('.thread-name');
    await expect.poll(() => names.allTextContents()).toEqual(['Pears, please', 'Apples, please']);

    await page.keyboard.press('Escape');
    await page.locator('.thread-link').first().focus();
    await page.keyboard.press('/');
    await page.keyboard.type('apples');
    await expect.poll(() => names.allTextContents()).toEqual(['Apples, please']);
    await page.getByRole('searchbox').fill('');
    await page.getByRole('combobox', { name: 'Status' }).selectOption('Failed');
    await expect.poll(() => names.allTextContents()).toEqual(['Pears, please']);
    await page.getByRole('combobox', { name: 'Status' }).selectOption('Any status');
    await page.getByRole('combobox', { name: 'Time' }).selectOption('Last hour');
    await expect.poll(() => names.count()).toBe(2);

    await page.locator('.thread-link').first().focus();
    await page.keyboard.press('j');
    await expect.poll(() => page.title()).toBe('Pears, please · Agent telemetry');
    await page.keyboard.press('j');
    await expect.poll(() => page.title()).toBe('Apples, please · Agent telemetry');
    await page.keyboard.press('k');
    await page.locator('.thread-title h1', { hasText: 'Pears, please' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.locator('.thread-title h1', { hasText: 'New thread' }).waitFor();
  });

  it('requests nothing while no run is going on', async () => {
    const { api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'first');
    const watched = await openPage();
    const { page } = watched;
    await page.clock.install();
    await watched.open(app.baseUrl, `#/CallbackAgent/${threadId}`);
    await page.locator('.answer[aria-busy=false]').waitFor();
    await page.locator('.thread-link[aria-current=page]', { hasText: '1 run' }).waitFor();
    // The list of threads is read once more after the run.
    await expect.poll(() => watched.requestsDuring(20_000)).toEqual([]);
  });
});

function answerTo(message: string): ModelAnswer {
  return message === 'fail' ? refusal : { pieces: [`answer to ${message}`] };
}
