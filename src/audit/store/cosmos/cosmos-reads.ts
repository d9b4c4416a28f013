import type { Container, FeedOptions } from '@azure/cosmos';
import { withTimeout } from '../../../functions/time-limits.js';
import { inParallel } from '../../../storage/request-limits.js';
import { CALL_TIMEOUT_MS, PAGE_TIMEOUT_MS } from '../../../storage/store-timeouts.js';
import type { HeadItem, PartItem, RunItem } from './cosmos-items.js';

/** The status of a request for an item that does not exist. */
export const NOT_FOUND = 404;
/** How many requests for single items one operation sends at a time. */
export const REQUESTS_AT_ONCE = 20;

interface ReadItems {
  readonly head: HeadItem;
  readonly run: RunItem;
  readonly part: PartItem;
}

/** Reads items of a container, each request within its time limit. */
export class CosmosReads {
  readonly #container: Container;

  constructor(container: Container) {
    this.#container = container;
  }

  /**
   * Runs a query. A page of its result may be empty although others follow.
   *
   * @param isEnough whether to stop before the next page. By default all pages are read.
   */
  async query<Row>(
    query: string,
    values: Readonly<Record<string, string | number>>,
    options: FeedOptions = {},
    isEnough: (rows: readonly Row[]) => boolean = () => false,
  ): Promise<Row[]> {
    const parameters = Object.entries(values).map(([name, value]) => ({ name: `@${name}`, value }));
    const ending = new AbortController();
    const pages = this.#container.items.query<Row>({ query, parameters }, { ...options, abortSignal: ending.signal });
    const rows: Row[] = [];
    try {
      while (pages.hasMoreResults() && !isEnough(rows)) {
        const { resources } = await withTimeout(PAGE_TIMEOUT_MS, () => pages.fetchNext());
        rows.push(...(resources ?? []));
      }
    } catch (error) {
      ending.abort();
      throw error;
    }
    return rows;
  }

  /** @returns what the parts hold; `undefined` if one of them is gone, because of a clear or its age */
  async parts<Whole>(partition: string, ids: readonly string[]): Promise<Whole | undefined> {
    const parts = await inParallel(ids, REQUESTS_AT_ONCE, (id) => this.item('part', partition, id));
    if (parts.includes(undefined)) return undefined;
    const whole: Whole = JSON.parse(parts.map((part) => part?.item.text).join(''));
    return whole;
  }

  /** @returns an item and its ETag; `undefined` if there is none */
  async item<Kind extends keyof ReadItems>(
    kind: Kind,
    partition: string,
    id: string,
  ): Promise<{ readonly item: ReadItems[Kind]; readonly tag: string } | undefined> {
    const response = await withTimeout(CALL_TIMEOUT_MS, (abortSignal) =>
      this.#container.item(id, partition).read<ReadItems[Kind]>({ abortSignal }),
    );
    const { resource: item, etag: tag, statusCode, substatus } = response;
    // With a substatus it is not the item that is missing, but the container or the session of this process.
    if (statusCode === NOT_FOUND && !substatus) return undefined;
    if (item === undefined) throw new Error(`Cosmos DB gave no ${kind}: status ${statusCode}, ${substatus}.`);
    return { item, tag };
  }
}
