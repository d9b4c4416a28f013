import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { finish, text } from '../../support/agent-parts.js';
import { call, tool, runWith, resultsOf } from './run-tools.js';

describe('the time limit of a tool', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is 30 s: the tool is aborted, and the model continues without it', async () => {
    let signal: AbortSignal | undefined;
    const hanging = tool('hang', (_args, context) => {
      signal = context.signal;
      return new Promise(() => {});
    });

    const running = runWith({ tools: [hanging] }, [call('hang'), finish()], [text('Too slow.'), finish()]);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(10);

    const { callback, content } = await running;
    expect(signal?.aborted).toBe(true);
    expect(resultsOf(callback.updates)[0]).toMatchObject({
      result: 'Error: hang did not answer within 30 s.',
      isError: true,
    });
    expect(content).toEqual({ $type: 'text', text: 'Too slow.' });
  });

  it('cannot exceed that of the run', async () => {
    const hanging = tool('hang', () => new Promise(() => {}), 120_000);

    const running = runWith({ tools: [hanging] }, [call('hang'), finish()]);
    await vi.advanceTimersByTimeAsync(60_000);

    expect((await running).content).toMatchObject({ errorCode: 'run_timeout' });
  });

  it('leaves no unhandled rejection', async () => {
    const late = tool(
      'late',
      async () => {
        await delay(5);
        throw new Error('too late');
      },
      1,
    );
    vi.useRealTimers();

    const { content } = await runWith(
      { tools: [late] },
      [call('late'), finish()],
      [async () => delay(20), text('Ok.'), finish()],
    );

    expect(content).toEqual({ $type: 'text', text: 'Ok.' });
  });
});
