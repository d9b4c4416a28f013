import type { Color } from '../printer.js';
import type { Printer } from '../printer.js';
import { ShownRun } from './shown-run.js';
import type { ApprovalEvent, StreamEvent, TelemetryEvent } from './telemetry-event.js';
import { terminalLine, terminalText } from './terminal-text.js';
import type { WatchEvent } from './watch-event.js';
import { WordWrap } from './word-wrap.js';

export interface ThreadViewOptions {
  readonly printer: Pick<Printer, 'text' | 'paint'>;
  /** Returns the current width of the terminal. If undefined, lines are not wrapped. */
  readonly columns: () => number | undefined;
  /** Returns when the message of a run was sent, in milliseconds since 1970, if known. */
  readonly sentAtMs?: (requestMessage: string) => number | undefined;
}

/** Prints a thread live: messages, answers piece by piece, tool calls and their approvals, the outcome of each run, and the connection state. */
export class ThreadView {
  readonly #options: ThreadViewOptions;
  readonly #wrap: WordWrap;
  #run: ShownRun | undefined;
  /** The interrupted run whose message is already printed. */
  #restartingId: string | undefined;
  /** Kind of the updates being printed. Undefined before a run's first update. */
  #kind: string | undefined;
  /** Whether the last output is an empty line, or nothing was printed. */
  #isAfterGap = true;

  constructor(options: ThreadViewOptions) {
    const { printer, columns } = options;
    this.#options = options;
    this.#wrap = new WordWrap({ write: (text) => printer.text(text), columns });
  }

  show(watchEvent: WatchEvent): void {
    switch (watchEvent.type) {
      case 'event':
        return this.#showEvent(watchEvent.event);
      case 'lost':
        return this.#note('yellow', `No connection: ${watchEvent.reason} Reconnecting…`);
      case 'connected':
        return this.#note('dim', 'Connected. Resuming.');
      case 'superseded':
        this.#note('yellow', `Attempt ${watchEvent.attempt} was interrupted; the run restarts.`);
        if (this.#run?.correlationId !== watchEvent.correlationId) return;
        this.#run = undefined;
        this.#restartingId = watchEvent.correlationId;
        return;
      case 'reset':
        this.#note('yellow', 'The events above are no longer stored. The oldest stored event follows.');
        this.#run = undefined;
        this.#restartingId = undefined;
    }
  }

  /** Moves the cursor to the start of a line. */
  endLine(): void {
    this.#wrap.flush(this.#style());
    if (!this.#wrap.isAtLineStart) this.#wrap.push('\n');
  }

  #showEvent(event: TelemetryEvent): void {
    const run = this.#runOf(event);
    if (event.event_type === 'stream') {
      run.addUpdate(event.update_kind, event.text);
      if (event.tool_name === undefined) this.#showUpdate(event.update_kind, event.text);
      else this.#showTool(event);
      return;
    }
    if (event.event_type === 'approval') return this.#showApproval(event);
    if (event.event_type === 'final') {
      if (run.text !== event.response_text) this.#showWhole(event.response_text, run.text === '');
      if (event.finish_reason === 'length') this.#note('yellow', 'The answer was cut off at the model’s token limit.');
      this.#separate();
      for (const line of run.figures(event)) this.#line('dim', line);
    } else {
      this.#separate();
      this.#line('red', `Failed after ${run.tookUntil(event)}: ${terminalLine(event.error_message)}`);
      this.#line('dim', `code: ${terminalLine(event.error_code)}`);
    }
    if (event.lost_events !== undefined) this.#note('yellow', lostText(event.lost_events));
    this.#separate();
    this.#run = undefined;
  }

  #runOf(event: TelemetryEvent): ShownRun {
    if (this.#run?.correlationId === event.correlation_id) return this.#run;
    if (this.#run !== undefined) this.#note('yellow', 'This run was interrupted.');
    this.#run = new ShownRun(event, this.#options.sentAtMs?.(event.request_message));
    this.#kind = undefined;
    const isRestarted = this.#restartingId === event.correlation_id;
    this.#restartingId = undefined;
    if (isRestarted) return this.#run;
    this.#separate();
    this.#line('cyan', `> ${terminalLine(event.request_message)}`);
    this.#separate();
    return this.#run;
  }

  #showUpdate(kind: string, text: string): void {
    if (kind !== this.#kind) {
      this.endLine();
      this.#kind = kind;
      if (kind !== 'text') this.#wrap.push(`${terminalLine(kind)}: `, this.#style());
    }
    this.#writeText(text);
  }

  #showTool({
    update_kind: kind,
    tool_name: tool = '',
    arguments: args,
    result,
    is_error: isError,
  }: StreamEvent): void {
    const json = JSON.stringify(kind === 'tool_call' ? args : result) ?? '';
    const what = kind === 'tool_call' ? 'calls' : isError === true ? 'failed:' : 'returned';
    const whom = kind === 'tool_call' ? `${what} ${tool}` : `${tool} ${what}`;
    this.endLine();
    this.#kind = kind;
    this.#line('dim', terminalLine(`${whom} ${json}`));
  }

  #showApproval(event: ApprovalEvent): void {
    const { tool_name: tool, arguments: args, state, decided_by: decidedBy, reason, approval_id: id } = event;
    const what = `${tool} ${JSON.stringify(args) ?? ''}`;
    this.endLine();
    if (state === 'requested') {
      this.#line('yellow', terminalLine(`waits for approval: ${what}`));
      this.#line('dim', `approval_id: ${terminalLine(id)}`);
      return;
    }
    const how = event.arguments_edited === true ? `${state} with other arguments` : state;
    const who = decidedBy === undefined ? how : `${how} by ${decidedBy}`;
    this.#line(state === 'approved' ? 'cyan' : 'yellow', terminalLine(`${who}: ${what}`));
    if (reason !== undefined) this.#line('dim', `reason: ${terminalLine(reason)}`);
  }

  /** Prints the whole answer if the updates do not add up to it: some are no longer stored, or the run was repeated. */
  #showWhole(text: string, isAlone: boolean): void {
    if (text === '') return this.#note('yellow', 'The answer is empty.');
    if (!isAlone) this.#note('yellow', 'The updates do not add up to the answer. The whole answer:');
    this.#kind = 'text';
    this.#writeText(text);
  }

  #writeText(text: string): void {
    this.#wrap.push(terminalText(text), this.#style());
    this.#isAfterGap = false;
  }

  #separate(): void {
    if (this.#isAfterGap) return;
    this.endLine();
    this.#wrap.push('\n');
    this.#isAfterGap = true;
  }

  #note(color: Color, text: string): void {
    this.endLine();
    this.#line(color, `[${text}]`);
  }

  #line(color: Color, text: string): void {
    const style = (piece: string): string => this.#options.printer.paint(color, piece);
    this.#wrap.push(text, style);
    this.#wrap.flush(style);
    this.#wrap.push('\n');
    this.#isAfterGap = false;
  }

  #style(): ((text: string) => string) | undefined {
    if (this.#kind === undefined || this.#kind === 'text') return undefined;
    return (text) => this.#options.printer.paint('dim', text);
  }
}

function lostText(count: number): string {
  const what = count === 1 ? '1 event of this run was lost' : `${count} events of this run were lost`;
  return `${what}: the event store was unreachable.`;
}
