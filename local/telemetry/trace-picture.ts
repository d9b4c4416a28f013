import type { TraceRow } from './trace-rows.js';

const WIDTH = 860;
const ROW_HEIGHT = 30;
const NAMES_WIDTH = 260;
const BARS_WIDTH = 320;
const INDENT = 18;
const MARGIN = 16;

const COLORS: Readonly<Record<string, string>> = { invoke_agent: '#5b5fc7', chat: '#1f7a5c', execute_tool: '#b25e09' };
const OTHER_COLOR = '#6b7280';
const FAILED_COLOR = '#c02b2b';

/** Draws a trace as an SVG picture: the tree of its spans, and when each of them ran. */
export function drawTracePicture(rows: readonly TraceRow[]): string {
  const totalMs = Math.max(...rows.map(({ startMs, durationMs }) => startMs + durationMs)) || 1;
  const height = rows.length * ROW_HEIGHT + 2 * MARGIN;
  const drawn = rows.map(({ span, branches, startMs, durationMs, details }, index) => {
    const top = MARGIN + index * ROW_HEIGHT;
    const baseline = top + ROW_HEIGHT / 2 + 4;
    const left = NAMES_WIDTH + (startMs / totalMs) * BARS_WIDTH;
    const width = Math.max(2, (durationMs / totalMs) * BARS_WIDTH);
    const color = COLORS[String(span.attributes['gen_ai.operation.name'])] ?? OTHER_COLOR;
    const ending = `${Math.round(durationMs).toLocaleString('en')} ms${details && ` · ${details}`}`;
    return [
      `<text x="${MARGIN + branches.length * INDENT}" y="${baseline}">${escapeXml(span.name)}</text>`,
      `<rect x="${left.toFixed(1)}" y="${top + 7}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 14}" rx="3" fill="${span.statusCode === 2 ? FAILED_COLOR : color}"/>`,
      `<text class="detail" x="${NAMES_WIDTH + BARS_WIDTH + 12}" y="${baseline}">${escapeXml(ending)}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>Trace of a run, received over OTLP</title>
<style>text { font: 13px ui-monospace, monospace; fill: #1f2328 } .detail { font-size: 12px; fill: #57606a }</style>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#ffffff"/>
${drawn.join('\n')}
</svg>
`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
