import { openDurableEventStore } from '../support/durable-event-store.js';
import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { describeStoreUnderFaults } from './describe-store-under-faults.js';

describeStoreUnderFaults(
  'the table store',
  async () => {
    const azurite = await startAzuriteTableServer();
    return {
      port: azurite.port,
      createStore: (port) => {
        const account = { connectionString: azurite.connectionStringThrough(port) };
        return openDurableEventStore({ kind: 'table', account, tableName: 'events' });
      },
      close: () => azurite.close(),
    };
  },
  { isHttp: true },
);
