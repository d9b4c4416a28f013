import { afterAll, beforeAll, describe } from 'vitest';
import { describeBusyThreads } from './describe-busy-threads.js';
import { describePassingFaults } from './describe-passing-faults.js';
import { describeOutages } from './describe-outages.js';
import { describeReaders } from './describe-readers.js';
import type { FaultyService } from './way-to-service.js';

export interface StoreUnderFaultsOptions {
  /** Whether the service speaks HTTP, so that it can answer that it has too much to do. */
  readonly isHttp: boolean;
}

/** What a store has to do while the way to its service is anything but a way. */
export function describeStoreUnderFaults(
  name: string,
  start: () => Promise<FaultyService>,
  options: StoreUnderFaultsOptions,
): void {
  describe(`${name}, when the way to it fails`, () => {
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
