import { describe, expect, it } from 'vitest';
import { launchApp } from './support/launched.js';
import { refusing, startStreamServer, streaming } from './support/stream-server.js';
import { final, frame, update } from './support/telemetry.js';

const events = [update('Hel', { sequence: 1 }), update('lo', { sequence: 2 }), final('Hello', { sequence: 3 })];

function watch(commandLine: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return launchApp(commandLine, environment, 'watch-thread');
}

describe('npm run watch:thread', () => {
  it('follows a thread, and exits with 0 on Ctrl-C', async () => {
    const [first = '', ...others] = events.map((event) => frame(event));
    const { base } = await startStreamServer(
      streaming(`retry: 1\n\n${first}id: e-2\nevent: str`, 'cut'),
      streaming(others.join('')),
    );
    const watched = watch(['t1', '--base', base]);
    await watched.printed('tokens: 5 in + 20 out = 25');
    watched.signal('SIGINT');
    expect(await watched.ended).toBe(0);
    expect(watched.output()).toBe(
      [
        `Thread t1 of CallbackAgent at ${base}`,
        'Answers appear here as they stream in. Press Ctrl-C to stop.',
        '',
        '> Hi',
        '',
        'Hel',
        '[No connection: The connection was cut. Reconnecting…]',
        '[Connected. Resuming.]',
        'lo',
        '',
        'streamed 0.00 s · 2 updates',
        'tokens: 5 in + 20 out = 25',
        '',
        '',
      ].join('\n'),
    );
  });

  it('ends the current line if it exits during an answer', async () => {
    const { base } = await startStreamServer(streaming(frame(update('Hel', { sequence: 1 }))));
    const watched = watch(['t1', '--base', base]);
    await watched.printed('Hel');
    watched.signal('SIGINT');
    expect(await watched.ended).toBe(0);
    expect(watched.output()).toMatch(/\nHel\n$/);
  });

  it('reports in one sentence why it cannot watch', async () => {
    const { base } = await startStreamServer(refusing(401));
    const watched = watch(['t1', '--base', base]);
    expect(await watched.ended).toBe(1);
    expect(watched.output()).toBe(
      `${base} requires a function key. Pass it with --key KEY (npm start -- --keys prints one).\n`,
    );
  });

  it('cancels the run of the thread with --cancel', async () => {
    const [id, path] = ['a'.repeat(32), '/api/agents/CallbackAgent/threads/t1/runs'];
    const runs = [
      { correlation_id: 'b'.repeat(32), status: 'queued', message: 'Later' },
      { correlation_id: id, status: 'running', message: 'Hi' },
    ];
    const { base, requests } = await startStreamServer(
      refusing(200, JSON.stringify(runs)),
      refusing(202, '{}'),
      refusing(200, '[]'),
    );

    const cancelling = watch(['t1', '--base', base, '--key', 'k', '--cancel']);
    expect(await cancelling.ended).toBe(0);
    const idle = watch(['t1', '--base', base, '--cancel']);
    expect(await idle.ended).toBe(0);

    expect(cancelling.output()).toBe(`Run ${id} is cancelled.\n`);
    expect(idle.output()).toBe('This thread has no active run.\n');
    expect(requests.map((request) => request.path)).toEqual([path, `${path}/${id}/cancel`, path]);
    expect(requests[1]?.headers['x-functions-key']).toBe('k');
  });

  it('explains its options, and rejects invalid ones', async () => {
    const [help, bad] = [watch(['--help']), watch(['t1', '--frob'])];
    expect(await help.ended).toBe(0);
    for (const option of ['THREAD_ID', '--agent NAME', '--base URL', '--key KEY', '--cancel']) {
      expect(help.output()).toContain(option);
    }
    expect(await bad.ended).toBe(2);
    expect(bad.output()).toBe('--frob: unknown option\nnpm run watch:thread -- --help lists the options.\n');
  });
});
