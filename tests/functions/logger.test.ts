import { expect, it, onTestFinished, vi } from 'vitest';
import { InvocationLog } from '../../src/functions/logger.js';
import { recordingSink } from '../support/recording-log.js';

it('InvocationLog writes each level to the invocation', () => {
  const sink = recordingSink();
  const log = new InvocationLog(sink);

  log.info('started');
  log.warn('slow');
  log.error('failed');

  expect(sink.lines).toEqual(['info started', 'warn slow', 'error failed']);
});

it('InvocationLog writes to the console after the invocation has ended', () => {
  const onConsole = vi.spyOn(console, 'warn').mockReturnValue();
  onTestFinished(() => onConsole.mockRestore());
  const sink = recordingSink();
  const log = new InvocationLog(sink);

  log.end();
  log.warn('late');

  expect(sink.lines).toEqual([]);
  expect(onConsole.mock.calls).toEqual([['late']]);
});

it.each([
  ['thread a\u202Egnp.b', 'thread a\\u202egnp.b'],
  ['thread a\u2028fake line', 'thread a\\u2028fake line'],
  ['a\rfake line \u001B[31m', 'a\\u000dfake line \\u001b[31m'],
  ['Grüße 👩‍👩‍👧\n\tat stack', 'Grüße 👩‍👩‍👧\n\tat stack'],
])('InvocationLog makes characters visible that could forge a line: %j', (message, expected) => {
  const sink = recordingSink();
  const log = new InvocationLog(sink);

  log.info(message);
  log.warn(message);
  log.error(message);

  expect(sink.lines).toEqual([`info ${expected}`, `warn ${expected}`, `error ${expected}`]);
});
