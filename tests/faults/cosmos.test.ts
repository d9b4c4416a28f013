import { openCosmosEventStorage } from '../../src/audit/store/cosmos/cosmos-event-storage.js';
import { DurableCallbackEventStore } from '../../src/audit/store/durable-callback-event-store.js';
import { startCosmosServer } from '../support/cosmos-server.js';
import { describeStoreUnderFaults } from './describe-store-under-faults.js';

describeStoreUnderFaults(
  'the cosmos store',
  async () => {
    const cosmos = await startCosmosServer();
    return {
      port: cosmos.port,
      createStore: (port) => {
        const [endpoint, access] = [cosmos.endpointThrough(port), { key: cosmos.key }];
        return new DurableCallbackEventStore('cosmos', () =>
          openCosmosEventStorage({ endpoint, access, database: 'agents', container: 'callback-events' }),
        );
      },
      close: () => cosmos.close(),
    };
  },
  { isHttp: true },
);
