import { DEFAULT_MAX_LENGTH, MAX_MAX_LENGTH, type Redactor } from './redactor.js';

/** Values below this depth are dropped, because a value from a model may be deep enough to exhaust the stack. */
const MAX_DEPTH = 64;

/** Position of a secret in a text. */
export interface FoundSecret {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** Replaces secrets in texts, in JSON values and in streams of text. */
export class Redaction {
  readonly #finders: readonly Finder[];
  /** Matches all tails at the end of a text. */
  readonly #tail: RegExp | undefined;
  /** Length of the longest secret that has no tail. */
  readonly #maxLength: number;

  /** @throws TypeError for an invalid {@link Redactor} */
  constructor(redactors: readonly Redactor[]) {
    for (const redactor of redactors) assertUsable(redactor);
    this.#finders = redactors.map(toFinder);
    const tails = redactors.flatMap(({ tail }) => (tail === undefined ? [] : [tail]));
    if (tails.length > 0) this.#tail = new RegExp(`(?:${tails.join('|')})$`, 'giu');
    this.#maxLength = Math.max(
      0,
      ...redactors.map(({ tail, maxLength = DEFAULT_MAX_LENGTH }) => (tail === undefined ? maxLength : 0)),
    );
  }

  /** Redacts a whole text. */
  text(text: string): string {
    return replace(text, 0, this.find(text, 0, { isWhole: true }));
  }

  /** Redacts the strings in a JSON value, but not the names of members. */
  json<Value>(value: Value): Value {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- strings stay strings
    return this.#json(value, 0) as Value;
  }

  /**
   * Finds the secrets in a text from an index on: sorted, without overlaps.
   *
   * @param isWhole - whether nothing follows the text, which may then end within a secret
   */
  find(text: string, from: number, { isWhole }: { readonly isWhole: boolean }): FoundSecret[] {
    const found: FoundSecret[] = [];
    for (const { name, pattern, begun, secretLength } of this.#finders) {
      pattern.lastIndex = from;
      for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
        const length = secretLength === undefined ? match[0].length : secretLength(match[0]);
        if (length > 0) found.push({ start: match.index, end: match.index + length, name });
        pattern.lastIndex = match.index + Math.max(1, length);
      }
      const start = isWhole && begun !== undefined ? indexOf(begun, text, from) : -1;
      if (start >= 0) found.push({ start, end: text.length, name });
    }
    return found.length < 2 ? found : merged(found);
  }

  /**
   * Returns the start of a possibly incomplete secret in a text, from an index on; the length of the text if there is
   * none.
   */
  tailStart(text: string, from: number): number {
    let start = text.length;
    if (this.#tail !== undefined) {
      const at = indexOf(this.#tail, text, from);
      if (at >= 0) start = at;
    }
    return Math.max(from, Math.min(start, text.length - this.#maxLength));
  }

  #json(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth === MAX_DEPTH) return placeholder('depth');
    if (Array.isArray(value)) return value.map((item) => this.#json(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.#json(inner, depth + 1)]));
  }
}

/** Returns the part of a text between two indices, with the given secrets replaced. */
export function replace(text: string, from: number, secrets: readonly FoundSecret[], end = text.length): string {
  if (secrets.length === 0) return text.slice(from, end);
  let redacted = '';
  let at = from;
  for (const secret of secrets) {
    redacted += text.slice(at, secret.start) + placeholder(secret.name);
    at = secret.end;
  }
  return redacted + text.slice(at, end);
}

function placeholder(name: string): string {
  return `[redacted:${name}]`;
}

interface Finder {
  readonly name: string;
  readonly pattern: RegExp;
  readonly begun: RegExp | undefined;
  readonly secretLength: Redactor['secretLength'];
}

function toFinder({ name, pattern, begun, secretLength }: Redactor): Finder {
  return {
    name,
    pattern: new RegExp(pattern.source, `${pattern.flags.replaceAll(/[gy]/g, '')}g`),
    begun: begun === undefined ? undefined : new RegExp(`(?:${begun})$`, 'giu'),
    secretLength,
  };
}

function assertUsable({ name, pattern, maxLength = DEFAULT_MAX_LENGTH }: Redactor): void {
  if (!/^[\w-]{1,40}$/.test(name)) {
    throw new TypeError(`Redactor "${name}": expected a name of 1 to 40 letters, digits, "_" or "-".`);
  }
  if (!pattern.unicode) throw new TypeError(`Redactor "${name}": expected a pattern with the flag u.`);
  if (pattern.test('')) throw new TypeError(`Redactor "${name}": expected a pattern that does not match empty text.`);
  if (!Number.isInteger(maxLength) || maxLength < 1 || maxLength > MAX_MAX_LENGTH) {
    throw new TypeError(`Redactor "${name}": expected a maxLength from 1 to ${MAX_MAX_LENGTH}.`);
  }
}

function indexOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? -1;
}

/** Merges overlapping secrets under the name of the first. */
function merged(secrets: readonly FoundSecret[]): FoundSecret[] {
  const [first, ...rest] = secrets.toSorted((one, other) => one.start - other.start || other.end - one.end);
  const result = first === undefined ? [] : [first];
  for (const secret of rest) {
    const last = result.at(-1);
    if (last === undefined || secret.start >= last.end) result.push(secret);
    else if (secret.end > last.end) result[result.length - 1] = { ...last, end: secret.end };
  }
  return result;
}
