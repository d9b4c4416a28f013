import type {
  ModelCallTrace,
  RunTrace,
  RunTracer,
  ToolCallTrace,
  TracedModelCall,
  TracedRun,
  TracedToolCall,
} from '../../src/durable-agents/run-tracer.js';

/** A tracer that records its calls: the method and the relevant arguments. */
export class RecordingTracer implements RunTracer {
  readonly calls: unknown[][] = [];
  readonly runs: TracedRun[] = [];
  readonly modelCalls: TracedModelCall[] = [];

  startRun(run: TracedRun): RunTrace {
    this.runs.push(run);
    this.calls.push(['startRun']);
    return {
      startModelCall: (call) => this.#startModelCall(call),
      startToolCall: (call) => this.#startToolCall(call),
      answered: ({ text }) => void this.calls.push(['answered', text]),
      failed: ({ code }) => void this.calls.push(['failed', code]),
      suspended: () => void this.calls.push(['suspended']),
    };
  }

  #startModelCall(call: TracedModelCall): ModelCallTrace {
    this.modelCalls.push(call);
    this.calls.push(['startModelCall', call.model.name]);
    const end = this.#ender();
    return {
      chunk: () => void this.calls.push(['chunk']),
      answered: (answer) => end('model answered', answer),
      failed: ({ code }) => end('model failed', code),
    };
  }

  #startToolCall({ name, callId }: TracedToolCall): ToolCallTrace {
    this.calls.push(['startToolCall', name, callId]);
    const end = this.#ender();
    return {
      run: (call) => call(),
      answered: (result) => end('tool answered', result),
      failed: (code) => end('tool failed', code),
    };
  }

  /** Returns a function that records only the first end of a call. */
  #ender(): (what: string, detail: unknown) => void {
    let hasEnded = false;
    return (what, detail) => {
      if (!hasEnded) this.calls.push([what, detail]);
      hasEnded = true;
    };
  }
}
