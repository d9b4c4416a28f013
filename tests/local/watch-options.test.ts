import { describe, expect, it } from 'vitest';
import { parseWatchOptions } from '../../local/watch/watch-options.js';

describe('the command line of npm run watch:thread', () => {
  it('needs only the thread', () => {
    expect(parseWatchOptions(['first-thread'])).toEqual({
      help: false,
      cancel: false,
      base: 'http://localhost:7071',
      agentName: 'CallbackAgent',
      threadId: 'first-thread',
      key: undefined,
    });
  });

  it.each([
    ['https://app.example/', 'https://app.example'],
    ['http://localhost:7072/api', 'http://localhost:7072'],
    ['http://localhost/behind/api/', 'http://localhost/behind'],
  ])('reads %s as the address %s', (typed, base) => {
    const options = parseWatchOptions(['t', '--agent', 'Other', '--base', typed, '--key=k', '--cancel']);
    expect(options).toEqual({ help: false, cancel: true, base, agentName: 'Other', threadId: 't', key: 'k' });
  });

  it.each([
    [[], 'THREAD_ID is missing'],
    [['..'], '.. is not a thread id'],
    [['one', 'two'], 'two: unexpected argument'],
    [['t', '--base', 'localhost:7071'], '--base must be an http or https address'],
    [['t', '--base', 'http://a/?code=k'], 'pass a function key with --key'],
    [['t', '--base', 'http://me:secret@a/'], '--base must be only an address'],
    [['t', '--key', 'a\nb'], '--key must be a function key'],
    [['t', '--frob'], '--frob: unknown option'],
    [['t', '--agent'], '--agent needs a value'],
  ])('rejects %j', (commandLine, problem) => {
    expect(() => parseWatchOptions(commandLine)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(problem), exitCode: 2 }),
    );
  });
});
