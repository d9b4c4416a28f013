import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { createGate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';

const WAIT_SECONDS = 2;

describe('a caller that waits for a slow run', () => {
  let target: AppWithModel;
  const answerMayEnd = createGate();

  beforeAll(async () => {
    target = await startAppWithModel(() => ({ pieces: holdLast(['Here', ' I am'], answerMayEnd) }), {
      AGENT_WAIT_SECONDS: String(WAIT_SECONDS),
    });
  });

  afterAll(() => target.stop());

  it('gets a timeout after AGENT_WAIT_SECONDS, and the run continues', async () => {
    const [threadId, textThreadId] = [newThreadId(), newThreadId()];
    const [[answer, waitedMs], [textAnswer, textWaitedMs]] = await Promise.all([
      timed(target.api.run({ message: 'Hello', thread_id: threadId })),
      timed(target.api.post('Hello', { query: `?thread_id=${textThreadId}` })),
    ]);

    for (const ms of [waitedMs, textWaitedMs]) {
      // The last poll begins when a tenth of the time is left. A busy machine can only make the wait longer.
      expect(ms).toBeGreaterThan(0.9 * WAIT_SECONDS * 1000 - 50);
      // With the default of AGENT_WAIT_SECONDS, the wait takes at least 29 s.
      expect(ms).toBeLessThan(20_000);
    }
    expect(answer).toMatchObject({ status: 500, headers: { 'content-type': 'application/json' } });
    expect(Object.entries(JSON.parse(answer.text))).toEqual([
      ['response', 'Agent is still processing or timed out...'],
      ['message', 'Hello'],
      ['thread_id', threadId],
      ['status', 'timeout'],
      ['correlation_id', expect.stringMatching(/^[0-9a-f]{32}$/)],
      ['session_id', threadId],
      ['sessionId', threadId],
      ['correlationId', expect.stringMatching(/^[0-9a-f]{32}$/)],
    ]);
    expect(textAnswer).toMatchObject({
      status: 500,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': textThreadId },
      text: 'Agent is still processing or timed out...',
    });

    answerMayEnd.open();
    const [last] = (await target.api.eventsOfEndedRuns(threadId, 1)).slice(-1);
    expect(last).toMatchObject({ event_type: 'final', response_text: 'Here I am' });
  });
});

/** @returns the result, and how long it took in milliseconds */
async function timed<Result>(result: Promise<Result>): Promise<readonly [Result, number]> {
  const startMs = performance.now();
  return [await result, performance.now() - startMs];
}
