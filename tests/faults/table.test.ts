import { openDurableEventStore } from '../support/durable-event-store.js';
import { openTableAccount } from '../support/azurite-table-server.js';
import { describeStoreUnderFaults } from './describe-store-under-faults.js';

describeStoreUnderFaults(
  'the table store',
  async () => {
    const table = await openTableAccount();
    return {
      port: table.port,
      createStore: (port) => {
        const account = { connectionString: table.connectionStringThrough(port) };
        return openDurableEventStore({ kind: 'table', account, tableName: 'events' });
      },
      close: async () => {},
    };
  },
  { isHttp: true },
);
