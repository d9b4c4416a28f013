import { openCosmosStoreAdapter } from '../../src/audit/store/cosmos/cosmos-store-adapter.js';
import { DurableEventStore } from '../../src/audit/store/durable/durable-event-store.js';
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
        return new DurableEventStore('cosmos', () =>
          openCosmosStoreAdapter({ endpoint, access, database: 'agents', container: 'callback-events' }),
        );
      },
      close: () => cosmos.close(),
    };
  },
  { isHttp: true },
);
