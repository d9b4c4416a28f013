import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentResponseUpdate, AgentStreamPart } from '../../src/durable-agents/agent.js';
import { ResponseCollector } from '../../src/durable-agents/response-collector.js';
import { anyText } from '../support/any-text.js';
import { finish, reasoning, text } from '../support/agent-parts.js';

const SUN = '\u{1F31E}';
const high = SUN.charAt(0);
const low = SUN.charAt(1);

function collect(parts: readonly AgentStreamPart[]) {
  const collector = new ResponseCollector();
  const updates = parts.flatMap((part) => collector.push(part));
  return { updates, response: collector.response('ScriptedAgent', new Date(0)) };
}

const joined = (updates: readonly AgentResponseUpdate[], kind: AgentResponseUpdate['kind']): string =>
  updates
    .filter((update) => update.kind === kind)
    .map((update) => update.text)
    .join('');

/** The same words, split at these positions, even within a surrogate pair. */
function split(words: string, places: readonly number[]): string[] {
  const cuts = [0, ...places.map((place) => place % (words.length + 1)).toSorted((a, b) => a - b), words.length];
  return cuts.slice(1).map((end, index) => words.slice(cuts[index], end));
}

const anyUnits = fc.string({
  unit: fc.oneof(fc.constantFrom('a', ' ', high, low, SUN), anyText()),
});
const places = fc.array(fc.nat(), { maxLength: 12 });
const anyPart = fc.tuple(fc.constantFrom(text, reasoning), anyUnits).map(([make, words]) => make(words));

describe('the text of a stream', () => {
  it('is the same in its updates and in the response, however it is split', () => {
    fc.assert(
      fc.property(anyText(), places, (words, cuts) => {
        const { updates, response } = collect([...split(words, cuts).map(text), finish()]);
        expect(joined(updates, 'text')).toBe(words);
        expect(response.text).toBe(words);
      }),
    );
  });

  it('is well-formed and of equal length even if the model sends half surrogate pairs', () => {
    fc.assert(
      fc.property(anyUnits, places, (words, cuts) => {
        const { updates, response } = collect([...split(words, cuts).map(text), finish()]);
        expect(response.text).toBe(words.toWellFormed());
        expect(joined(updates, 'text')).toBe(response.text);
      }),
    );
  });

  it('yields no empty update and no half surrogate pair, whatever kinds are mixed', () => {
    fc.assert(
      fc.property(fc.array(anyPart), (parts) => {
        const { updates, response } = collect([...parts, finish()]);
        expect(updates.filter((update) => update.text === '' || !update.text.isWellFormed())).toEqual([]);
        expect(joined(updates, 'text')).toBe(response.text);
      }),
    );
  });

  it.each([
    {
      what: 'arrives with the second half of a split surrogate pair',
      parts: [text(`a${high}`), text(`${low}b`)],
      updates: [text('a'), text(`${SUN}b`)],
    },
    { what: 'replaces a high surrogate before a letter', parts: [text(high), text('b')], updates: [text('\uFFFDb')] },
    {
      what: 'replaces a high surrogate before another one',
      parts: [text(high), text(high + low)],
      updates: [text(`\uFFFD${SUN}`)],
    },
    { what: 'replaces a lone low surrogate', parts: [text(`a${low}b`)], updates: [text('a\uFFFDb')] },
    {
      what: 'replaces a high surrogate at the end of the stream',
      parts: [text(`a${high}`)],
      updates: [text('a'), text('\uFFFD')],
    },
    {
      what: 'replaces a high surrogate at the end of its kind',
      parts: [reasoning(high), text('b')],
      updates: [reasoning('\uFFFD'), text('b')],
    },
    {
      what: 'ignores an empty part between two halves',
      parts: [text(high), text(''), text(low)],
      updates: [text(SUN)],
    },
    { what: 'has no updates for empty parts', parts: [text(''), reasoning('')], updates: [] },
  ])('$what', ({ parts, updates }) => {
    expect(collect([...parts, finish()]).updates).toEqual(updates);
  });
});
