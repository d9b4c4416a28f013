import { assert, constantFrom, integer, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findUnknownVariables } from '../../src/settings/unknown-variables.js';

const KNOWN = ['AZURE_OPENAI_ENDPOINT', 'CALLBACK_STORE', 'AGENT_PRICES'];

/** Inserts, removes or replaces one character of a name. */
const edit = tuple(
  constantFrom('insert', 'remove', 'replace'),
  integer({ min: 0, max: 100 }),
  constantFrom('X', '_', '7'),
);

function applyEdits(name: string, edits: readonly (readonly [string, number, string])[]): string {
  return edits.reduce((edited, [kind, where, character]) => {
    const index = where % edited.length;
    const rest = kind === 'insert' ? edited.slice(index) : edited.slice(index + 1);
    return edited.slice(0, index) + (kind === 'remove' ? '' : character) + rest;
  }, name);
}

describe('findUnknownVariables', () => {
  it('recognizes a known name with up to two typos anywhere', () => {
    assert(
      property(constantFrom(...KNOWN), edit, edit, (name, ...edits) => {
        const typed = applyEdits(name, edits);
        const found = findUnknownVariables({ [typed]: 'value' }, KNOWN);
        expect(found).toEqual(KNOWN.includes(typed) ? [] : [{ name: typed, nearest: name }]);
      }),
    );
  });

  it.each(['PATH', 'AZURE_CLIENT_ID', 'WEBSITE_INSTANCE_ID', 'AZURE_OPNAI_ENDPT', 'MY_CALLBACK_STORE'])(
    'ignores %s, which is more than two typos away from a known name',
    (name) => {
      expect(findUnknownVariables({ [name]: 'value' }, KNOWN)).toEqual([]);
    },
  );
});
