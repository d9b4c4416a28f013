import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findOnPath } from '../find-on-path.js';
import { launchDemo } from '../launch-demo.js';
import { LaunchError } from '../launch-error.js';
import { runCommand } from '../run-command.js';
import { sendSamples } from './sample-runs.js';

// Takes the pictures of the docs from a run of the app: starts it with the offline model, sends it some messages, and
// opens its dashboard in Chromium.

/** Invented prices, so that the pictures show costs. */
const PRICES = JSON.stringify({ offline: { currency: 'USD', input: 2.5, output: 10 } });

/** A picture, and the steps to it from an open dashboard. */
interface Picture {
  readonly file: string;
  readonly hash: string;
  readonly colorScheme: 'light' | 'dark';
  readonly prepare: (page: Page) => Promise<void>;
}

const pictures: readonly Picture[] = [
  {
    file: 'overview.png',
    hash: '#/',
    colorScheme: 'light',
    prepare: async (page) => {
      await page.getByRole('button', { name: '1 hour' }).click();
      await page.getByRole('img', { name: /^Runs over time/ }).waitFor();
    },
  },
  {
    file: 'run.png',
    hash: '#/WeatherAgent/weather',
    colorScheme: 'dark',
    prepare: async (page) => {
      await page.locator('.answer[aria-busy=false]').first().waitFor();
      await page.getByRole('list', { name: 'Steps of the run' }).waitFor();
    },
  },
  {
    file: 'approval.png',
    hash: '#/RefundAgent/refund',
    colorScheme: 'light',
    prepare: (page) => page.getByRole('button', { name: 'Approve' }).waitFor(),
  },
];

void runCommand(async ({ printer, shutdown }) => {
  const executablePath = await findOnPath('chromium', process.env);
  if (executablePath === undefined)
    throw new LaunchError('chromium is not on PATH. Install Chromium to take pictures.');
  const baseUrl = await launchDemo({ printer, shutdown }, { AGENT_PRICES: PRICES });
  await sendSamples(baseUrl);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    for (const picture of pictures) {
      const file = path.resolve(__dirname, '../../../docs', picture.file);
      await takePicture(browser, baseUrl, picture, file);
      printer.line(`Wrote docs/${picture.file}.`);
    }
  } finally {
    await browser.close();
  }
});

async function takePicture(browser: Browser, baseUrl: string, picture: Picture, file: string): Promise<void> {
  const { hash, colorScheme, prepare } = picture;
  const context = await browser.newContext({
    viewport: { width: 1200, height: 720 },
    colorScheme,
    locale: 'en-US',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.goto(`${baseUrl}/api/dashboard${hash}`);
  await prepare(page);
  await page.screenshot({ path: file });
  await context.close();
}
