import { describe, expect, it, onTestFinished } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { API_KEY } from '../support/app-with-model.js';
import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { type RestartableApp, startRestartableApp } from '../support/restartable-app.js';
import { startScriptedModel } from '../support/scripted-model.js';
import { isBrowserMissing, useBrowser } from './support/browser.js';

const PIECES = 60;

/** What the model says when it is asked for the so-manieth time: each time something else. */
function piecesOfCall(call: number): string[] {
  return Array.from({ length: PIECES }, (_, index) => `${call}.${index} `);
}

/** Keeps events in a table, and asks a model that never ends its first answer; ends with the test. */
async function startApp(): Promise<RestartableApp> {
  let calls = 0;
  const model = await startScriptedModel(() => {
    calls += 1;
    const pieces = piecesOfCall(calls);
    return calls === 1 ? { pieces: pieces.slice(0, 20), end: 'silence' } : { pieces, pauseMs: 30 };
  });
  const azurite = await startAzuriteTableServer();
  onTestFinished(async () => {
    await model.close();
    await azurite.close();
  });
  const app = await startRestartableApp({
    CALLBACK_STORE: 'table',
    AzureWebJobsStorage: azurite.connectionString,
    AZURE_OPENAI_ENDPOINT: model.endpoint,
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'test-deployment',
    AZURE_OPENAI_API_KEY: API_KEY,
  });
  onTestFinished(() => app.stop());
  return app;
}

describe.skipIf(isBrowserMissing)('the page over a host that dies (needs /usr/bin/chromium)', () => {
  const openPage = useBrowser();

  it('shows one whole answer when the host is killed in the middle of it, and both attempts to an audit', async () => {
    const app = await startApp();
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl, `#/CallbackAgent/${newThreadId()}`);
    await watched.send('Tell me a long story');
    await page.locator('.answer .part', { hasText: '1.10 ' }).waitFor();
    await app.killAndRestart();

    const answer = piecesOfCall(2).join('');
    await page.locator('.answer[aria-busy=true] .part', { hasText: '2.5 ' }).waitFor();
    await page.locator('.answer[aria-busy=false]').waitFor();
    await page.locator('.timeline-foot', { hasText: `${PIECES + 1} events` }).waitFor();
    expect(await watched.conversation()).toEqual([['Request: Tell me a long story', answer]]);
    expect(await page.locator('.failure').count()).toBe(0);

    await page.getByRole('checkbox', { name: 'All attempts' }).check();
    await page.locator('.timeline-foot', { hasText: /61 events, and \d+ of superseded attempts\./ }).waitFor();
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
