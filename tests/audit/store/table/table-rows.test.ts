import { RestError, type TableClient } from '@azure/data-tables';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openTableClient } from '../../../../src/storage/table/open-table-client.js';
import { TableRows } from '../../../../src/audit/store/table/table-rows.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const TOO_LATE = 'Timed out after 3000 ms.';
const takes = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** A service that has lost its table, and takes its time. */
function openSlowTable(): TableClient {
  const client = openTableClient({ connectionString: 'UseDevelopmentStorage=true' }, 'Events');
  vi.spyOn(client, 'getEntity').mockImplementation(async () => {
    await takes(2000);
    throw new RestError('There is no such table.', { code: 'TableNotFound', statusCode: 404 });
  });
  vi.spyOn(client, 'createTable').mockImplementation(() => takes(2000));
  return client;
}

it('gives a request of a table up in time, also when the table is to be made first', async () => {
  const request = new TableRows(openSlowTable()).get('a', 'b');
  await Promise.all([expect(request).rejects.toThrow(TOO_LATE), vi.advanceTimersByTimeAsync(3000)]);
});

it('gives up on a client that does not', async () => {
  const client = openSlowTable();
  vi.spyOn(client, 'createTable').mockImplementation(() => new Promise(() => {}));
  const request = new TableRows(client).createTable();
  await Promise.all([expect(request).rejects.toThrow(TOO_LATE), vi.advanceTimersByTimeAsync(3000)]);
});
