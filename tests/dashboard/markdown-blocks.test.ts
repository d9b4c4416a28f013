import * as fc from 'fast-check';
import type { Token } from 'marked';
import { describe, expect, it } from 'vitest';
import { decodeEntities } from '../../src/dashboard/page/markdown/decode-entities.js';
import { closeMarkdown } from '../../src/dashboard/page/markdown/close-markdown.js';
import {
  type MarkdownBlocks,
  parseMarkdown,
  withoutUnfinishedLines,
} from '../../src/dashboard/page/markdown/markdown-blocks.js';
import { safeHref } from '../../src/dashboard/page/markdown/safe-href.js';

const piece = fc.constantFrom(
  'a',
  ' ',
  '\n',
  '\n\n',
  '**',
  '*',
  '_',
  '`',
  '```',
  '\n```js\n',
  '- ',
  '\n1. ',
  '# ',
  '> ',
  '| a | b |',
  '\n|--|--|\n',
  '[x](http://a.b)',
  '![',
  '](',
  '<b>',
  '---',
  '===',
  '\r\n',
  '    ',
  '\t',
  '~~',
  '\\',
  '&lt;',
  'word ',
);
const markdown = fc.array(piece, { maxLength: 60 });

describe('parseMarkdown', () => {
  it('gives the same blocks for a growing text as for one that is parsed at once', () => {
    fc.assert(
      fc.property(markdown, (pieces) => {
        let text = '';
        let parsed: MarkdownBlocks | undefined;
        for (const next of pieces) {
          text += next;
          parsed = parseMarkdown(text, true, parsed);
          expect(parsed.blocks).toEqual(parseMarkdown(text, true).blocks);
        }
      }),
      { numRuns: 300, examples: [[['a', '\r\n', '*', '![', '\n|--|--|\n', '\n']]] },
    );
  });

  it('starts over when the text is replaced', () => {
    const before = parseMarkdown('# One\n\nTwo\n\nThree', true);
    expect(parseMarkdown('# Other', true, before).blocks.map(({ raw }) => raw)).toEqual(['# Other']);
  });

  it.each([
    ['quotes', '>'.repeat(20_000)],
    ['a text beyond the limit', 'word '.repeat(50_000)],
  ])('leaves %s unparsed when they would exhaust the browser', (_name, text) => {
    expect(parseMarkdown(text, false).blocks).toEqual([{ type: 'html', block: true, pre: false, raw: text, text }]);
  });
});

describe('a growing Markdown text', () => {
  it.each([
    ['Some **bold', 'Some **bold**'],
    ['Some **bold**', 'Some **bold**'],
    ['Some **', 'Some'],
    ['Some `code', 'Some `code`'],
    ['See [the docs](https://exam', 'See the docs'],
    ['- 1 > 0 and 20~25', '- 1 > 0 and 20~25'],
    ['Some **bold and *both', 'Some **bold and *both***'],
    ['Some ***both** here', 'Some ***both** here*'],
    ['Some **bold `co', 'Some **bold `co`**'],
    ['Some `a ** b` **bold ', 'Some `a ** b` **bold**'],
    ['Some ``a ` b', 'Some ``a ` b``'],
    ['Some `a[0', 'Some `a[0`'],
    ['Some [**bold', 'Some **bold**'],
    ['See [x](http://a/_b', 'See x'],
    ['Some ~~old', 'Some ~~old~~'],
    ['A snake_case name, 2*3 and 2 * 3', 'A snake_case name, 2*3 and 2 * 3'],
    ['An escaped \\*star', 'An escaped \\*star'],
    ['- one *open\n- two', '- one *open\n- two'],
    ['| **a | b', '| **a | b'],
    ['- list\n  ```js\n  a * b', '- list\n  ```js\n  a * b'],
    ['```\na[0', '```\na[0'],
  ])('closes %j as %j', (text, closed) => {
    expect(closeMarkdown(text)).toBe(closed);
  });

  it.each([
    ['Text\n-', 'Text'],
    ['Text\n\n1.', 'Text\n'],
    ['Text\n\n``', 'Text\n'],
    ['Text\n\n| a | b', 'Text\n'],
    ['Text\n\n| a | b |\n|--', 'Text\n'],
    ['Text\n\n| a | b |\n|--|--|\n| 1', 'Text\n\n| a | b |\n|--|--|\n| 1'],
    ['Text\n\n| a | b |\nno table', 'Text\n\n| a | b |\nno table'],
  ])('holds back the end of %j: %j', (text, finished) => {
    expect(withoutUnfinishedLines(text)).toBe(finished);
  });

  it('never shows the source of a table, a fence or emphasis while they arrive', () => {
    const text = 'A **bold** start.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet a;\n```\n\n- one\n- *two*\n';
    for (let length = 1; length <= text.length; length += 1) {
      const { blocks } = parseMarkdown(text.slice(0, length), true);
      const paragraphs = blocks.filter(({ type }) => type === 'paragraph');
      expect(paragraphs.map(textsOf).join('\n')).not.toMatch(/[|`*]|^-/m);
      expect(blocks.map(({ type }) => type)).not.toContain('heading');
    }
  });
});

describe('safeHref', () => {
  it.each(['https://a.example/x?y=1#z', 'http://a.example/', 'mailto:a@b.example'])('allows %s', (href) => {
    expect(safeHref(href)).toBe(href);
  });

  it.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'vbscript:x',
    'data:text/html,<script>1</script>',
    'blob:x',
    'file:///etc',
    '/relative',
    '#hash',
    'a.html',
    '//host/x',
    '',
  ])('refuses %j', (href) => {
    expect(safeHref(href)).toBeUndefined();
  });
});

describe('decodeEntities', () => {
  it('decodes what models write and leaves the rest', () => {
    const text = '&lt;b&gt; &amp;amp; &#39;x&#x27; &nbsp;&unknown; &#0; &#xd800; &#x110000;';
    expect(decodeEntities(text)).toBe("<b> &amp; 'x' \u00a0&unknown; \ufffd \ufffd \ufffd");
  });
});

function textsOf(token: Token): string {
  if ('tokens' in token && token.tokens !== undefined) return token.tokens.map(textsOf).join('');
  return 'text' in token ? token.text : '';
}
