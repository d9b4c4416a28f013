import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import type { ModelAnswer } from '../support/scripted-model.js';
import type { SseConnection } from '../support/sse-connection.js';

const READERS = 40;
const MIB = 1024 * 1024;
/** A long message: each event of its run repeats it, but the conversation stores it once. */
const BIG_MESSAGE = 'x'.repeat(20_000);
const ANSWER: ModelAnswer = { pieces: Array.from({ length: 25 }, () => 'a') };

describe('an app with default limits', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) => (message === BIG_MESSAGE ? ANSWER : echoed(message)), {
      CALLBACK_LOG_PREVIEW_CHARS: '0',
    });
  });

  afterAll(() => target.stop());

  async function residentBytes(): Promise<number> {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${target.app.pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes) * 1024;
  }

  it.skipIf(process.platform !== 'linux')(
    'bounds its memory while 40 connected readers do not read, and still serves others (needs /proc)',
    async () => {
      const threadId = newThreadId();
      const readers: SseConnection[] = [];
      for (let count = 0; count < READERS; count += 1) {
        const reader = await target.api.stream(threadId);
        expect(reader.status).toBe(200);
        reader.stopReading();
        readers.push(reader);
      }
      await target.api.ask(threadId, BIG_MESSAGE);
      const before = await residentBytes();
      // 10 MiB of events, which would be 400 MiB for all of them.
      for (let run = 0; run < 20; run += 1) await target.api.ask(threadId, BIG_MESSAGE);
      const grownBytes = (await residentBytes()) - before;
      expect(grownBytes).toBeLessThan(200 * MIB);
      const served = await target.api.stream(threadId, '?from=now');
      await target.api.ask(threadId, 'Hello');
      await served.until(({ names }) => names.includes('final'));
      for (const reader of [...readers, served]) reader.leave();
    },
    120_000,
  );

  it('accepts 600 streams, and ends the first 100 in favour of later ones', async () => {
    const fresh = await startAppWithModel(echoed);
    try {
      const readers: SseConnection[] = [];
      for (let thread = 0; thread < 12; thread += 1) {
        const threadId = newThreadId();
        readers.push(...(await Promise.all(Array.from({ length: 50 }, () => fresh.api.stream(threadId)))));
      }
      expect(readers.filter(({ status }) => status === 200)).toHaveLength(600);
      await Promise.all(readers.slice(0, 100).map(({ ended }) => ended));
      for (const reader of readers) reader.leave();
    } finally {
      await fresh.stop();
    }
  });
});
