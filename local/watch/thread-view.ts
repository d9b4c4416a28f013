import type { Color } from '../paint.js';
import type { Printer } from '../printer.js';
import { ShownRun } from './shown-run.js';
import type { StreamEvent, TelemetryEvent } from './telemetry-event.js';
import { terminalLine, terminalText } from './terminal-text.js';
import type { ThreadNews } from './thread-news.js';
import { WordWrap } from './word-wrap.js';

export interface ThreadViewOptions {
  readonly printer: Pick<Printer, 'text' | 'paint'>;
  /** Width of the terminal as of now; undefined: lines are not broken. */
  readonly columns: () => number | undefined;
  /** When the message of a run was sent, in milliseconds since 1970, where the caller knows it. */
  readonly sentAtMs?: (requestMessage: string) => number | undefined;
}

/** Prints a thread as it goes on: messages, answers piece by piece, how each run ended, and the state of the connection. */
export class ThreadView {
  readonly #options: ThreadViewOptions;
  readonly #wrap: WordWrap;
  #run: ShownRun | undefined;
  /** The run that was cut off while it was written, so that its message stands above already. */
  #restartingId: string | undefined;
  /** Kind of the updates that are being written; undefined before the first of a run. */
  #kind: string | undefined;
  /** Whether what was written last is an empty line, or nothing. */
  #isAfterGap = true;

  constructor(options: ThreadViewOptions) {
    const { printer, columns } = options;
    this.#options = options;
    this.#wrap = new WordWrap({ write: (text) => printer.text(text), columns });
  }

  show(news: ThreadNews): void {
    switch (news.type) {
      case 'event':
        return this.#showEvent(news.event);
      case 'lost':
        return this.#note('yellow', `No connection: ${news.reason} Trying again …`);
      case 'connected':
        return this.#note('dim', 'Connected. It goes on where it was.');
      case 'superseded':
        this.#note('yellow', `Attempt ${news.attempt} was cut off; the run starts again.`);
        if (this.#run?.correlationId !== news.correlationId) return;
        this.#run = undefined;
        this.#restartingId = news.correlationId;
        return;
      case 'reset':
        this.#note(
          'yellow',
          'What stands above is gone from the record of this thread. The oldest that is kept follows.',
        );
        this.#run = undefined;
        this.#restartingId = undefined;
    }
  }

  /** Leaves the cursor at the beginning of a line. */
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
    if (event.event_type === 'final') {
      if (run.text !== event.response_text) this.#showWhole(event.response_text, run.text === '');
      if (event.finish_reason === 'length') this.#note('yellow', 'The answer is cut at the token limit of the model.');
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
    if (this.#run !== undefined) this.#note('yellow', 'This run broke off.');
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

  /** The updates alone do not make up the answer: some came before the oldest that is kept, or a run was repeated. */
  #showWhole(text: string, isAlone: boolean): void {
    if (text === '') return this.#note('yellow', 'The answer is empty.');
    if (!isAlone) this.#note('yellow', 'The answer is not what its updates make up. All of it:');
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
  return `${what}: the event store was out of reach.`;
}
