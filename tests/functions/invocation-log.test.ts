import { setImmediate } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { invocationLog, withInvocationLog } from '../../src/functions/invocation-log.js';

function recordingSink() {
  const lines: string[] = [];
  const add = (line: string): void => void lines.push(line);
  return { lines, log: add, warn: add, error: add };
}

it('writes to the invocation that is running, each to its own', async () => {
  const [one, other] = [recordingSink(), recordingSink()];

  await Promise.all(
    [one, other].map((sink, index) =>
      withInvocationLog(sink, async () => {
        invocationLog.info(`begins ${index}`);
        await setImmediate();
        invocationLog.warn(`goes on ${index}`);
      }),
    ),
  );

  expect(one.lines).toEqual(['begins 0', 'goes on 0']);
  expect(other.lines).toEqual(['begins 1', 'goes on 1']);
});

it('writes to the console what is told by work that outlives its invocation', async () => {
  const onConsole = vi.spyOn(console, 'warn').mockReturnValue();
  const sink = recordingSink();
  const invocation = { told: Promise.resolve() };

  await withInvocationLog(sink, async () => {
    invocation.told = setImmediate().then(() => invocationLog.warn('late'));
  });
  await invocation.told;

  expect(sink.lines).toEqual([]);
  expect(onConsole.mock.calls).toEqual([['late']]);
  onConsole.mockRestore();
});

it('has the outcome of the work', async () => {
  expect(await withInvocationLog(recordingSink(), async () => 'done')).toBe('done');
  await expect(withInvocationLog(recordingSink(), () => Promise.reject(new Error('It failed.')))).rejects.toThrow(
    'It failed.',
  );
});
