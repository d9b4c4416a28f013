import { terminalLine } from '../watch/terminal-text.js';
import type { TraceRow } from './trace-rows.js';

const BAR_WIDTH = 24;

/** Draws a trace for a terminal: the tree of its spans, and when each of them ran. */
export function drawTraceText(rows: readonly TraceRow[]): string[] {
  const totalMs = Math.max(...rows.map(({ startMs, durationMs }) => startMs + durationMs));
  const names = rows.map(({ span, branches }) => treeOf(branches) + terminalLine(span.name, 60));
  const nameWidth = Math.max(...names.map(({ length }) => length));
  return rows.map(({ startMs, durationMs, details }, index) => {
    const time = `${Math.round(durationMs).toLocaleString('en')} ms`;
    const bar = barOf(startMs / (totalMs || 1), durationMs / (totalMs || 1));
    return `${(names[index] ?? '').padEnd(nameWidth)}  ${bar}  ${time.padStart(9)}  ${terminalLine(details)}`.trimEnd();
  });
}

function treeOf(branches: readonly boolean[]): string {
  const last = branches.at(-1);
  if (last === undefined) return '';
  const above = branches.slice(0, -1).map((continues) => (continues ? '│   ' : '    '));
  return above.join('') + (last ? '├── ' : '└── ');
}

/** @param start - fraction of the width, from 0 to 1; the same applies to `share` */
function barOf(start: number, share: number): string {
  const from = Math.min(BAR_WIDTH - 1, Math.floor(start * BAR_WIDTH));
  const length = Math.max(1, Math.min(BAR_WIDTH - from, Math.round(share * BAR_WIDTH)));
  return `${'·'.repeat(from)}${'█'.repeat(length)}`.padEnd(BAR_WIDTH, '·');
}
