import { describe, expect, it } from 'vitest';
import { isBrowserMissing, openPage } from './support/browser.js';
import { startScriptedApp } from './support/scripted-app.js';

describe.skipIf(isBrowserMissing)('the dashboard page: agents (needs Chromium)', () => {
  it('sends the first message of a thread to the selected agent', async () => {
    const app = await startScriptedApp(['First', 'Second', 'Third']);
    const watched = await openPage();
    const { page } = watched;
    await watched.open(app.baseUrl);
    const picker = page.getByRole('combobox', { name: 'Agent', exact: true });
    await picker.waitFor();
    expect(await picker.locator('option').allTextContents()).toEqual(['First', 'Second', 'Third']);
    expect(await picker.inputValue()).toBe('First');
    await picker.selectOption('Second');
    await watched.send('hello');
    await page.getByText('Waiting for the first update').waitFor();
    expect(app.sent).toMatchObject([{ agentName: 'Second', message: 'hello' }]);
    await expect.poll(() => page.evaluate('location.hash')).toBe(`#/Second/${app.sent[0]?.threadId}`);
    expect(await picker.count()).toBe(0);
    await page.locator('.thread-title', { hasText: 'Second' }).waitFor();
  });

  it('offers no choice if there is one agent', async () => {
    const app = await startScriptedApp(['Only']);
    const watched = await openPage();
    await watched.open(app.baseUrl);
    await watched.page.locator('.thread-title', { hasText: 'Only' }).waitFor();
    expect(await watched.page.getByRole('combobox', { name: 'Agent' }).count()).toBe(0);
  });
});
