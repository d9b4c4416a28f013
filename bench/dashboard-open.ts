import { chromium, type Page } from 'playwright-core';
import type { BenchApp } from './bench-app.js';
import { atMost, type Figure, median, percentile } from './figure.js';
import { fill } from './get-events.js';

const CHROMIUM = '/usr/bin/chromium';
const EVENTS = 10_000;
const RUNS = EVENTS / 200;
const ROUNDS = 5;
const SCROLLED_FRAMES = 120;
const THREAD_ID = 'dashboard-10000';

/** Measures how long the dashboard takes to open a long thread, and how smoothly its events scroll. Needs Chromium. */
export async function benchDashboardOpen(app: BenchApp): Promise<Figure[]> {
  await fill(app, THREAD_ID, EVENTS);
  const url = `${app.apiUrl}/dashboard#/CallbackAgent/${THREAD_ID}`;
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const openMs: number[] = [];
    const pageCpuMs: number[] = [];
    const appCpuMs: number[] = [];
    const frameMs: number[] = [];
    // All rounds share a window, because Chromium spends seconds of CPU time on the controls of each new one. The page
    // that stays open keeps it.
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    await context.newPage();
    for (let round = -1; round < ROUNDS; round += 1) {
      const page = await context.newPage();
      const session = await context.newCDPSession(page);
      await session.send('Network.clearBrowserCache');
      await session.send('Performance.enable', { timeDomain: 'threadTicks' });
      const appBeforeUs = await app.cpuUs();
      const tookMs = await open(page, url);
      const appAfterUs = await app.cpuUs();
      const { metrics } = await session.send('Performance.getMetrics');
      // The first round starts the browser and the app.
      if (round >= 0) {
        openMs.push(tookMs);
        appCpuMs.push((appAfterUs - appBeforeUs) / 1000);
        pageCpuMs.push((metrics.find(({ name }) => name === 'ThreadTime')?.value ?? Number.NaN) * 1000);
        frameMs.push(...(await scrollEvents(page)));
      }
      await page.close();
    }
    const thread = `thread of ${EVENTS.toLocaleString('en')} events in the dashboard`;
    return [
      atMost(`${thread}: open until its last answer is shown`, median(openMs), 'ms', 1000),
      {
        name: `${thread}: CPU until then, of the page's thread and of the app`,
        measured: `${median(pageCpuMs).toFixed(0)} ms and ${median(appCpuMs).toFixed(0)} ms`,
      },
      {
        name: `${thread}: a frame while its events scroll, p95`,
        measured: `${percentile(frameMs, 0.95).toFixed(1)} ms`,
      },
    ];
  } finally {
    await browser.close();
  }
}

/**
 * Runs in the page: waits until a frame shows all runs and the last answer. Returns milliseconds since the navigation.
 * Looks after changes only: a look in each frame would make Chromium draw all frames.
 */
const SHOWN_AT = `new Promise((resolve, reject) => {
  const look = () => {
    const last = document.querySelectorAll('article.run')[${RUNS - 1}];
    if (!last?.querySelector('.answer[aria-busy=false] .part')) return;
    observer.disconnect();
    requestAnimationFrame(resolve);
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { attributes: true, childList: true, subtree: true });
  look();
  setTimeout(() => reject(new Error('The thread was not shown within a minute.')), 60000);
})`;

async function open(page: Page, url: string): Promise<number> {
  await page.goto(url, { waitUntil: 'commit' });
  return page.evaluate<number>(SHOWN_AT);
}

/** Runs in the page: scrolls through all events, and returns the times between frames in milliseconds. */
const FRAMES = `(async () => {
  const rows = document.querySelector('.timeline-rows');
  const times = [];
  let lastMs = await new Promise(requestAnimationFrame);
  for (let frame = 1; frame <= ${SCROLLED_FRAMES}; frame += 1) {
    rows.scrollTop = ((rows.scrollHeight - rows.clientHeight) * frame) / ${SCROLLED_FRAMES};
    const nowMs = await new Promise(requestAnimationFrame);
    times.push(nowMs - lastMs);
    lastMs = nowMs;
  }
  return times;
})()`;

async function scrollEvents(page: Page): Promise<number[]> {
  await page.getByRole('tab', { name: 'Events' }).click();
  await page.locator('.timeline-rows').waitFor();
  return page.evaluate<number[]>(FRAMES);
}
