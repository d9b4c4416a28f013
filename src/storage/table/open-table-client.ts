import { AzureNamedKeyCredential, AzureSASCredential, TableClient } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import { checkedTableUrl, isDevelopmentStorage, isLoopbackHttp, parseTableConnection } from './table-account.js';

/** Address and credentials of a table service. */
export type TableAccess =
  | { readonly connectionString: string }
  /** @param url - URL of the table service */
  | { readonly url: string; readonly credential: TokenCredential };

/** Retries once if the response was lost. The caller of a commit finds out whether the first try took effect. */
const retryOptions = { maxRetries: 1, retryDelayInMs: 50, maxRetryDelayInMs: 500 };

/**
 * Sends line and paragraph separators as JSON escapes, because Azurite cuts a row of a transaction at them and then
 * accepts no further transaction. In JSON both forms mean the same.
 */
const escapeLineSeparators: Parameters<TableClient['pipeline']['addPolicy']>[0] = {
  name: 'escapeLineSeparators',
  sendRequest: (request, next) => {
    const { body } = request;
    if (typeof body === 'string' && /[\u2028\u2029]/.test(body)) {
      request.body = body.replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`);
      request.headers.set('Content-Length', String(Buffer.byteLength(request.body)));
    }
    return next(request);
  },
};

/** @throws StoreSetupError if `access` is invalid */
export function openTableClient(access: TableAccess, tableName: string): TableClient {
  const client = createClient(access, tableName);
  client.pipeline.addPolicy(escapeLineSeparators);
  return client;
}

function createClient(access: TableAccess, tableName: string): TableClient {
  if ('url' in access) {
    const url = checkedTableUrl(access.url);
    const options = { retryOptions, allowInsecureConnection: isLoopbackHttp(url) };
    return new TableClient(url, tableName, access.credential, options);
  }
  const { connectionString } = access;
  if (isDevelopmentStorage(connectionString)) {
    return TableClient.fromConnectionString('UseDevelopmentStorage=true', tableName, { retryOptions });
  }
  const { url, secret } = parseTableConnection(connectionString);
  const options = { retryOptions, allowInsecureConnection: isLoopbackHttp(url) };
  if ('signature' in secret) {
    return new TableClient(url, tableName, new AzureSASCredential(secret.signature), options);
  }
  return new TableClient(url, tableName, new AzureNamedKeyCredential(secret.name, secret.key), options);
}
