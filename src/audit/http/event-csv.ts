import type { CallbackEvent } from '../domain/callback-event.js';

const COLUMNS = [
  'sequence',
  'timestamp',
  'agent_name',
  'thread_id',
  'correlation_id',
  'request_message',
  'event_type',
  'update_kind',
  'text',
  'response_text',
  'finish_reason',
  'input_token_count',
  'output_token_count',
  'total_token_count',
  'cached_input_token_count',
  'reasoning_output_token_count',
  'cost',
  'cost_currency',
  'error_code',
  'error_message',
  'run_started_at',
  'attempt',
  'lost_events',
  'omitted_turn_count',
  'round',
  'call_id',
  'tool_name',
  'arguments',
  'result',
  'is_error',
  'duration_ms',
  'approval_id',
  'state',
  'expires_at',
  'decided_at',
  'decided_by',
  'reason',
  'arguments_edited',
] as const;

export const CSV_HEADER = `${COLUMNS.join(',')}\r\n`;

/** Without it, Excel decodes a CSV file in the system's code page. */
export const UTF8_BOM = '\uFEFF';

/** The last line of an export that is incomplete. */
export interface IncompleteLine {
  readonly event_type: 'incomplete';
  readonly error_message: string;
  /** Run of exported events that are now superseded, if any; likewise `attempt`. */
  readonly correlation_id?: string;
  readonly attempt?: number;
}

export type ExportedLine = CallbackEvent | IncompleteLine;

/** Formats an event as a line of CSV (RFC 4180), with a column for each field of any event type. */
export function toCsvLine(line: ExportedLine): string {
  const { usage, cost } = line.event_type === 'final' ? line : {};
  const costs = cost && { cost: cost.amount, cost_currency: cost.currency };
  const values: Readonly<Record<string, unknown>> = { ...line, ...usage, ...costs };
  return `${COLUMNS.map((column) => csvField(values[column])).join(',')}\r\n`;
}

/**
 * Formats a cell. Spreadsheets evaluate a cell that starts with one of these characters as a formula, so prefixes it with
 * an apostrophe, which makes it text. Also quotes cells with `;` or a tab, because some programs split at them.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
function csvField(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : (JSON.stringify(value ?? undefined) ?? '');
  const harmless = /^[=+\-@\t\r\n＝＋－＠]/u.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
