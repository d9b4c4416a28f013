import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { startLoopbackService, type LoopbackService } from './loopback-service.js';

/** A storage account that no other test uses. */
export interface TableAccount {
  readonly name: string;
  /** The port of Azurite. */
  readonly port: number;
  readonly connectionString: string;
  /** The same for another loopback port, such as that of a proxy. */
  connectionStringThrough(port: number): string;
}

export interface AzuriteTableServer extends LoopbackService {
  /** @throws Error after {@link ACCOUNTS_AT_MOST} accounts */
  newAccount(): TableAccount;
}

export interface AzuriteTableServerOptions {
  /**
   * Whether to look up rows by row key first. The published Azurite finds the partition and then scans its rows: each
   * write to a partition of 50,000 rows takes 12 ms. @default false
   */
  readonly isDeep?: boolean;
  /** Serves https and accepts Microsoft Entra ID tokens instead of keys: paths of PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Azurite reads the names and keys of its accounts when it starts. */
const ACCOUNTS_AT_MOST = 100;

/** Stops Azurite and removes its folder if the process that started it has ended without closing it. */
const endWithStarter = `
  import { rmSync } from 'node:fs';
  const starter = process.ppid;
  setInterval(() => {
    if (process.ppid === starter) return;
    rmSync(process.cwd(), { recursive: true, force: true });
    process.exit();
  }, 1000).unref();
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

let shared: Promise<AzuriteTableServer> | undefined;

/** Opens a new account in the Azurite of this process, which starts with the first account. */
export async function openTableAccount(): Promise<TableAccount> {
  shared ??= startAzuriteTableServer({ isDeep: true });
  return (await shared).newAccount();
}

/** Stops the Azurite of {@link openTableAccount}, which ends by itself only with a process that is terminated. */
export async function closeTableAccounts(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}

/**
 * Starts Azurite's table service on loopback with its data in memory, which `stop` discards. For tests that stop it or
 * change its options; others use {@link openTableAccount}. The caller closes it.
 */
export async function startAzuriteTableServer({
  isDeep = false,
  tls,
}: AzuriteTableServerOptions = {}): Promise<AzuriteTableServer> {
  const accounts = Array.from({ length: ACCOUNTS_AT_MOST }, () => {
    return [`test${randomBytes(8).toString('hex')}`, randomBytes(32).toString('base64')] as const;
  });
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
      environment: { ...process.env, AZURITE_ACCOUNTS: accounts.map((account) => account.join(':')).join(';') },
    }),
    readyLine: /successfully started/,
  });
  const unused = accounts.values();
  return {
    ...service,
    newAccount: () => {
      const { value: account } = unused.next();
      if (account === undefined) throw new Error(`Azurite has no more than ${ACCOUNTS_AT_MOST} accounts.`);
      const [name, key] = account;
      const connectionStringThrough = (port: number): string =>
        `DefaultEndpointsProtocol=http;AccountName=${name};AccountKey=${key};` +
        `TableEndpoint=http://127.0.0.1:${port}/${name};`;
      const { port } = service;
      return { name, port, connectionString: connectionStringThrough(port), connectionStringThrough };
    },
  };
}
