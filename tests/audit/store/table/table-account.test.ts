import { describe, expect, it } from 'vitest';
import { StoreSetupError } from '../../../../src/audit/store/durable/store-setup-error.js';
import {
  checkedTableUrl,
  isDevelopmentStorage,
  parseTableConnection,
} from '../../../../src/audit/store/table/table-account.js';
import { openTableClient } from '../../../../src/audit/store/table/open-table-client.js';

const KEY = Buffer.from('the secret key').toString('base64');

describe('the connection string of a storage account', () => {
  it.each([
    [
      'of the portal',
      `DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
      { url: 'https://acc.table.core.windows.net', secret: { name: 'acc', key: KEY } },
    ],
    [
      'with the least it can have',
      `AccountName=acc;AccountKey=${KEY}`,
      { url: 'https://acc.table.core.windows.net', secret: { name: 'acc', key: KEY } },
    ],
    [
      'of another cloud, in other cases and with blanks',
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
  ])('%s is understood', (_what, connectionString, expected) => {
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
  ])('%s is refused with what is wrong with it', (connectionString, message) => {
    expect(() => parseTableConnection(connectionString)).toThrow(new StoreSetupError(message));
  });

  it('says whether it is that of the emulator', () => {
    expect(isDevelopmentStorage('UseDevelopmentStorage=true')).toBe(true);
    expect(isDevelopmentStorage('usedevelopmentstorage=TRUE;')).toBe(true);
    expect(isDevelopmentStorage('UseDevelopmentStorage=false')).toBe(false);
    expect(openTableClient({ connectionString: 'UseDevelopmentStorage=true' }, 'CallbackEvents').url).toBe(
      'http://127.0.0.1:10002/devstoreaccount1',
    );
  });

  it('has http on this machine only', () => {
    expect(checkedTableUrl('http://localhost:10002/acc')).toBe('http://localhost:10002/acc');
    expect(checkedTableUrl('http://[::1]:10002/acc/')).toBe('http://[::1]:10002/acc');
    for (const url of ['http://acc.table.core.windows.net', 'http://127.0.0.1.example.com', 'ftp://localhost', 'acc']) {
      expect(() => checkedTableUrl(url)).toThrow(StoreSetupError);
    }
  });
});
