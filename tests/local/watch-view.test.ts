import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPaint } from '../../local/printer.js';
import type { TelemetryEvent } from '../../local/watch/telemetry-event.js';
import type { WatchEvent } from '../../local/watch/watch-event.js';
import { ThreadView, type ThreadViewOptions } from '../../local/watch/thread-view.js';
import { anyText } from '../support/any-text.js';
import { approval, failed, final, update } from './support/telemetry.js';

type Shown = TelemetryEvent | Exclude<WatchEvent, { type: 'event' }>;

function show(shown: readonly Shown[], options: Partial<ThreadViewOptions> & { isColored?: boolean } = {}): string {
  let output = '';
  const printer = { text: (piece: string) => void (output += piece), paint: createPaint(options.isColored ?? false) };
  const view = new ThreadView({ printer, columns: () => undefined, ...options });
  for (const each of shown) view.show('type' in each ? each : { type: 'event', event: each });
  view.endLine();
  return output;
}

/** The output for the text of an answer. */
function written(texts: readonly string[], width: number | undefined): string {
  const events = texts.map((text, index) => update(text, { sequence: index + 1 }));
  const output = show([update('|', { sequence: 1 }), ...events], { columns: () => width });
  return output.slice(output.indexOf('|') + 1);
}

const b = 'b'.repeat(32);

describe('a thread on the terminal', () => {
  it('shows its message, its answer, then times and tokens', () => {
    const events = [
      update('Hello', { sequence: 1, atMs: 500 }),
      update(' you.', { sequence: 2, atMs: 1500 }),
      final('Hello you.', { sequence: 3, atMs: 2500 }),
    ];
    expect(show(events)).toBe(
      '> Hi\n\nHello you.\n\nstreamed 2.00 s · 10.0 tokens/s · 2 updates\ntokens: 5 in + 20 out = 25\n\n',
    );
  });

  it.each(['app', 'caller'])('shows the time to the first update if the %s knows the start of the run', (source) => {
    const start = '2026-03-01T10:00:00.000Z';
    const events = [update('Hello', { sequence: 1, atMs: 500 }), final('Hello', { sequence: 2, atMs: 2500 })];
    const output =
      source === 'app'
        ? show(events.map((event) => ({ ...event, run_started_at: start })))
        : show(events, { sentAtMs: () => Date.parse(start) });
    expect(output).toContain('first update 0.50 s · total 2.50 s · 1 update\n');
  });

  it('shows the message of a failure', () => {
    const events = [update('Hel', { sequence: 1 }), failed('The model went silent.', { sequence: 2, atMs: 1200 })];
    expect(show(events)).toBe('> Hi\n\nHel\n\nFailed after 1.20 s: The model went silent.\ncode: stream_stalled\n\n');
    expect(show(events.slice(1))).toBe('> Hi\n\nFailed after 0.00 s: The model went silent.\ncode: stream_stalled\n\n');
  });

  it('separates reasoning and tools from the answer', () => {
    const events = [
      update('Let me', { sequence: 1 }, 'reasoning'),
      update(' see.', { sequence: 2 }, 'reasoning'),
      update('Yes.', { sequence: 3 }),
    ];
    expect(show(events)).toBe('> Hi\n\nreasoning: Let me see.\nYes.\n');
    expect(show(events, { isColored: true })).toContain('\u001B[2m see.\u001B[0m\nYes.');
  });

  it('shows calls that wait for approval, and decisions with their author', () => {
    const decided = { decided_by: 'Ada', reason: 'It came\nlate.' };
    const output = show([
      update('Let me pay.', { sequence: 1 }),
      approval('requested', { sequence: 2 }),
      approval('approved', { sequence: 3 }, { ...decided, arguments: { amount: 5 }, arguments_edited: true }),
      approval('rejected', { sequence: 4 }, decided),
      approval('expired', { sequence: 5 }),
      update('Done.', { sequence: 6 }),
      final('Let me pay.Done.', { sequence: 7 }),
    ]);
    expect(output).toContain(
      [
        'Let me pay.',
        'waits for approval: pay {"amount":20}',
        'approval_id: f00d',
        'approved with other arguments by Ada: pay {"amount":5}',
        'reason: It came late.',
        'rejected by Ada: pay {"amount":20}',
        'reason: It came late.',
        'expired: pay {"amount":20}',
        'Done.',
        '',
      ].join('\n'),
    );
    expect(output).not.toContain('The whole answer');
  });

  it('shortens the arguments of a call that waits for approval', () => {
    const output = show([approval('requested', { sequence: 1 }, { arguments: { note: 'x'.repeat(5000) } })]);
    expect(output).toMatch(/^waits for approval: pay \{"note":"x{200,300}…\napproval_id: f00d$/m);
  });

  it('continues on a new line after a lost connection', () => {
    const output = show([
      update('Hel', { sequence: 1 }),
      { type: 'lost', reason: 'The connection was cut.' },
      { type: 'connected' },
      update('lo', { sequence: 2 }),
    ]);
    expect(output).toBe(
      '> Hi\n\nHel\n[No connection: The connection was cut. Reconnecting…]\n[Connected. Resuming.]\nlo\n',
    );
  });

  it('reports an interrupted attempt, and shows the next one without repeating its message', () => {
    const output = show([
      update('Half', { sequence: 1, atMs: 500 }),
      { type: 'superseded', correlationId: 'a'.repeat(32), attempt: 1 },
      update('Who', { sequence: 2, attempt: 2, atMs: 5000 }),
      update('le', { sequence: 3, attempt: 2, atMs: 5500 }),
      final('Whole', { sequence: 4, attempt: 2, atMs: 6000 }),
    ]);
    expect(output).toBe(
      '> Hi\n\nHalf\n[Attempt 1 was interrupted; the run restarts.]\nWhole\n\n' +
        'streamed 1.00 s · 20.0 tokens/s · 2 updates\ntokens: 5 in + 20 out = 25\n\n',
    );
  });

  it('repeats the message if the interrupted attempt was not the last output', () => {
    const output = show([
      final('Whole', { sequence: 1 }),
      { type: 'superseded', correlationId: 'a'.repeat(32), attempt: 1 },
      update('Again', { sequence: 2, attempt: 2 }),
    ]);
    expect(output).toMatch(/\n\[Attempt 1 was interrupted; the run restarts\.\]\n\n> Hi\n\nAgain\n$/);
  });

  it('explains a reset, and starts over', () => {
    const output = show([update('Old', { sequence: 1 }), { type: 'reset' }, update('New', { sequence: 1 })]);
    expect(output).toMatch(/^> Hi\n\nOld\n\[The events above are no longer stored\. .*\]\n\n> Hi\n\nNew\n$/);
  });

  it.each([
    [
      'lost updates of an answer',
      [{ ...final('a', { sequence: 1 }), lost_events: 1 }],
      '[1 event of this run was lost: the event store was unreachable.]\n\n',
    ],
    [
      'lost updates of a failure',
      [{ ...failed('No.', { sequence: 1 }), lost_events: 12 }],
      '[12 events of this run were lost: the event store was unreachable.]\n\n',
    ],
    [
      'an interrupted run',
      [update('a', { sequence: 1 }), update('b', { sequence: 2, correlationId: b })],
      '[This run was interrupted.]\n\n> Hi\n\nb\n',
    ],
    [
      'an answer without updates',
      [final('Whole.', { sequence: 9 })],
      '> Hi\n\nWhole.\n\nstreamed 0.00 s · 0 updates\n',
    ],
    ['an empty answer', [update('a', { sequence: 1 }), final('', { sequence: 9 })], '[The answer is empty.]'],
    [
      'updates whose start is missing',
      [update('le.', { sequence: 8 }), final('Whole.', { sequence: 9 })],
      'The whole answer:]\nWhole.\n',
    ],
    [
      'an answer cut at the token limit',
      [{ ...final('a', { sequence: 1 }), finish_reason: 'length' }],
      '[The answer was cut off at the model’s token limit.]',
    ],
    ['missing usage', [{ ...final('a', { sequence: 1 }), usage: null }], 'tokens: not reported\n'],
    ['a long message', [update('a', { sequence: 1, message: 'word\n'.repeat(50_000) })], 'word word…\n\na\n'],
  ] satisfies [string, Shown[], string][])('shows %s', (_case, shown, expected) => {
    expect(show(shown)).toContain(expected);
  });

  it('wraps lines between words at the terminal width, however the text is split', () => {
    const text = 'The quick brown fox jumps over the lazy dog, and a-word-that-is-longer-than-a-line-of-forty-columns.';
    const expected = [
      'The quick brown fox jumps over the lazy',
      'dog, and a-word-that-is-longer-than-a-line-of-forty-columns.',
    ].join('\n');
    for (const size of [1, 3, 7, 200]) {
      const pieces = text.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
      const output = show(
        pieces.map((piece, index) => update(piece, { sequence: index + 1 })),
        { columns: () => 40 },
      );
      expect(output, `pieces of ${size}`).toBe(`> Hi\n\n${expected}\n`);
    }
  });

  it('writes text at once, except for a word at the edge', () => {
    const output: string[] = [];
    const printer = { text: (piece: string) => void output.push(piece), paint: createPaint(false) };
    const view = new ThreadView({ printer, columns: () => 80 });
    view.show({ type: 'event', event: update('Hel', { sequence: 1 }) });
    expect(output.join('')).toBe('> Hi\n\nHel');
  });

  it('changes only line breaks, and removes control characters', () => {
    const pieces = fc.array(anyText(), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 100 }), (texts, width) => {
        const safe = texts.join('').replaceAll(/\p{Cc}/gu, (control) => ('\n\t'.includes(control) ? control : ''));
        expect(written(texts, undefined).trimEnd()).toBe(safe.trimEnd());
        expect(written(texts, width).replaceAll(/[ \t\n]/g, '')).toBe(safe.replaceAll(/[ \t\n]/g, ''));
      }),
    );
  });

  const textFields =
    'request_message text update_kind error_message error_code response_text approval_id tool_name state decided_by reason';
  it.each(textFields.split(' '))('removes escape sequences from %s', (field) => {
    const evil = { [field]: 'x\u001B[31mred\u001B]0;title\u0007\u009B2J\r\b' };
    const output = show([
      { ...update('a', { sequence: 1 }), ...evil },
      approval('requested', { sequence: 1 }, evil),
      approval('rejected', { sequence: 1 }, evil),
      { ...failed('a', { sequence: 2 }), ...evil },
      { ...final('a', { sequence: 3 }), ...evil },
    ]);
    expect(output).toContain('x[31mred]0;title2J');
    expect(output.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});
