import type { ModelToolCall } from '../durable-agents/index.js';
import { cleanForeignText } from '../functions/foreign-text.js';
import { isRecord } from './is-record.js';

/** Each call counts at least this much toward the size of the answer, so that empty calls cannot fill the memory. */
const CALL_BYTES = 64;
const MAX_NAME_CHARS = 64;
/** Gateways store data of the model in ids, so they are long. */
const MAX_ID_CHARS = 16_384;

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
    const countBefore = this.#calls.length;
    const call = this.#callOf(delta['index'], id, name);
    let bytes = Buffer.byteLength(name) + Buffer.byteLength(args) + CALL_BYTES * (this.#calls.length - countBefore);
    if (call.id === '' && id !== '') {
      call.id = id;
      bytes += Buffer.byteLength(id);
    }
    if (call.name !== name) call.name += name;
    if (args !== '') call.pieces.push(args);
    return bytes;
  }

  /** Returns the calls in order. Leaves out calls without a name, which cannot be made. */
  calls(): ModelToolCall[] {
    return this.#calls
      .filter(({ name }) => name !== '')
      .map(({ id, name, pieces }) => ({
        kind: 'tool_call',
        callId: cleanForeignText(id, MAX_ID_CHARS),
        toolName: cleanForeignText(name, MAX_NAME_CHARS),
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
