import { describe, expect, it, onTestFinished } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { openTableAccount } from '../support/azurite-table-server.js';
import { createGate, type Gate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import { type RestartableApp, startRestartableApp } from '../support/restartable-app.js';
import { modelSettings, startScriptedModel } from '../support/scripted-model.js';
import { isBrowserMissing, openPage } from './support/browser.js';

const PIECES = 60;

/** The pieces of the model's answer to its nth call. Each call gets a different answer. */
function piecesOfCall(call: number): string[] {
  return Array.from({ length: PIECES }, (_, index) => `${call}.${index} `);
}

/** Starts the app on Table storage. Its model never finishes the first answer, and holds later ones at the gate. */
async function startApp(answersMayEnd: Gate): Promise<RestartableApp> {
  let calls = 0;
  const model = await startScriptedModel(() => {
    calls += 1;
    const pieces = piecesOfCall(calls);
    return calls === 1
      ? { pieces: pieces.slice(0, 20), end: 'silence' }
      : { pieces: holdLast(pieces, answersMayEnd), pauseMs: 10 };
  });
  onTestFinished(() => model.close());
  const { connectionString } = await openTableAccount();
  const app = await startRestartableApp({
    CALLBACK_STORE: 'table',
    AzureWebJobsStorage: connectionString,
    ...modelSettings(model),
  });
  onTestFinished(() => app.stop());
  return app;
}

describe.skipIf(isBrowserMissing)('the dashboard page: host crash (needs Chromium)', () => {
  it('shows one complete answer after the host is killed mid-answer, and both attempts on request', async () => {
    const answersMayEnd = createGate();
    const app = await startApp(answersMayEnd);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, `#/CallbackAgent/${newThreadId()}`);
    await watched.send('Tell me a long story');
    await page.locator('.answer .part', { hasText: '1.10 ' }).waitFor();
    await app.killAndRestart();

    const answer = piecesOfCall(2).join('').trim();
    await page.locator('.answer[aria-busy=true] .part', { hasText: '2.5 ' }).waitFor();
    answersMayEnd.open();
    await page.locator('.answer[aria-busy=false]').waitFor();
    await watched.showEvents(`${PIECES + 1} events`);
    expect(await watched.conversation()).toEqual([['Request: Tell me a long story', answer]]);
    expect(await page.locator('.failure').count()).toBe(0);

    await page.getByRole('checkbox', { name: 'All attempts' }).check();
    await page.locator('.timeline-foot', { hasText: /61 events, plus \d+ from superseded attempts\./ }).waitFor();
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Home');
    const superseded = page.locator('.event[data-superseded=true] s');
    await superseded.first().waitFor();
    const half = (await superseded.allTextContents()).join('');
    expect(half).toMatch(/^1\.0 1\.1 /);
    expect(piecesOfCall(1).join('').startsWith(half)).toBe(true);
    expect(await watched.conversation()).toEqual([['Request: Tell me a long story', answer]]);

    await page.reload();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: Tell me a long story', answer]]);
    expect(watched.incidents).toEqual([]);
  });
});
