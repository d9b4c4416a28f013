import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { numberedPieces } from '../support/numbered-pieces.js';
import { findingsInBothThemes } from './support/axe.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { refusal, useApp } from './support/shared-app.js';

describe.skipIf(isBrowserMissing)('the dashboard page: layout (needs Chromium)', () => {
  const app = useApp((message) => (message === 'fail' ? refusal : { pieces: numberedPieces(60) }));

  it('shows either the list or a thread on a phone, without horizontal scrolling', async () => {
    const { baseUrl, api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'on a phone');
    const watched = await openPage({ viewport: { width: 360, height: 700 } });
    const { page } = watched;
    await watched.open(baseUrl, '#/');
    await page.getByRole('main', { name: 'Overview' }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Threads' }).isVisible()).toBe(false);
    await page.getByRole('link', { name: 'Threads' }).click();
    await page.getByRole('link', { name: 'on a phone' }).waitFor();
    expect(await page.getByRole('main', { name: 'Threads' }).getByRole('heading', { level: 1 }).count()).toBe(1);
    await page.getByRole('link', { name: 'on a phone' }).click();
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
    const { baseUrl, api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'touched');
    const touched = { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true };
    const watched = await openPage(touched);
    const { page } = watched;
    await watched.open(baseUrl, '#/');
    await page.getByRole('button', { name: '7 days' }).waitFor();
    expect(await smallTargets(page)).toEqual([]);
    await page.getByRole('link', { name: 'Threads' }).click();
    await page.getByRole('link', { name: 'touched' }).waitFor();
    expect(await smallTargets(page)).toEqual([]);
    await page.getByRole('link', { name: 'touched' }).click();
    await page.locator('.answer[aria-busy=false]').waitFor();
    for (const name of ['Run', 'Events', 'Charts', 'Conversation']) {
      await page.getByRole('tab', { name }).click();
      expect(await smallTargets(page)).toEqual([]);
    }
    await page.locator('summary').click();
    expect(await smallTargets(page)).toEqual([]);
    await page.getByRole('button', { name: 'Clear events…' }).click();
    expect(await smallTargets(page)).toEqual([]);
  });

  it('has no serious accessibility findings in the light and dark themes', async () => {
    const { baseUrl, api } = app;
    const threadId = newThreadId();
    await api.ask(threadId, 'accessible');
    await api.run({ message: 'fail', thread_id: threadId });
    const watched = await openPage();
    const { page } = watched;
    await watched.open(baseUrl);
    const link = page.getByRole('link', { name: 'accessible' });
    await link.waitFor();
    expect(await findingsInBothThemes(page)).toEqual([]);
    await link.click();
    await page.locator('.failure').waitFor();
    expect(await findingsInBothThemes(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.locator('.event').first().click();
    await page.locator('.event-detail summary').click();
    expect(await findingsInBothThemes(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Charts' }).click();
    expect(await findingsInBothThemes(page)).toEqual([]);
    await watched.chooseAction('Clear events…');
    expect(await findingsInBothThemes(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await findingsInBothThemes(page)).toEqual([]);
  });
});

/** Returns the touch targets that are less than 44 px high or wide. */
function smallTargets(page: Page): Promise<string[]> {
  return page
    .locator('a, button:not(.skip), summary, select, input:not(label input), textarea, label:has(input), .event')
    .evaluateAll((all) =>
      all.flatMap((target) => {
        const { width, height } = target.getBoundingClientRect();
        const isShown = width > 0 && height > 0 && target.checkVisibility({ visibilityProperty: true });
        return isShown && Math.min(width, height) < 44 ? [`${target.textContent}: ${width} x ${height}`] : [];
      }),
    );
}
