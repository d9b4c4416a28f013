import { Lexer, type Token } from 'marked';
import { closeMarkdown } from './close-markdown.js';

/** Longer texts are shown as they are, so that no text can keep the page busy. */
const MOST_CHARACTERS = 200_000;
/** The parser can still extend these when text is added. */
const OPEN_BLOCKS = 2;

/** The top-level blocks of a Markdown text, in order. */
export interface MarkdownBlocks {
  readonly text: string;
  readonly blocks: readonly Token[];
  /** The blocks before the last one was closed. */
  readonly parsed: readonly Token[];
}

/**
 * Parses Markdown. A text that still grows ends in constructs that are not closed yet: they are closed or held back, so
 * that the text does not jump when they are. `before` is the result for an earlier, shorter version of the text, if any:
 * only what may have changed since is parsed again.
 */
export function parseMarkdown(source: string, isGrowing: boolean, before?: MarkdownBlocks): MarkdownBlocks {
  // The parser does the same; doing it here keeps positions right.
  const text = source.replaceAll(/\r\n?/g, '\n');
  if (!isGrowing) {
    const blocks = blocksOf(text);
    return { text, blocks, parsed: blocks };
  }
  const shown = withoutUnfinishedLines(text);
  const earlier = before !== undefined && text.startsWith(before.text) ? settledBlocks(before) : NOTHING;
  const settled = earlier.length <= shown.length ? earlier : NOTHING;
  const parsed = [...settled.blocks, ...blocksOf(shown.slice(settled.length))];
  const last = parsed.at(-1);
  // What is left open in earlier blocks stays open.
  const end = last === undefined || last.type === 'code' ? [] : blocksOf(closeMarkdown(last.raw));
  return { text, blocks: end.length === 0 ? parsed : [...parsed.slice(0, -1), ...end], parsed };
}

/** A last line of nothing but markers: a list item, heading, fence, rule or table row may follow. */
const UNFINISHED_LINE = /(?:^|\n)[ \t]*(?:[-=*+_#>|`~: \t]+|\d{1,9}[.)]?)$/;
/** A table's first line, then its second one unless that is complete. */
const HALF_TABLE = /^\n?[ \t]*\|[^\n]*(?:\n[ \t]*[|: \t-]*)?$/;

/** Removes the beginning of what cannot be recognized yet from the end of a growing text. */
export function withoutUnfinishedLines(text: string): string {
  const rest = text.replace(UNFINISHED_LINE, '');
  const paragraph = rest.slice(rest.lastIndexOf('\n\n') + 1);
  return rest.slice(0, rest.length - (HALF_TABLE.exec(paragraph)?.[0].length ?? 0));
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
  return { type: 'html', raw: text, text, block: true, pre: false };
}

const NOTHING = { blocks: [], length: 0 } as const;

/** Returns the blocks that stay as they are when text is added, and the length of their source. */
function settledBlocks({ text, parsed }: MarkdownBlocks): {
  readonly blocks: readonly Token[];
  readonly length: number;
} {
  let count = parsed.length;
  for (let open = 0; count > 0 && open < OPEN_BLOCKS; count -= 1) {
    if (parsed[count - 1]?.type !== 'space') open += 1;
  }
  const settled = parsed.slice(0, count);
  const source = settled.map(({ raw }) => raw).join('');
  // The parser normalizes some white space in lists.
  return text.startsWith(source) ? { blocks: settled, length: source.length } : NOTHING;
}
