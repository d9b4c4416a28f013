import { Lexer, type Token } from 'marked';
import remend from 'remend';

/** Longer texts are shown as they are, so that no text can keep the page busy. */
const MOST_CHARACTERS = 200_000;
/** The parser can still extend these when text is added. */
const OPEN_BLOCKS = 2;

/** The top-level blocks of a Markdown text, in order. */
export interface MarkdownBlocks {
  readonly text: string;
  readonly blocks: readonly Token[];
}

/**
 * Parses Markdown. A text that still grows ends in constructs that are not closed yet: they are closed or held back, so
 * that the text does not jump when they are. `before` is the result for an earlier, shorter version of the text, if any:
 * only what may have changed since is parsed again.
 */
export function parseMarkdown(source: string, isGrowing: boolean, before?: MarkdownBlocks): MarkdownBlocks {
  // The parser does the same; doing it here keeps positions right.
  const text = source.replaceAll(/\r\n?/g, '\n');
  if (!isGrowing) return { text, blocks: blocksOf(text) };
  const settled = before !== undefined && text.startsWith(before.text) ? settledBlocks(before) : NOTHING;
  return { text, blocks: [...settled.blocks, ...blocksOf(finishMarkdown(text.slice(settled.length)))] };
}

/** Closes what is open at the end of a growing text, and removes the beginning of what cannot be recognized yet. */
export function finishMarkdown(text: string): string {
  return remend(withoutHalfTable(text.replace(UNFINISHED_LINE, '')), CLOSING);
}

const CLOSING = { linkMode: 'text-only', comparisonOperators: false, singleTilde: false, htmlTags: false } as const;
/** A last line of nothing but markers: a list item, heading, fence, rule or table row may follow. */
const UNFINISHED_LINE = /(?:^|\n)[ \t]*(?:[-=*+_#>|`~: \t]+|\d{1,9}[.)]?)$/;
/** A table's first line, then its second one unless that is complete. */
const HALF_TABLE = /(?:^|\n)[ \t]*\|[^\n]*(?:\n[ \t]*[|: \t-]*)?$/;

function withoutHalfTable(text: string): string {
  const paragraph = text.slice(text.lastIndexOf('\n\n') + 1);
  return HALF_TABLE.test(paragraph) && paragraph.trim().split('\n').length <= 2
    ? text.slice(0, text.length - (HALF_TABLE.exec(paragraph)?.[0].length ?? 0))
    : text;
}

function blocksOf(text: string): readonly Token[] {
  if (text.length > MOST_CHARACTERS) return [plainBlock(text)];
  try {
    return new Lexer({ gfm: true }).lex(text);
  } catch (error) {
    // Quotes and lists nested thousands of levels deep exhaust the parser's stack.
    if (error instanceof RangeError) return [plainBlock(text)];
    throw error;
  }
}

function plainBlock(text: string): Token {
  return { type: 'html', raw: text, text };
}

const NOTHING = { blocks: [], length: 0 } as const;

/** Returns the blocks that stay as they are when text is added, and the length of their source. */
function settledBlocks({ text, blocks }: MarkdownBlocks): {
  readonly blocks: readonly Token[];
  readonly length: number;
} {
  let count = blocks.length;
  for (let open = 0; count > 0 && open < OPEN_BLOCKS; count -= 1) {
    if (blocks[count - 1]?.type !== 'space') open += 1;
  }
  const settled = blocks.slice(0, count);
  const source = settled.map(({ raw }) => raw).join('');
  // Closing what is open only adds to the end, unless a library update changes that.
  return text.startsWith(source) ? { blocks: settled, length: source.length } : NOTHING;
}
