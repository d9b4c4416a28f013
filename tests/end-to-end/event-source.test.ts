import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isBrowserMissing, openPage } from '../dashboard/support/browser.js';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.js';
import { callbackEventsOf } from '../support/sse-events.js';

const CUTS = 5;
const SLOW = { pieces: Array.from({ length: 80 }, (_, index) => `${index} 🌦️\n\ndata: `), pauseMs: 40 };

interface Seen {
  readonly messages: readonly { readonly type: string; readonly id: string; readonly data: string }[];
  readonly openings: number;
}

/** Runs in the page: follows a URL until the server answers 204. */
function follow(url: string): Promise<Seen> {
  return new Promise((resolve) => {
    const messages: { type: string; id: string; data: string }[] = [];
    let openings = 0;
    const source = new EventSource(url);
    for (const type of ['stream', 'final', 'failed', 'reset', 'message']) {
      source.addEventListener(type, (event) => {
        if (event instanceof MessageEvent) messages.push({ type, id: event.lastEventId, data: event.data });
      });
    }
    source.addEventListener('open', () => {
      openings += 1;
    });
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) resolve({ messages, openings });
    });
  });
}

describe.skipIf(isBrowserMissing)('EventSource in a browser (needs Chromium)', () => {
  let target: AppWithModel;
  let proxy: CuttingProxy;
  let cutsLeft = 0;

  beforeAll(async () => {
    target = await startAppWithModel(() => SLOW);
    proxy = await startCuttingProxy(target.app.baseUrl, () => {
      if (cutsLeft === 0) return undefined;
      cutsLeft -= 1;
      return 1000 + Math.floor(Math.random() * 6000);
    });
  });

  afterAll(async () => {
    await proxy.close();
    await target.stop();
  });

  it('reconnects wherever it is cut, without losing or repeating events, and stops at the end', async () => {
    const threadId = newThreadId();
    const started = await target.api.run({ message: 'Hello', thread_id: threadId, wait_for_response: false });
    const { correlation_id: id } = JSON.parse(started.text);
    const { page } = await openPage();
    await page.goto(`${proxy.baseUrl}/api/health`);
    cutsLeft = CUTS;
    onTestFinished(() => {
      cutsLeft = 0;
    });
    const path = `/api/agents/CallbackAgent/callbacks/${threadId}/stream?until=run-end&correlation_id=${id}`;
    const seen = await page.evaluate(follow, path);
    expect(proxy.cutCount).toBe(CUTS);
    expect(seen.openings).toBe(CUTS + 1);
    expect(callbackEventsOf(seen.messages.map(({ data, type }) => ({ data, event: type, id: undefined })))).toEqual(
      await target.api.events(threadId),
    );
    expect(seen.messages.map(({ type }) => type)).toEqual([...SLOW.pieces.map(() => 'stream'), 'final']);
    expect(new Set(seen.messages.map((message) => message.id)).size).toBe(SLOW.pieces.length + 1);
  });

  it('receives a reset for a DELETE, and continues after it', async () => {
    const threadId = newThreadId();
    await target.api.ask(threadId, 'Hello');
    const { page } = await openPage();
    await page.goto(`${proxy.baseUrl}/api/health`);
    await page.evaluate((url) => {
      const names: string[] = [];
      Object.assign(globalThis, { names });
      const source = new EventSource(url);
      for (const type of ['final', 'reset']) source.addEventListener(type, () => names.push(type));
    }, `/api/agents/CallbackAgent/callbacks/${threadId}/stream`);
    const names = () => page.evaluate(() => Object.entries(globalThis).find(([name]) => name === 'names')?.[1]);
    await expect.poll(names).toEqual(['final']);
    await target.api.callbacks('DELETE', threadId);
    await expect.poll(names).toEqual(['final', 'reset']);
    await target.api.ask(threadId, 'Hello again');
    await expect.poll(names).toEqual(['final', 'reset', 'final']);
  });
});
