import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { startLoopbackService, type LoopbackService } from './loopback-service.js';

export interface AzuriteTableServer extends LoopbackService {
  readonly accountName: string;
  /** Contains a unique account name. */
  readonly connectionString: string;
  /** The same for another loopback port, such as that of a proxy. */
  connectionStringThrough(port: number): string;
}

/** Stops Azurite if the process that started it was killed. */
const endWithStarter = `
  const starter = process.ppid;
  setInterval(() => process.ppid === starter || process.exit(), 1000).unref();
`;

/** Puts the row key first in queries, because Azurite's database uses an index only for the first property. */
const findRowsByRowKey = `
  import { createRequire } from 'node:module';
  const { Collection } = createRequire(process.argv[1])('lokijs');
  const { findOne } = Collection.prototype;
  Collection.prototype.findOne = function ({ RowKey, ...query }) {
    return findOne.call(this, RowKey === undefined ? query : { RowKey, ...query });
  };
`;

export interface AzuriteTableServerOptions {
  /**
   * Whether to look up rows by row key first. The published Azurite finds the partition and then scans its rows: each
   * write to a partition of 50,000 rows takes 12 ms. With this option a test can write 100,000 rows. @default false
   */
  readonly isDeep?: boolean;
  /** Serves https and accepts Microsoft Entra ID tokens instead of keys: paths of PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Starts Azurite's table service on loopback with its data in memory, which `stop` discards. The caller closes it. */
export async function startAzuriteTableServer({
  isDeep = false,
  tls,
}: AzuriteTableServerOptions = {}): Promise<AzuriteTableServer> {
  const accountName = `test${randomBytes(8).toString('hex')}`;
  const accountKey = randomBytes(32).toString('base64');
  const entry = createRequire(__filename).resolve('azurite/dist/src/table/main.js');
  const preludes = isDeep ? [endWithStarter, findRowsByRowKey] : [endWithStarter];
  const imports = preludes.flatMap((code) => ['--import', `data:text/javascript,${encodeURIComponent(code)}`]);
  const quiet = ['--silent', '--skipApiVersionCheck', '--disableTelemetry', '--inMemoryPersistence'];
  const secure = tls === undefined ? [] : ['--oauth', 'basic', '--cert', tls.certificate, '--key', tls.key];
  const service = await startLoopbackService({
    name: 'azurite-table',
    command: (port) => ({
      command: process.execPath,
      commandArguments: [
        ...imports,
        entry,
        ...quiet,
        ...secure,
        '--tableHost',
        '127.0.0.1',
        '--tablePort',
        String(port),
      ],
      environment: { ...process.env, AZURITE_ACCOUNTS: `${accountName}:${accountKey}` },
    }),
    readyLine: /successfully started/,
  });
  const connectionStringThrough = (port: number): string =>
    `DefaultEndpointsProtocol=http;AccountName=${accountName};AccountKey=${accountKey};` +
    `TableEndpoint=http://127.0.0.1:${port}/${accountName};`;
  return { ...service, accountName, connectionString: connectionStringThrough(service.port), connectionStringThrough };
}
