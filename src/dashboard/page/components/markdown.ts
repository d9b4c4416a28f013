import { html } from 'htm/preact';
import type { MarkedToken, Token, Tokens } from 'marked';
import { type ComponentChildren, Fragment, type VNode } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { decodeEntities } from '../markdown/decode-entities.js';
import { type MarkdownBlocks, parseMarkdown } from '../markdown/markdown-blocks.js';
import { safeHref } from '../markdown/safe-href.js';
import { CodeBlock } from './code-block.js';

/** Deeper constructs are shown as their source. */
const MOST_LEVELS = 24;

export interface MarkdownProps {
  readonly text: string;
  readonly isGrowing: boolean;
}

/**
 * Shows Markdown. Its tokens become elements from a fixed set, without any HTML in between: markup in the text is shown as
 * text, images as links.
 */
export function Markdown({ text, isGrowing }: MarkdownProps): VNode {
  const before = useRef<MarkdownBlocks | undefined>(undefined);
  const parsed = useMemo(() => parseMarkdown(text, isGrowing, before.current), [text, isGrowing]);
  before.current = parsed;
  return html`<div class="markdown">
    ${parsed.blocks.map((token, index) => html`<${Block} key=${index} token=${token} isGrowing=${isGrowing} />`)}
  </div>`;
}

/** Rerenders when its source changes, and at the end, when references to later definitions are resolved. */
function Block({ token, isGrowing }: { readonly token: Token; readonly isGrowing: boolean }): VNode {
  return useMemo(() => html`<${Fragment}>${renderToken(token, 0)}<//>`, [token.raw, isGrowing]);
}

function renderAll(tokens: readonly Token[] | undefined, level: number): ComponentChildren {
  return tokens?.map((token) => renderToken(token, level + 1));
}

/** Only extensions of the parser make others, and the page has none. */
function isMarkedToken(token: Token): token is MarkedToken {
  return TOKEN_TYPES.has(token.type);
}

const TOKEN_TYPES = new Set(
  (
    'blockquote br checkbox code codespan def del em escape heading hr html image link list list_item paragraph ' +
    'space strong table text'
  ).split(' '),
);

function renderToken(token: Token, level: number): ComponentChildren {
  if (level > MOST_LEVELS || !isMarkedToken(token)) return token.raw;
  const children = 'tokens' in token ? renderAll(token.tokens, level) : undefined;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'paragraph':
      return html`<p>${children}</p>`;
    case 'heading':
      // Below the headings of the page.
      return html`<${`h${Math.min(6, token.depth + 2)}`}>${children}<//>`;
    case 'code':
      return renderCode(token.text, token.lang);
    case 'blockquote':
      return html`<blockquote>${children}</blockquote>`;
    case 'list':
      return renderList(token, level);
    case 'checkbox':
      return html`<span class="task" role="img" aria-label=${token.checked ? 'done' : 'open'}
        >${token.checked ? '☑' : '☐'}
      </span>`;
    case 'table':
      return renderTable(token, level);
    case 'hr':
      return html`<hr />`;
    case 'br':
      return html`<br />`;
    case 'strong':
      return html`<strong>${children}</strong>`;
    case 'em':
      return html`<em>${children}</em>`;
    case 'del':
      return html`<del>${children}</del>`;
    case 'codespan':
      return html`<code>${token.text}</code>`;
    case 'link':
      return renderLink(token.href, token.title, children);
    case 'image':
      return renderLink(token.href, token.title, `Image: ${token.text || token.href}`);
    case 'text':
      return children ?? decodeEntities(token.text);
    case 'html':
      return token.block ? html`<p class="markdown-source">${token.raw.trimEnd()}</p>` : token.raw;
    case 'escape':
      return token.text;
    default:
      return token.raw;
  }
}

/** An address that leads nowhere safe is shown beside its text, as text. */
function renderLink(href: string, title: string | null | undefined, children: ComponentChildren): ComponentChildren {
  const target = safeHref(href);
  if (target === undefined) return html`${children} (${href})`;
  return html`<a href=${target} title=${title ?? target} target="_blank" rel="noopener noreferrer">${children}</a>`;
}

function renderCode(text: string, language: string | undefined): VNode {
  const [name = ''] = (language ?? '').split(/\s/);
  return html`<${CodeBlock} title=${name === '' ? 'Code' : name} text=${text} />`;
}

function renderList({ ordered, start, items }: Tokens.List, level: number): VNode {
  const shown = items.map((item) => html`<li data-task=${item.task}>${renderAll(item.tokens, level + 1)}</li>`);
  return ordered
    ? html`<ol start=${start === '' ? 1 : start}>
        ${shown}
      </ol>`
    : html`<ul>
        ${shown}
      </ul>`;
}

function renderTable({ header, rows }: Tokens.Table, level: number): VNode {
  return html`<div class="table-scroller" role="region" aria-label="Table" tabindex="0">
    <table>
      <thead>
        <tr>
          ${header.map((cell) => html`<th scope="col" data-align=${cell.align}>${renderAll(cell.tokens, level + 1)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td data-align=${cell.align}>${renderAll(cell.tokens, level + 1)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
