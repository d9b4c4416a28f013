import { StoreSetupError } from '../storage-error.js';
import { isLoopbackHost } from '../../functions/loopback-host.js';

/** Address and credentials of a table service, parsed from a connection string. */
export interface TableAccountParts {
  readonly url: string;
  readonly secret: { readonly name: string; readonly key: string } | { readonly signature: string };
}

const DEFAULT_SUFFIX = 'core.windows.net';

/** Returns whether a connection string names the storage emulator on its default port of this machine. */
export function isDevelopmentStorage(connectionString: string): boolean {
  return (
    /(^|;)\s*UseDevelopmentStorage=true\s*(;|$)/i.test(connectionString) &&
    !/(^|;)\s*DevelopmentStorageProxyUri=/i.test(connectionString)
  );
}

/**
 * Parses the connection string of a storage account.
 *
 * @throws StoreSetupError naming the missing or invalid part
 */
export function parseTableConnection(connectionString: string): TableAccountParts {
  const parts = new Map<string, string>();
  for (const part of connectionString.split(';')) {
    const [, name, value] = /^\s*([^=]+)=(.*?)\s*$/.exec(part) ?? [];
    if (name !== undefined && value !== undefined) parts.set(name.toLowerCase(), value);
  }
  const of = (name: string): string | undefined => parts.get(name.toLowerCase()) || undefined;
  if (of('DevelopmentStorageProxyUri') !== undefined) {
    throw new StoreSetupError(
      'The storage connection string has DevelopmentStorageProxyUri, which is not supported: name AccountName, AccountKey and TableEndpoint.',
    );
  }
  const [name, key, signature] = [of('AccountName'), of('AccountKey'), of('SharedAccessSignature')];
  const missing: string[] = [];
  if (signature === undefined && name === undefined) missing.push('AccountName');
  if (signature === undefined && key === undefined) missing.push('AccountKey (or SharedAccessSignature)');
  const endpoint = of('TableEndpoint');
  if (endpoint === undefined && name === undefined && signature !== undefined) missing.push('TableEndpoint');
  if (missing.length > 0) throw new StoreSetupError(`The storage connection string lacks ${missing.join(' and ')}.`);
  const protocol = of('DefaultEndpointsProtocol') ?? 'https';
  const url = checkedTableUrl(endpoint ?? `${protocol}://${name}.table.${of('EndpointSuffix') ?? DEFAULT_SUFFIX}`);
  return { url, secret: signature === undefined ? { name: name ?? '', key: key ?? '' } : { signature } };
}

/** @throws StoreSetupError unless it is https, or http on this machine */
export function checkedTableUrl(url: string): string {
  if (!URL.canParse(url)) throw new StoreSetupError('The address of the table service (TableEndpoint) is not a URL.');
  if (new URL(url).protocol !== 'https:' && !isLoopbackHttp(url)) {
    throw new StoreSetupError('The address of the table service has to begin with https:// (http on loopback only).');
  }
  return url.replace(/\/+$/, '');
}

export function isLoopbackHttp(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && isLoopbackHost(hostname);
}
