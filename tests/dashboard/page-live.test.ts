import { describe, expect, it, onTestFinished } from 'vitest';
import { launchApp } from '../local/support/launched.js';
import { startAppWithModel } from '../support/app-with-model.js';
import { newThreadId } from '../support/agent-api.js';
import { createGate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import { modelSettings, startScriptedModel } from '../support/scripted-model.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { startPlug } from './support/plug.js';
import { useApp } from './support/shared-app.js';

const words = Array.from({ length: 60 }, (_, index) => `word${index} `);
/** The answer as shown. Markdown ignores white space at the end. */
const answer = words.join('').trim();

describe.skipIf(isBrowserMissing)('the dashboard page: live answers (needs Chromium)', () => {
  const app = useApp(() => ({ pieces: words }));

  it('sends a message, shows the answer as it streams in, and lists the thread', async () => {
    const letAnswerEnd = app.hold('slow, please', words);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    await watched.send('slow, please');
    const streaming = page.locator('.answer[aria-busy=true] .part');
    await streaming.filter({ hasText: 'word3 ' }).waitFor();
    expect(answer.startsWith((await streaming.textContent()) ?? '-')).toBe(true);
    letAnswerEnd();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: slow, please', answer]]);
    await watched.showEvents('61 events');
    await page.locator('.thread-link', { hasText: 'slow, please' }).getByText('1 run').waitFor();
    expect(await page.locator('.failure').count()).toBe(0);
    await page
      .getByRole('status')
      .filter({ hasText: /^Run 1 was answered: word0 / })
      .waitFor({ state: 'attached' });
    expect(watched.incidents).toEqual([]);
  });

  it('stays scrolled to the end after a long message is sent', async () => {
    const message = `${'long '.repeat(2000)}end`;
    const letAnswerEnd = app.hold(message, words);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    await watched.send(message);
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    expect(await page.locator('.thread-main .jump').count()).toBe(0);
    letAnswerEnd();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await page.locator('.thread-main .jump').count()).toBe(0);
  });

  it('shows everything exactly once after a reload mid-stream', async () => {
    const letAnswerEnd = app.hold('reload', words);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    await watched.send('reload');
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    await page.reload();
    await page.locator('.answer[aria-busy=true] .part', { hasText: 'word15 ' }).waitFor();
    letAnswerEnd();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: reload', answer]]);
    await watched.showEvents('61 events');
  });

  it('reconnects after the connection breaks, without losing or repeating text', async () => {
    const letAnswerEnd = app.hold('reconnect', words);
    const plug = await startPlug(app.baseUrl);
    const watched = await openPage();
    const { page } = watched;
    await page.clock.install();
    await watched.open(plug.baseUrl);
    await watched.send('reconnect');
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    await page.locator('.dot-live').waitFor();
    plug.pull();
    await page.locator('.connection', { hasText: 'Reconnecting' }).waitFor();
    const note = page.locator('.connection-note', { hasText: 'status 503' });
    await note.waitFor();
    const [above, below] = [await page.locator('.thread-main').boundingBox(), await note.boundingBox()];
    expect((above?.y ?? NaN) + (above?.height ?? NaN)).toBeLessThanOrEqual(below?.y ?? NaN);
    await page.clock.runFor(5_000);
    await page.locator('.threads-failure').waitFor();
    expect(await page.locator('.dot-live').count()).toBe(0);
    plug.putBack();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('.connection', { hasText: 'Connected' }).waitFor();
    expect(await page.locator('.answer[aria-busy=true]').count()).toBe(1);
    letAnswerEnd();
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: reconnect', answer]]);
    await watched.showEvents('61 events');
    expect(await page.locator('.connection-note').count()).toBe(0);
  });

  it('drops events that the app lost in a restart, says so, and continues', async () => {
    const first = await startAppWithModel(() => ({ pieces: words, end: 'silence' }));
    onTestFinished(() => first.stop());
    const plug = await startPlug(first.app.baseUrl);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(plug.baseUrl);
    await watched.send('slow');
    await page.locator('.answer .part', { hasText: 'word10 ' }).waitFor();
    await first.app.kill();
    await page.locator('.connection', { hasText: 'Reconnecting' }).waitFor();
    plug.putBack(app.baseUrl);
    await page.getByText('This thread has no events.').waitFor();
    await page.getByText('Earlier events are gone').waitFor();
    await watched.send('after');
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await watched.conversation()).toEqual([['Request: after', answer]]);
    await page.getByText('Earlier events are gone').waitFor();
    await watched.showEvents('61 events');
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
    await watched.open(baseUrl, `#/CallbackAgent/${newThreadId()}`);
    await page.getByLabel('Key').waitFor();
    expect(await page.getByText('The app rejected this key.').count()).toBe(0);
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
});
