import { DurableCallbackEventStore } from '../../src/audit/store/durable-callback-event-store.js';
import { openTableEventStorage } from '../../src/audit/store/table/table-event-storage.js';
import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { describeStoreUnderFaults } from './describe-store-under-faults.js';

describeStoreUnderFaults(
  'the table store',
  async () => {
    const azurite = await startAzuriteTableServer();
    return {
      port: azurite.port,
      createStore: (port) => {
        const access = { connectionString: azurite.connectionStringThrough(port) };
        return new DurableCallbackEventStore('table', () => openTableEventStorage({ access, tableName: 'events' }));
      },
      close: () => azurite.close(),
    };
  },
  { isHttp: true },
);
