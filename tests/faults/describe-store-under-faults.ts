import { afterAll, beforeAll, describe } from 'vitest';
import { describeBusyThreads } from './describe-busy-threads.js';
import { describePassingFaults } from './describe-passing-faults.js';
import { describeOutages } from './describe-outages.js';
import { describeReaders } from './describe-readers.js';
import type { FaultyService } from './service-connection.js';

export interface StoreUnderFaultsOptions {
  /** Whether the service speaks HTTP and can answer 429 or 503. */
  readonly isHttp: boolean;
}

/** The behaviour of a store while the connection to its service fails. */
export function describeStoreUnderFaults(
  name: string,
  start: () => Promise<FaultyService>,
  options: StoreUnderFaultsOptions,
): void {
  describe(`${name} when its connection fails`, () => {
    let service: FaultyService;
    beforeAll(async () => {
      service = await start();
    });
    afterAll(() => service.close());

    describePassingFaults(() => service, options);
    describeOutages(() => service, options);
    describeReaders(() => service, options);
    describeBusyThreads(() => service);
  });
}
