import type { ModelToolCall } from '../durable-agents/index.js';
import { isRecord } from './is-record.js';

interface CallDraft {
  id: string;
  name: string;
  pieces: string[];
}

/**
 * Assembles tool calls from deltas. Endpoints differ: ids come with the first delta, late or never; indexes are
 * missing, or the same for all calls; names are repeated; arguments are a string or an object.
 */
export class ToolCallAssembly {
  readonly #calls: CallDraft[] = [];
  readonly #byIndex = new Map<unknown, CallDraft>();

  /** Adds an item of `tool_calls`. @returns the number of bytes that it adds to the answer */
  add(delta: unknown): number {
    if (!isRecord(delta)) return 0;
    const details = isRecord(delta['function']) ? delta['function'] : {};
    const id = typeof delta['id'] === 'string' ? delta['id'] : '';
    const name = typeof details['name'] === 'string' ? details['name'] : '';
    const args = argumentsText(details['arguments']);
    const call = this.#callOf(delta['index'], id, name);
    if (call.id === '') call.id = id;
    if (call.name !== name) call.name += name;
    call.pieces.push(args);
    return Buffer.byteLength(name) + Buffer.byteLength(args);
  }

  /** Returns the calls in order. Leaves out calls without a name, which cannot be made. */
  calls(): ModelToolCall[] {
    return this.#calls
      .filter(({ name }) => name !== '')
      .map(({ id, name, pieces }) => ({
        kind: 'tool_call',
        callId: id,
        toolName: name,
        arguments: pieces.join('').toWellFormed(),
      }));
  }

  #callOf(index: unknown, id: string, name: string): CallDraft {
    const hasIndex = typeof index === 'number';
    const known = hasIndex ? this.#byIndex.get(index) : this.#calls.at(-1);
    if (known !== undefined && !startsCall(known, id, name, hasIndex)) return known;
    const call = { id: '', name: '', pieces: [] };
    this.#calls.push(call);
    if (hasIndex) this.#byIndex.set(index, call);
    return call;
  }
}

/** Returns whether a delta starts a new call, even if it has the index of a known one. */
function startsCall(known: CallDraft, id: string, name: string, hasIndex: boolean): boolean {
  if (name === '') return false;
  if (id !== '' && known.id !== '') return id !== known.id;
  // Without indexes and ids, a name after arguments starts the next call.
  return !hasIndex && known.pieces.some((piece) => piece !== '');
}

function argumentsText(value: unknown): string {
  if (typeof value === 'string') return value;
  return isRecord(value) ? JSON.stringify(value) : '';
}
