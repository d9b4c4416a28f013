import { describe, expect, it } from 'vitest';
import { seriousFindings } from './support/axe.js';
import { isBrowserMissing, openPage } from './support/browser.js';
import { startScriptedApp } from './support/scripted-app.js';
import { eventsOf } from './support/telemetry-events.js';
import { MARKDOWN_XSS_PAYLOADS, XSS_PAYLOADS } from './support/xss-payloads.js';

const CODE = "const a = '<b>';\n\nconsole.log(a);";
const ANSWER = `## Plan

A **bold** start, *then* \`code\`, and [a link](https://example.com/x "Its title").

1. first
2. second
   - [x] done

| City | Degrees |
|:-----|--------:|
| Paris | 21 |

\`\`\`js
${CODE}
\`\`\`

> Said &amp; done.

![a chart](https://example.com/chart.png)
`;

describe.skipIf(isBrowserMissing)('the dashboard page: answers in Markdown (needs Chromium)', () => {
  it('shows Markdown, and its source on request', async () => {
    const { page, origins, app } = await openAnswer(ANSWER);
    const answer = page.locator('.answer');
    expect(await answer.getByRole('heading', { name: 'Plan' }).evaluate(({ tagName }) => tagName)).toBe('H4');
    expect(await answer.locator('strong').textContent()).toBe('bold');
    expect(await answer.locator('ol > li').count()).toBe(2);
    expect(await answer.getByRole('img', { name: 'done' }).count()).toBe(1);
    expect(await answer.locator('td').allTextContents()).toEqual(['Paris', '21']);
    expect(await answer.locator('td').nth(1).getAttribute('data-align')).toBe('right');
    expect(await answer.locator('pre').textContent()).toBe(CODE);
    expect((await answer.locator('blockquote').textContent())?.trim()).toBe('Said & done.');
    const links = await answer.locator('a').evaluateAll((all) => all.map((link) => link.outerHTML));
    expect(links).toEqual([
      '<a href="https://example.com/x" title="Its title" target="_blank" rel="noopener noreferrer">a link</a>',
      '<a href="https://example.com/chart.png" title="https://example.com/chart.png" target="_blank" rel="noopener noreferrer">Image: a chart</a>',
    ]);
    expect([...origins]).toEqual([app.baseUrl]);
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByRole('button', { name: 'Show the answer of run 1 as plain text' }).click();
    expect(await answer.textContent()).toBe(ANSWER);
  });

  it('copies the answer as Markdown, and the text of a code block', async () => {
    const { page } = await openAnswer(ANSWER, { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByRole('button', { name: 'Copy the answer of run 1' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(ANSWER);
    await page.getByRole('button', { name: 'Copy code' }).click();
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(CODE);
  });

  it('keeps the elements that are complete while the rest streams in', async () => {
    const app = await startScriptedApp();
    const { page } = await openThread(app.baseUrl);
    await app.followed();
    const pieces = ANSWER.match(/[^]{1,7}/g) ?? [];
    const events = eventsOf({ correlationId: 'a', texts: pieces, end: 'final' });
    const half = Math.floor(events.length / 2);
    app.append(events.slice(0, half));
    const heading = page.locator('.answer h4');
    await heading.waitFor();
    await heading.evaluate((element) => element.setAttribute('data-kept', 'yes'));
    for (const event of events.slice(half)) app.append([event]);
    await page.locator('.answer[aria-busy=false]').waitFor();
    expect(await heading.getAttribute('data-kept')).toBe('yes');
    expect(await page.locator('.answer td').count()).toBe(2);
  });

  it('runs no script, loads nothing and links to no script, whatever the answers hold', async () => {
    const payloads = [...XSS_PAYLOADS, ...MARKDOWN_XSS_PAYLOADS];
    expect(new Set(payloads).size).toBe(100);
    const app = await startScriptedApp();
    app.append(
      eventsOf(...payloads.map((text, index) => ({ correlationId: `${index}`, texts: [text], end: 'final' as const }))),
    );
    const watched = await openThread(app.baseUrl);
    const { page } = watched;
    await watched.showEvents('200 events');
    expect(await page.locator('.answer[aria-busy=false]').count()).toBe(100);
    const foreign = page.locator(
      '.answer :is(script, img, svg, iframe, object, embed, video, audio, input, form, style, link, meta, base, math)',
    );
    expect(await foreign.count()).toBe(0);
    const attributes = await page
      .locator('.markdown *')
      .evaluateAll((all) => all.flatMap((element) => element.getAttributeNames()));
    expect(attributes.filter((name) => name.startsWith('on') || name === 'style' || name === 'src')).toEqual([]);
    const links = page.locator('.answer a');
    const targets = await links.evaluateAll((all) =>
      all.map((link) => [link.getAttribute('href'), link.getAttribute('rel')]),
    );
    expect(targets.length).toBeGreaterThan(3);
    for (const [href, rel] of targets) {
      expect(href).toMatch(/^(?:https?|mailto):/);
      expect(rel).toBe('noopener noreferrer');
    }
    for (const key of ['Home', 'PageDown', 'PageDown', 'End']) await page.getByRole('listbox').press(key);
    await page.getByRole('tab', { name: 'Charts' }).click();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(watched.incidents).toEqual([]);
    expect([...watched.origins]).toEqual([app.baseUrl]);
    await page
      .getByRole('button', { name: /as plain text$/ })
      .evaluateAll((buttons) => buttons.forEach((button) => (button as unknown as { click(): void }).click()));
    await expect.poll(() => page.locator('.markdown').count()).toBe(0);
    expect(await page.locator('.answer').allTextContents()).toEqual(payloads);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(watched.incidents).toEqual([]);
  });
});

async function openThread(baseUrl: string, options: Parameters<typeof openPage>[0] = {}): ReturnType<typeof openPage> {
  const watched = await openPage(options);
  await watched.open(baseUrl, '#/CallbackAgent/t');
  return watched;
}

async function openAnswer(text: string, options: Parameters<typeof openPage>[0] = {}) {
  const app = await startScriptedApp();
  app.append(eventsOf({ correlationId: 'a', texts: [text], end: 'final' }));
  const { page, origins } = await openThread(app.baseUrl, options);
  await page.locator('.answer[aria-busy=false]').waitFor();
  return { page, origins, app };
}
