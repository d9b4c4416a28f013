import { expect, it } from 'vitest';
import { errorText } from '../../src/functions/error-text.js';

const circular = new Error('round');
circular.cause = circular;

it.each<[string, unknown, string]>([
  ['an error', new TypeError('no'), 'TypeError: no'],
  [
    'an error with causes',
    new Error('store is unreachable', { cause: new Error('read', { cause: { code: 'ECONNRESET' } }) }),
    "Error: store is unreachable (because of Error: read (because of { code: 'ECONNRESET' }))",
  ],
  [
    'an error that causes itself',
    circular,
    'Error: round (because of Error: round (because of Error: round (because of Error: round)))',
  ],
  [
    'several errors',
    new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')], 'no address'),
    'AggregateError: no address, Error: ::1 refused, Error: 127.0.0.1 refused',
  ],
  ['text', 'no', "'no'"],
  ['nothing', undefined, 'undefined'],
  ['a value without a message', Object.assign(Object.create(null), { disk: 'full' }), "{ disk: 'full' }"],
])('errorText describes %s', (_what, error, text) => {
  expect(errorText(error).replace('[Object: null prototype] ', '')).toBe(text);
});
