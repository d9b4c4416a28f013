import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitText } from '../../src/dashboard/page/format/split-text.js';

it('splitText cuts only after line breaks and loses nothing', () => {
  const lines = fc.array(fc.string({ maxLength: 900 }), { maxLength: 30 });
  fc.assert(
    fc.property(lines, (parts) => {
      const text = parts.join('\n');
      const blocks = splitText(text);
      expect(blocks.join('')).toBe(text);
      for (const block of blocks.slice(0, -1)) {
        expect(block.endsWith('\n')).toBe(true);
        expect(block.length).toBeGreaterThan(2000);
      }
    }),
  );
});
