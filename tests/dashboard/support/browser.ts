import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { isProgramMissing } from '../../support/is-program-missing.js';

/** The headless shell needs a fifth of the CPU time of the whole browser, and renders the same. */
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell';
const CHROMIUM = existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : '/usr/bin/chromium';

export const isBrowserMissing = isProgramMissing(CHROMIUM);

let launched: Promise<Browser> | undefined;

/**
 * Opens a page in the browser of this process, which starts with the first page and ends with the process. A browser
 * that crashed is replaced.
 */
export async function openPage(options: BrowserContextOptions = {}): Promise<WatchedPage> {
  launched ??= launchBrowser();
  const browser = await launched;
  // Endless animations would draw the page again and again while a test waits.
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  onTestFinished(() => context.close());
  return new WatchedPage(await context.newPage());
}

async function launchBrowser(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  // The next page gets another one.
  browser.once('disconnected', () => (launched = undefined));
  return browser;
}

/** A page and the problems that occurred in it. */
export class WatchedPage {
  readonly page: Page;
  /** The origins that the page sent requests to. */
  readonly origins = new Set<string>();
  /** Dialogs, errors and Content-Security-Policy violations. */
  readonly incidents: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      this.origins.add(protocol === 'blob:' ? 'blob:' : origin);
    });
    page.on('pageerror', (error) => this.incidents.push(String(error)));
    page.on('dialog', (dialog) => {
      this.incidents.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (/security policy|trusted/i.test(message.text())) this.incidents.push(message.text());
    });
  }

  /** Opens the dashboard of an app, by default with a new thread. */
  async open(baseUrl: string, hash = '#/new'): Promise<void> {
    await this.page.goto(`${baseUrl}/api/dashboard${hash}`);
  }

  async send(message: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Message' }).fill(message);
    await this.page.keyboard.press('Enter');
  }

  /** Advances the page's clock, which must be installed. @returns the URLs that the page requested meanwhile */
  async requestsDuring(ms: number): Promise<string[]> {
    const marker = new URL('/api/agents?marker', this.page.url()).href;
    // Playwright reports requests late, but in order.
    const reportEarlierRequests = async (): Promise<void> => {
      const reported = this.page.waitForRequest(marker);
      await this.page.evaluate((url) => fetch(url).then(() => undefined), marker);
      await reported;
    };
    await reportEarlierRequests();
    const urls: string[] = [];
    this.page.on('request', (request) => urls.push(request.url()));
    await this.page.clock.runFor(ms);
    await reportEarlierRequests();
    return urls.filter((url) => url !== marker);
  }

  /** Shows all events of the open thread, and waits until the line below them has a text. */
  async showEvents(foot: string): Promise<void> {
    await this.page.getByRole('tab', { name: 'Events' }).click();
    await this.page.locator('.timeline-foot', { hasText: foot }).waitFor();
  }

  /** Chooses an item of the open thread's menu. */
  async chooseAction(name: string): Promise<void> {
    await this.page.locator('summary', { hasText: 'Actions' }).click();
    await this.page.getByRole('button', { name }).click();
  }

  /** Returns the requests and answers shown, run by run. */
  async conversation(): Promise<string[][]> {
    const runs = await this.page.locator('article.run').all();
    return Promise.all(
      runs.map(async (run) => (await run.locator('.request, .part').allTextContents()).map((text) => text.trim())),
    );
  }
}
