import {
  type CommitGuard,
  keyAfter,
  type KeyRange,
  type KeyValueStore,
  MAX_CHANGES_PER_COMMIT,
  type StoredValue,
  type ValueAddress,
  type ValueChange,
} from './key-value-store.js';
import { fillBins, inParallel, splitText } from './request-limits.js';
import { decodeText, encodeText } from './safe-text.js';
import { createToken, longRow, PART, parseRow, partKey, shortRow } from './split-row.js';

/** Limits in UTF-16 code units of {@link encodeText}, each of which takes at most 3 bytes of JSON in UTF-8. */
export interface ValueLimits {
  readonly maxValueLength: number;
  /** Maximum total length of the values of a commit. */
  readonly maxCommitLength: number;
}

interface CommitPlan {
  readonly rows: readonly ValueChange[];
  readonly parts: readonly ValueChange[];
  /** The keys whose rows refer to parts. */
  readonly longKeys: readonly string[];
}

const READS_AT_ONCE = 4;
/** Maximum total length of the values that one `readRange` returns. A single value may be longer. */
const MAX_READ_LENGTH = 4_000_000;
const MAX_REMEMBERED_PARTS = 10_000;
const FIRST_KEY = '-';

/**
 * Stores values of any length and any characters in a service that limits both. Splits a long value into parts: rows of
 * the same partition, written before the commit with unique names. The row of the key then refers to them.
 *
 * It also recognizes a commit that conflicts with its own retry after a lost reply. And it supports removals of missing
 * keys, which some services refuse.
 */
export class SplitValueStore implements KeyValueStore {
  readonly #service: KeyValueStore;
  readonly #limits: ValueLimits;
  /** Tokens of the parts that this process has read or written, by address, for removal together with their value. */
  readonly #knownParts = new Map<string, string>();

  /**
   * @param service - must accept values of safe characters within `limits`, and keys that begin with `!`. Its `commit`
   * may return undefined if a key to be removed does not exist.
   */
  constructor(service: KeyValueStore, limits: ValueLimits) {
    this.#service = service;
    this.#limits = limits;
  }

  async read(address: ValueAddress): Promise<StoredValue | undefined> {
    const stored = await this.#service.read(address);
    return stored && this.#resolve(address.partition, stored);
  }

  async readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    const stored = [...(await this.#service.readMany(partition, keys)).values()];
    const values = await inParallel(stored, READS_AT_ONCE, (one) => this.#resolve(partition, one));
    return new Map(values.filter((value) => value !== undefined).map((value) => [value.key, value]));
  }

  async readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    const values: StoredValue[] = [];
    for (let from = atLeast(FIRST_KEY, range.from), length = 0; values.length === 0;) {
      const rows = await this.#service.readRange(partition, { from, before: range.before }, limit);
      for (const row of rows) {
        if (length > MAX_READ_LENGTH) break;
        const value = await this.#resolve(partition, row);
        if (value === undefined) continue;
        values.push(value);
        length += value.value.length;
      }
      const last = rows.at(-1);
      if (last === undefined) break;
      from = keyAfter(last.key);
    }
    return values;
  }

  async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined> {
    const token = createToken();
    const { rows, parts, longKeys } = this.#plan(changes, token);
    const limits = { maxWeight: this.#limits.maxCommitLength, maxCount: MAX_CHANGES_PER_COMMIT };
    for (const group of fillBins(parts, ({ value = '' }) => value.length, limits)) {
      // Ignores undefined, which means that it was sent twice: only this process writes these keys.
      await this.#service.commit(partition, { key: group[0]?.key ?? '', tag: undefined }, group);
    }
    const tag = await this.#commitRows(partition, guard, rows, token);
    if (tag === undefined) await this.#removeUnused(partition, longKeys, token);
    else await this.#removeReplaced(partition, changes, longKeys, token);
    return tag;
  }

  async removeRange(partition: string, { from, before }: KeyRange): Promise<void> {
    await this.#service.removeRange(partition, { from: atLeast(FIRST_KEY, from), before });
    // Parts come in the order of their keys.
    await this.#service.removeRange(partition, { from: PART + from, before: PART + before });
  }

  follow(address: ValueAddress, onValue: (value: StoredValue | undefined) => void): () => void {
    let count = 0;
    let reportedTag: string | undefined;
    const report = (value: StoredValue | undefined): void => {
      reportedTag = value?.tag;
      onValue(value);
    };
    return this.#service.follow(address, (stored) => {
      count += 1;
      const current = count;
      if (stored === undefined) return report(undefined);
      const { text } = parseRow(stored);
      if (text !== undefined) return report({ ...stored, value: text });
      if (stored.tag === reportedTag) return;
      this.#resolve(address.partition, stored).then(
        (value) => current === count && report(value),
        // The service reports the value again.
        () => {},
      );
    });
  }

  ping(): Promise<void> {
    return this.#service.ping();
  }

  close(): Promise<void> {
    return this.#service.close();
  }

  #plan(changes: readonly ValueChange[], token: string): CommitPlan {
    const { maxValueLength, maxCommitLength } = this.#limits;
    const parts: ValueChange[] = [];
    const longKeys: string[] = [];
    let room = maxCommitLength;
    const rows = changes.map(({ key, value }): ValueChange => {
      if (value === undefined) return { key, value };
      const text = encodeText(value);
      const row = shortRow(token, text);
      if (row.length <= Math.min(maxValueLength, room)) {
        room -= row.length;
        return { key, value: row };
      }
      const pieces = splitText(text, maxValueLength);
      parts.push(...pieces.map((piece, index) => ({ key: partKey(key, token, index), value: piece })));
      longKeys.push(key);
      return { key, value: longRow(token, pieces.length) };
    });
    return { rows, parts, longKeys };
  }

  async #commitRows(
    partition: string,
    guard: CommitGuard,
    rows: readonly ValueChange[],
    token: string,
  ): Promise<string | undefined> {
    for (let left = rows; ;) {
      const tag = await this.#service.commit(partition, guard, left);
      if (tag !== undefined) return tag;
      const removed = left.filter(({ key, value }) => value === undefined && key !== guard.key).map(({ key }) => key);
      const found = await this.#service.readMany(partition, [guard.key, ...removed]);
      const guarded = found.get(guard.key);
      if (guarded?.value.startsWith(token) === true) return guarded.tag;
      const missing = new Set(removed.filter((key) => !found.has(key)));
      if (guarded?.tag !== guard.tag || missing.size === 0) return undefined;
      left = left.filter(({ key }) => !missing.has(key));
    }
  }

  /** Removes parts after a conflict, unless the commit took effect and another one followed it. */
  async #removeUnused(partition: string, longKeys: readonly string[], token: string): Promise<void> {
    if (longKeys.length === 0) return;
    const found = await this.#service.readMany(partition, longKeys);
    const unused = longKeys.filter((key) => found.get(key)?.value.startsWith(token) !== true);
    await inParallel(unused, READS_AT_ONCE, (key) => this.#removeParts(partition, key, token));
  }

  /**
   * Removes the parts of values that a commit replaced. Parts that other processes replaced stay until `removeRange`.
   */
  async #removeReplaced(
    partition: string,
    changes: readonly ValueChange[],
    longKeys: readonly string[],
    token: string,
  ): Promise<void> {
    if (this.#knownParts.size > 0) {
      for (const { key } of changes) {
        const replaced = this.#knownParts.get(addressOf(partition, key));
        this.#knownParts.delete(addressOf(partition, key));
        // The commit has succeeded, so it must not be reported as failed.
        if (replaced !== undefined) await this.#removeParts(partition, key, replaced).catch(() => undefined);
      }
    }
    for (const key of longKeys) this.#remember(partition, key, token);
  }

  #removeParts(partition: string, key: string, token: string): Promise<void> {
    return this.#service.removeRange(partition, { from: partKey(key, token, ''), before: partKey(key, token, '~') });
  }

  /** @returns undefined if the value is removed during the read */
  async #resolve(partition: string, stored: StoredValue): Promise<StoredValue | undefined> {
    const { key } = stored;
    for (let latest = stored; ;) {
      const { token, text, partCount } = parseRow(latest);
      if (text !== undefined) return { ...latest, value: text };
      this.#remember(partition, key, token);
      const keys = Array.from({ length: partCount }, (_, index) => partKey(key, token, index));
      const parts = await this.#service.readMany(partition, keys);
      if (parts.size === keys.length) {
        const pieces = keys.map((part) => parts.get(part)?.value);
        return { ...latest, value: decodeText(pieces.join('')) };
      }
      const now = await this.#service.read({ partition, key });
      if (now === undefined) return undefined;
      if (now.tag === latest.tag) {
        // The range was removed between the writes of the parts and of the row, so remove the row, too.
        await this.#service.commit(partition, { key, tag: now.tag }, [{ key, value: undefined }]);
        return undefined;
      }
      latest = now;
    }
  }

  #remember(partition: string, key: string, token: string): void {
    if (this.#knownParts.size >= MAX_REMEMBERED_PARTS) this.#knownParts.clear();
    this.#knownParts.set(addressOf(partition, key), token);
  }
}

function addressOf(partition: string, key: string): string {
  return `${partition} ${key}`;
}

function atLeast(least: string, key: string): string {
  return key < least ? least : key;
}
