import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isBrowserMissing, openPage } from '../dashboard/support/browser.js';
import { launchApp } from '../local/support/launched.js';
import { startCuttingProxy } from '../support/cutting-proxy.js';
import { createGate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import { listenForTest } from '../support/listen-for-test.js';
import { modelSettings, startScriptedModel } from '../support/scripted-model.js';

const projectFolder = path.resolve(__dirname, '../..');
const words = Array.from({ length: 40 }, (_, index) => `word${index} `);

/** Serves the example at a separate origin. It uses this app instead of the one on port 7071. */
async function servePage(appUrl: () => string): Promise<string> {
  const source = await readFile(path.join(projectFolder, 'examples/chat/index.html'), 'utf8');
  return listenForTest(
    createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(source.replace('http://localhost:7071', appUrl()));
    }),
  );
}

/** Creates a folder with this project's app and its own local.settings.json. */
async function createAppFolder(localSettings: object): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chat-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const name of ['dist', 'node_modules', 'host.json', 'package.json']) {
    await symlink(path.join(projectFolder, name), path.join(folder, name));
  }
  await writeFile(path.join(folder, 'local.settings.json'), JSON.stringify(localSettings));
  return folder;
}

/** Starts the app with function keys on, and CORS for one origin. */
async function startAppWithKeys(origin: string): Promise<{
  readonly appUrl: string;
  readonly key: string;
  readonly letAnswersEnd: () => void;
  readonly modelCalls: () => number;
}> {
  const answersMayEnd = createGate();
  const model = await startScriptedModel((message) =>
    message === 'slow' ? { pieces: holdLast(words, answersMayEnd), pauseMs: 20 } : { pieces: ['Right ', 'away.'] },
  );
  onTestFinished(() => model.close());
  const folder = await createAppFolder({ Host: { CORS: origin } });
  const launched = launchApp(['--host', 'local', '--app', folder, '--port', '0', '--ephemeral', '--keys'], {
    ...modelSettings(model),
  });
  const output = await launched.printed('Ctrl-C stops');
  return {
    appUrl: /^listening (\S+)$/m.exec(output)?.[1] ?? '',
    key: /^ +function +(\S+)$/m.exec(output)?.[1] ?? '',
    letAnswersEnd: answersMayEnd.open,
    modelCalls: () => model.requests.length,
  };
}

async function send(page: Page, message: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(message);
  await page.keyboard.press('Enter');
}

describe.skipIf(isBrowserMissing)('the chat page of examples/chat (needs Chromium)', () => {
  it('shows each answer once, with keys and CORS on, through a lost request, a cut stream and a reload', async () => {
    let proxyUrl = '';
    const pageUrl = await servePage(() => proxyUrl);
    const { appUrl, key, letAnswersEnd, modelCalls } = await startAppWithKeys(pageUrl);
    const proxy = await startCuttingProxy(appUrl, () => (proxy.cutCount === 0 ? 4000 : undefined));
    onTestFinished(() => proxy.close());
    proxyUrl = proxy.baseUrl;

    const { page, incidents } = await openPage();
    const chat = page.locator('dl');
    await page.goto(pageUrl);
    await page.getByText('The app asks for a function key.').waitFor();
    await page.getByLabel('Function key').fill(key);
    await page.getByLabel('Function key').blur();
    await page.getByText('Connected.').waitFor();

    let requestCount = 0;
    await page.route('**/run', async (route) => {
      requestCount += 1;
      if (requestCount > 1) return route.continue();
      // The app receives the request, but the answer is lost.
      await route.fetch();
      await route.abort();
    });
    await send(page, 'slow');
    await expect.poll(() => requestCount).toBe(2);
    await expect.poll(() => proxy.cutCount).toBe(1);
    await chat.getByText('word30 ').waitFor();

    await page.reload();
    await chat.getByText('word30 ').waitFor();
    letAnswersEnd();
    await chat.getByText('word39 ').waitFor();
    await send(page, 'quick');
    await chat.getByText('Right away.').waitFor();

    expect(await page.locator('dt').allTextContents()).toEqual(['slow', 'quick']);
    expect(await page.locator('dd').allTextContents()).toEqual([words.join(''), 'Right away.']);
    expect(modelCalls()).toBe(2);
    expect(incidents).toEqual([]);
  });

  it('shows the error of a request that the app rejects', async () => {
    let url = '';
    const pageUrl = await servePage(() => url);
    const { appUrl, key } = await startAppWithKeys(pageUrl);
    url = appUrl;
    const { page } = await openPage();
    await page.goto(pageUrl);
    await page.getByLabel('Function key').fill(key);
    await page.getByLabel('Function key').blur();
    await page.getByText('Connected.').waitFor();

    await send(page, '   ');

    await expect.poll(() => page.getByRole('status').textContent()).toContain('Message is required');
  });
});
