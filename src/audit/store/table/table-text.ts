import { fillBins, splitText } from '../../../storage/request-limits.js';

/** The columns of a row, but for its keys. */
export type Columns = Readonly<Record<string, string | number>>;

/** As much of a text as one row holds, in the columns `text0`, `text1` … */
export interface TextRow {
  readonly columns: Columns;
  /** Bytes, in UTF-16 as it is kept, or in JSON and UTF-8 as it is sent: the larger of both. */
  readonly weight: number;
}

/** A column holds 64 KiB of UTF-16, which the service calls "about 32 K characters or less". */
const MAX_COLUMN_LENGTH = 30 * 1024;
/** A row holds 1 MiB, with its keys and the names of its columns. */
const MAX_ROW_WEIGHT = 900 * 1024;
/** A row has at most 252. */
const MAX_COLUMNS = 200;

/** A text of any length, as the rows that hold it: one, if it is not too long. */
export function toTextRows(text: string): TextRow[] {
  const pieces = splitText(text, MAX_COLUMN_LENGTH).map((piece) => ({ piece, weight: weigh(piece) }));
  const rows = fillBins(pieces, ({ weight }) => weight, { maxWeight: MAX_ROW_WEIGHT, maxCount: MAX_COLUMNS });
  return rows.map((row) => ({
    columns: Object.fromEntries(row.map(({ piece }, index) => [`text${index}`, piece])),
    weight: row.reduce((sum, { weight }) => sum + weight, 0),
  }));
}

/** The text in the columns of a row. */
export function textIn(row: object): string {
  const columns = new Map<string, unknown>(Object.entries(row));
  const pieces: string[] = [];
  for (let index = 0; ; index += 1) {
    const piece = columns.get(`text${index}`);
    if (typeof piece !== 'string') return pieces.join('');
    pieces.push(piece);
  }
}

function weigh(text: string): number {
  return Math.max(text.length * 2, Buffer.byteLength(JSON.stringify(text)));
}
