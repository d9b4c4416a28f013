/** A link or image whose end is missing; its text is the group. */
const HALF_LINK = /!?\[([^\]`]*)(?:\]\([^)]*)?$/;
/** Escapes, starts of inline contexts (blocks, list items, table cells), and markers of code and emphasis. */
const MARKERS = /\\.|\n[ \t]*(?:\n|[-*+>#]\s|\d+[.)]\s)|\||`+|\*+|_+|~~/g;

/** Closes emphasis and code at the end of a growing text, and shows a link that is not complete as its text. */
export function closeMarkdown(text: string): string {
  const shown = text.replace(/[*_~`]+$/, '');
  const isInCode = /^[`\n]/.test(openMarkers(shown).at(-1) ?? '');
  return closed(isInCode ? shown : shown.replace(HALF_LINK, '$1'));
}

function closed(text: string): string {
  return text.trimEnd() + openMarkers(text).toReversed().join('').trimEnd();
}

/** Marks the fence of a code block, which ends with the text. */
const FENCE = '\n';

/** Returns the markers that a text opens and does not close, the outermost first. */
function openMarkers(text: string): string[] {
  let open: string[] = [];
  let codeEnd = 0;
  for (const { 0: marker, index } of text.matchAll(MARKERS)) {
    const kind = marker.charAt(0);
    const end = index + marker.length;
    if (index < codeEnd || kind === '\\') continue;
    if (kind === '\n' || kind === '|') {
      open = [];
    } else if (kind === '`') {
      codeEnd = endOfCode(text, end, marker);
      if (codeEnd === 0) return [...open, isFence(text, index, marker) ? FENCE : marker];
    } else {
      const [before, after] = [text.charAt(index - 1), text.charAt(end)];
      let rest = marker.length;
      const canClose = /\S/.test(before) && !(kind === '_' && /\w/.test(after));
      let at = canClose ? lastOf(open, kind) : -1;
      while (at >= 0 && rest > 0) {
        const length = open[at]?.length ?? 0;
        open = [...open.slice(0, at), ...(length > rest ? [kind.repeat(length - rest)] : [])];
        rest -= Math.min(rest, length);
        at = lastOf(open, kind);
      }
      // Within a word, a marker is more likely a name or a product than emphasis.
      if (rest > 0 && /\S/.test(after) && !/\w/.test(before)) open.push(kind.repeat(rest));
    }
  }
  return open;
}

function lastOf(open: readonly string[], kind: string): number {
  return open.findLastIndex((marker) => marker.startsWith(kind));
}

/** Returns where the code ends that a marker opens; 0 if it does not end. */
function endOfCode(text: string, from: number, marker: string): number {
  for (const { 0: run, index } of text.slice(from).matchAll(/`+/g)) {
    if (run === marker) return from + index + run.length;
  }
  return 0;
}

function isFence(text: string, index: number, marker: string): boolean {
  return marker.length > 2 && /(?:^|\n)[ \t>]*$/.test(text.slice(0, index));
}
