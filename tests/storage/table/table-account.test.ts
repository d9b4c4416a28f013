import { describe, expect, it } from 'vitest';
import { StoreSetupError } from '../../../src/storage/storage-error.js';
import {
  checkedTableUrl,
  isDevelopmentStorage,
  parseTableConnection,
} from '../../../src/storage/table/table-account.js';
import { openTableClient } from '../../../src/storage/table/open-table-client.js';

const KEY = Buffer.from('the secret key').toString('base64');

describe('parseTableConnection', () => {
  it.each([
    [
      'from the portal',
      `DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
      { url: 'https://acc.table.core.windows.net', secret: { name: 'acc', key: KEY } },
    ],
    [
      'with only name and key',
      `AccountName=acc;AccountKey=${KEY}`,
      { url: 'https://acc.table.core.windows.net', secret: { name: 'acc', key: KEY } },
    ],
    [
      'of another cloud, with spaces and other letter case',
      ` accountname=acc ; ACCOUNTKEY=${KEY} ; EndpointSuffix=core.chinacloudapi.cn;;`,
      { url: 'https://acc.table.core.chinacloudapi.cn', secret: { name: 'acc', key: KEY } },
    ],
    [
      'of an emulator',
      `DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=${KEY};TableEndpoint=http://127.0.0.1:10002/acc/;`,
      { url: 'http://127.0.0.1:10002/acc', secret: { name: 'acc', key: KEY } },
    ],
    [
      'with a shared access signature',
      'TableEndpoint=https://acc.table.core.windows.net/;SharedAccessSignature=sv=2024-01-01&sig=a%3D',
      { url: 'https://acc.table.core.windows.net', secret: { signature: 'sv=2024-01-01&sig=a%3D' } },
    ],
  ])('reads a connection string %s', (_what, connectionString, expected) => {
    expect(parseTableConnection(connectionString)).toEqual(expected);
    expect(openTableClient({ connectionString }, 'CallbackEvents').url).toBe(expected.url);
  });

  it.each([
    ['', 'The storage connection string lacks AccountName and AccountKey (or SharedAccessSignature).'],
    ['AccountName=acc', 'The storage connection string lacks AccountKey (or SharedAccessSignature).'],
    [`AccountKey=${KEY}`, 'The storage connection string lacks AccountName.'],
    ['AccountName=acc;AccountKey=', 'The storage connection string lacks AccountKey (or SharedAccessSignature).'],
    ['SharedAccessSignature=sig', 'The storage connection string lacks TableEndpoint.'],
    [
      `AccountName=acc;AccountKey=${KEY};TableEndpoint=acc`,
      'The address of the table service (TableEndpoint) is not a URL.',
    ],
    [
      `DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=${KEY}`,
      'The address of the table service has to begin with https:// (http on loopback only).',
    ],
  ])('rejects %j and explains the problem', (connectionString, message) => {
    expect(() => parseTableConnection(connectionString)).toThrow(new StoreSetupError(message));
  });

  it('recognizes the connection string of the emulator', () => {
    expect(isDevelopmentStorage('UseDevelopmentStorage=true')).toBe(true);
    expect(isDevelopmentStorage('usedevelopmentstorage=TRUE;')).toBe(true);
    expect(isDevelopmentStorage('UseDevelopmentStorage=false')).toBe(false);
    expect(openTableClient({ connectionString: 'UseDevelopmentStorage=true' }, 'CallbackEvents').url).toBe(
      'http://127.0.0.1:10002/devstoreaccount1',
    );
  });

  it('allows http on loopback only', () => {
    expect(checkedTableUrl('http://localhost:10002/acc')).toBe('http://localhost:10002/acc');
    expect(checkedTableUrl('http://[::1]:10002/acc/')).toBe('http://[::1]:10002/acc');
    for (const url of ['http://acc.table.core.windows.net', 'http://127.0.0.1.example.com', 'ftp://localhost', 'acc']) {
      expect(() => checkedTableUrl(url)).toThrow(StoreSetupError);
    }
  });
});
