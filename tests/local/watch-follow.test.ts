import { describe, expect, it } from 'vitest';
import { LaunchError } from '../../local/launch-error.js';
import { findFreePort } from '../../local/loopback-port.js';
import { followThread, type FollowOptions } from '../../local/watch/follow-thread.js';
import type { WatchEvent } from '../../local/watch/watch-event.js';
import { refusing, startStreamServer, streaming, type StreamReply } from './support/stream-server.js';
import { approval, final, frame, resetFrame, supersededFrame, update } from './support/telemetry.js';

const quick = 'retry: 1\n\n';
const events = [
  update('Grü', { sequence: 1 }),
  update('ße 👋', { sequence: 2 }),
  update('\n', { sequence: 3 }),
  final('Grüße 👋\n', { sequence: 4 }),
];
const whole = quick + events.map((event) => frame(event)).join('');
const firstFramesBytes = Buffer.byteLength(
  quick +
    events
      .slice(0, 2)
      .map((event) => frame(event))
      .join(''),
);

/** Follows a thread until it has reported the given number of watch events. */
async function follow(base: string, count: number, options: Partial<FollowOptions> = {}): Promise<WatchEvent[]> {
  const stop = new AbortController();
  const address = { base, agentName: 'CallbackAgent', threadId: 't 1', key: undefined };
  const told: WatchEvent[] = [];
  for await (const watchEvent of followThread({ address, signal: stop.signal, retryMs: 1, ...options })) {
    told.push(watchEvent);
    if (told.length === count) stop.abort();
  }
  return told;
}

function eventsOf(told: readonly WatchEvent[]) {
  return told.flatMap((watchEvent) => (watchEvent.type === 'event' ? watchEvent.event : []));
}

/** Serves events after `Last-Event-ID`, like the app. */
function resuming(end: 'open' | 'end'): StreamReply {
  return (response, request) => {
    const after = Number(/\d+$/.exec(String(request.headers['last-event-id'] ?? '0'))?.[0]);
    const rest = events.filter(({ sequence }) => sequence > after).map((event) => frame(event));
    streaming(quick + rest.join(''), end)(response, request);
  };
}

describe('following a thread', () => {
  it('reports its events in order', async () => {
    const { base, requests } = await startStreamServer(streaming(whole));
    const address = { base, agentName: 'Callback/Agent', threadId: 't?1', key: 'secret' };
    const told = await follow(base, 5, { address });
    expect(told).toEqual([{ type: 'connected' }, ...events.map((event) => ({ type: 'event', event }))]);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.path).toBe('/api/agents/Callback%2FAgent/callbacks/t%3F1/stream');
    expect(requests[0]?.headers).toMatchObject({ accept: 'text/event-stream', 'x-functions-key': 'secret' });
    expect(requests[0]?.headers).not.toHaveProperty('last-event-id');
  });

  it('reports an approval that a tool call needs, and its decision', async () => {
    const asked = approval('requested', { sequence: 1 });
    const decided = approval('rejected', { sequence: 2 }, { decided_by: 'Ada', reason: 'Too much.' });
    const { base } = await startStreamServer(streaming(frame(asked) + frame(decided)));
    expect(eventsOf(await follow(base, 3))).toEqual([asked, decided]);
  });

  it('reports each event once, wherever its stream is cut', async () => {
    const bytes = Buffer.from(whole);
    const wereCut = new Set<string>();
    const { base } = await startStreamServer((response, request) => {
      const cutAt = /\d+(?=\/stream)/.exec(request.path ?? '')?.[0] ?? '';
      const reply = wereCut.has(cutAt) ? resuming('open') : streaming(bytes.subarray(0, Number(cutAt)), 'cut');
      wereCut.add(cutAt);
      reply(response, request);
    });
    // The frames are similar. After the first two, it cuts at every seventh byte and at all bytes within a character.
    const isInCharacter = (index: number): boolean => ((bytes[index] ?? 0) & 0xc0) === 0x80;
    const cuts = Array.from(bytes.keys()).filter(
      (index) => index <= firstFramesBytes || index % 7 === 0 || isInCharacter(index),
    );
    // There are cuts within ü, ß and 👋, in the updates and in the whole answer.
    expect(cuts.filter(isInCharacter)).toHaveLength(2 * (1 + 1 + 3));
    for (const cutAt of cuts) {
      const address = { base, agentName: 'A', threadId: String(cutAt), key: undefined };
      const told = await follow(base, events.length + 3, { address });
      expect(eventsOf(told), `cut after byte ${cutAt}`).toEqual(events);
    }
  });

  it('reports each event once, even if it arrives byte by byte', async () => {
    const bytes = ReadableStream.from(Array.from(Buffer.from(whole), (byte) => Buffer.of(byte)));
    const response = new Response(bytes, { headers: { 'content-type': 'text/event-stream' } });
    expect(eventsOf(await follow('http://unused', 5, { fetch: () => Promise.resolve(response) }))).toEqual(events);
  });

  it('resumes silently after the last event when the app ends the stream', async () => {
    const first = streaming(
      quick +
        events
          .slice(0, 2)
          .map((event) => frame(event))
          .join(''),
      'end',
    );
    const { base, requests } = await startStreamServer(first, resuming('open'));
    const told = await follow(base, 5);
    expect(told.map(({ type }) => type)).toEqual(['connected', 'event', 'event', 'event', 'event']);
    expect(requests[1]?.headers['last-event-id']).toBe('e-2');
  });

  it('waits before it reconnects after an empty stream', async () => {
    const { base } = await startStreamServer(streaming('retry: 200\n\n', 'end'), resuming('open'));
    const startedAt = performance.now();
    await follow(base, 5);
    expect(performance.now() - startedAt).toBeGreaterThan(100);
  });

  it('reports once that the connection is lost, and once that it is back', async () => {
    const { base } = await startStreamServer(
      streaming(quick + frame(update('Grü', { sequence: 1 })), 'cut'),
      refusing(502),
      (response) => response.destroy(),
      resuming('open'),
    );
    const told = await follow(base, 7);
    expect(told.map(({ type }) => type)).toEqual([
      'connected',
      'event',
      'lost',
      'connected',
      'event',
      'event',
      'event',
    ]);
    expect(told[2]).toEqual({ type: 'lost', reason: 'The connection was cut.' });
  });

  it('skips events that it has reported before', async () => {
    const { base } = await startStreamServer(
      streaming(whole, 'cut'),
      streaming(whole + frame(update('!', { sequence: 5 }))),
    );
    expect(eventsOf(await follow(base, 8)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  });

  it('accepts gaps between sequences, and treats an event without an attempt number as attempt 1', async () => {
    const { attempt, ...untold } = update('a', { sequence: 3 });
    const bytes = `${frame(untold)}${frame(update('d', { sequence: 6 }))}`;
    const { base } = await startStreamServer(streaming(bytes));
    expect((await follow(base, 3)).slice(1)).toMatchObject([
      { type: 'event', event: { sequence: 3, attempt } },
      { type: 'event', event: { sequence: 6 } },
    ]);
  });

  it.each([
    ['is reported by a frame', supersededFrame(1)],
    ['is reported twice', supersededFrame(1) + supersededFrame(1)],
    ['is not reported', ''],
    ['is reported together with unknown runs', supersededFrame(1, 'c'.repeat(32)) + supersededFrame(1)],
  ])(
    'reports once that an attempt was interrupted if that %s, and continues with the next one',
    async (_case, frames) => {
      const half = update('Ha', { sequence: 1 });
      const late = update('lf', { sequence: 2 });
      const again = [update('Whole', { sequence: 3, attempt: 2 }), final('Whole', { sequence: 4, attempt: 2 })];
      const [first = '', last = ''] = again.map((event) => frame(event));
      const { base } = await startStreamServer(
        streaming(frame(half) + frames + (frames === '' ? '' : frame(late)) + first + supersededFrame(1) + last),
      );
      expect((await follow(base, 5)).slice(1)).toEqual([
        { type: 'event', event: half },
        { type: 'superseded', correlationId: half.correlation_id, attempt: 1 },
        ...again.map((event) => ({ type: 'event', event })),
      ]);
    },
  );

  it('resumes after the last event if the stream breaks after a superseded frame', async () => {
    const half = update('Half', { sequence: 1 });
    const again = update('Whole', { sequence: 2, attempt: 2 });
    const { base, requests } = await startStreamServer(
      streaming(quick + frame(half) + `id: e-9\n${supersededFrame(1)}`, 'end'),
      streaming(frame(again)),
    );
    expect((await follow(base, 4)).map(({ type }) => type)).toEqual(['connected', 'event', 'superseded', 'event']);
    expect(requests[1]?.headers['last-event-id']).toBe('e-1');
  });

  it('restarts with the oldest event after a reset', async () => {
    const again = update('new', { sequence: 1 });
    const { base, requests } = await startStreamServer(
      streaming(whole, 'end'),
      streaming(resetFrame + frame(again, 'f'), 'end'),
      streaming(''),
    );
    expect((await follow(base, 7)).slice(5)).toEqual([{ type: 'reset' }, { type: 'event', event: again }]);
    expect(requests[1]?.headers['last-event-id']).toBe('e-4');
  });

  it('waits as long as Retry-After says if the app has too many streams', async () => {
    const busy = JSON.stringify({ error: 'Too many open streams: at most 1 per thread.' });
    const { base } = await startStreamServer(refusing(503, busy, { 'retry-after': '0.3' }), streaming(whole));
    const startedAt = performance.now();
    const told = await follow(base, 3);
    expect(told.map(({ type }) => type)).toEqual(['lost', 'connected', 'event']);
    expect(told[0]).toMatchObject({ reason: 'Too many open streams: at most 1 per thread.' });
    expect(performance.now() - startedAt).toBeGreaterThan(150);
  });

  it('reconnects if a stream goes silent', async () => {
    const { base } = await startStreamServer(streaming(quick), streaming(whole));
    const told = await follow(base, 4, { silenceMs: 1500 });
    expect(told.map(({ type }) => type)).toEqual(['connected', 'lost', 'connected', 'event']);
    expect(told[1]).toMatchObject({ reason: 'The app stopped sending data.' });
  });

  it('treats heartbeats as signs of life', async () => {
    const { base, requests } = await startStreamServer((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let beats = 0;
      const timer = setInterval(() => {
        beats += 1;
        response.write(beats < 20 ? ': still here\n\n' : whole);
        if (beats === 20) clearInterval(timer);
      }, 200);
    });
    await follow(base, 5, { silenceMs: 3000 });
    expect(requests).toHaveLength(1);
  });

  it('can be stopped during a pause', async () => {
    const { base } = await startStreamServer(refusing(503, '', { 'retry-after': '60' }));
    expect(await follow(base, 1)).toMatchObject([{ type: 'lost', reason: 'The app responded with status 503.' }]);
  });
});

describe('a thread that cannot be followed', () => {
  it.each([
    ['a missing key', refusing(401), undefined, /requires a function key\. Pass it with --key/],
    ['a wrong key', refusing(401), 'x', /rejected the function key/],
    [
      'a bad request',
      refusing(400, '{"error":"Invalid thread_id: bad\\u001b[2J"}'),
      undefined,
      /^Invalid thread_id: bad\[2J$/,
    ],
    ['an unknown agent', refusing(404, '{"error":"There is no agent."}'), undefined, /^There is no agent\.$/],
    ['another app', refusing(404, '<html>'), undefined, /has no event streams/],
    [
      'a redirection',
      refusing(302, '', { location: 'http://127.0.0.1:1/' }),
      'x',
      /redirects to http:\/\/127\.0\.0\.1:1\//,
    ],
    ['an HTML page', refusing(200, '<html>', { 'content-type': 'text/html' }), undefined, /Expected an event stream/],
    ['events of another format', streaming('id: 1\nevent: final\ndata: {}\n\n'), undefined, /does not understand/],
    [
      'a superseded frame of another format',
      streaming('event: superseded\ndata: {}\n\n'),
      undefined,
      /does not understand/,
    ],
    ['events that are not JSON', streaming('id: 1\nevent: final\ndata: {\n\n'), undefined, /does not understand/],
  ])('is reported in a sentence: %s', async (_case, reply, key, message) => {
    const { base, requests } = await startStreamServer(reply);
    const address = { base, agentName: 'A', threadId: 't', key };
    const error: unknown = await follow(base, 2, { address }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LaunchError);
    expect((error as LaunchError).message).toMatch(message);
    expect(requests).toHaveLength(1);
  });

  it('is reported as unreachable if nothing answers', async () => {
    const base = `http://127.0.0.1:${await findFreePort(0)}`;
    await expect(follow(base, 1)).rejects.toThrow(
      `${base} cannot be reached. The connection was refused.\nnpm start starts`,
    );
  });
});
