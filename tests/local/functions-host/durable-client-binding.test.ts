import { expect, test } from 'vitest';
import { createDurableClientBinding } from '../../../local/functions-host/durable/durable-client-binding.js';
import { fixtureFolder, startHostProcess } from './support/host-process.js';
import { readRecording } from './support/recordings.js';

test('a function receives the same durable client binding as from a real host', async () => {
  const { raw } = await readRecording<{ readonly raw: object }>('durable-client-binding');
  const binding = createDurableClientBinding({
    hubName: 'Bench2',
    baseUrl: 'http://localhost:7371/runtime/webhooks/durabletask',
    systemKey: '<SYSTEM_KEY>',
    rpcBaseUrl: 'http://127.0.0.1:17071/durabletask/',
  });
  expect(JSON.parse(binding)).toEqual(raw);
});

test('durable-functions builds the same URLs from the binding as on a real host', async () => {
  const recorded = await readRecording('durable-client-binding');
  const host = await startHostProcess(fixtureFolder('app'), { keys: true });
  const response = await fetch(`http://localhost:${host.port}/api/clientdump`);
  const text = (await response.text())
    .replaceAll(`localhost:${host.port}`, 'localhost:7371')
    .replaceAll(host.keys?.system ?? '', '<SYSTEM_KEY>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:17071');
  expect(JSON.parse(text)).toEqual(recorded);
  await host.end();
});
