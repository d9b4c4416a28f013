import { openDurableEventStore } from '../support/durable-event-store.js';
import { startCosmosServer } from '../support/cosmos-server.js';
import { describeStoreUnderFaults } from './describe-store-under-faults.js';

describeStoreUnderFaults(
  'the cosmos store',
  async () => {
    const cosmos = await startCosmosServer();
    return {
      port: cosmos.port,
      createStore: (port) => {
        const [endpoint, { key }] = [cosmos.endpointThrough(port), cosmos];
        return openDurableEventStore({
          kind: 'cosmos',
          endpoint,
          key,
          database: 'agents',
          container: 'callback-events',
        });
      },
      close: () => cosmos.close(),
    };
  },
  { isHttp: true },
);
