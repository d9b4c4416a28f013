import { type CosmosBatchProxy, startCosmosBatchProxy } from './cosmos-batch-proxy.js';
import { type CosmosServer, startCosmosServer } from './cosmos-server.js';

/** An emulator with the batch proxy. Port and endpoint are those of the proxy. */
export interface CosmosService extends CosmosServer {
  readonly proxy: CosmosBatchProxy;
  /** The port of the emulator itself. */
  readonly emulatorEndpoint: string;
}

/** Starts a Cosmos DB for tests on loopback with its data in memory. The caller closes it. */
export async function startCosmosService(): Promise<CosmosService> {
  const server = await startCosmosServer();
  const proxy = await startCosmosBatchProxy(server.port);
  return {
    ...server,
    port: proxy.port,
    endpoint: proxy.endpoint,
    emulatorEndpoint: server.endpoint,
    proxy,
    close: async () => {
      await proxy.close();
      await server.close();
    },
  };
}
