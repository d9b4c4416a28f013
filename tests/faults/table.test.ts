import { DurableEventStore } from '../../src/audit/store/durable/durable-event-store.js';
import { openTableStoreAdapter } from '../../src/audit/store/table/table-store-adapter.js';
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
        return new DurableEventStore('table', () => openTableStoreAdapter({ access, tableName: 'events' }));
      },
      close: () => azurite.close(),
    };
  },
  { isHttp: true },
);
