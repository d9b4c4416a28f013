import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createKeyValueStore } from '../../../src/storage/create-key-value-store.js';
import { startIdentityServerForTest, unsignedToken } from '../../support/identity-server.js';
import { openClientForTest } from '../../support/open-redis-for-test.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { isRedisMissing, startRedisServer } from '../../support/redis-server.js';

afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(isRedisMissing)('redis with Entra ID (needs /usr/bin/redis-server)', () => {
  it('signs in every connection as the managed identity, and again before its token expires', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const admin = await openClientForTest(server.url);
    const objectId = randomUUID();
    const tokens = ['first', 'second'].map((id) => unsignedToken({ oid: objectId, jti: id }));
    await admin.aclSetUser(objectId, ['on', ...tokens.map((token) => `>${token}`), '~*', '&*', '+@all']);

    const clientId = randomUUID();
    const identity = await startIdentityServerForTest(clientId, (count) => ({
      token: tokens[Math.min(count, tokens.length) - 1] ?? '',
      expiresInSeconds: count === 1 ? 4 : 86_400,
    }));
    const log = createRecordingLog();
    const url = `redis://127.0.0.1:${server.port}`;
    const store = createKeyValueStore({ kind: 'redis', url, usesEntra: true }, log);
    onTestFinished(() => store.close());
    const stop = store.follow({ partition: 'a', key: 'b' }, () => {});
    await expect.poll(() => admin.pubSubChannels('*')).toHaveLength(1);
    await store.ping();
    // The store reads ranges on a second connection.
    await store.commit('a', { key: 'b', tag: undefined }, [{ key: 'b', value: 'c' }]);
    expect(await store.readRange('a', { from: '-', before: '~' }, 10)).toHaveLength(1);
    expect(identity.requests).toEqual([{ resource: 'https://redis.azure.com', clientId }]);

    const connections = async () => /total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1];
    const before = await connections();
    await expect.poll(() => identity.requests.length).toBe(2);
    // Six sign-ins: this test's client, three connections, and a renewal on two. Subscriptions allow no renewal.
    await expect.poll(async () => /cmdstat_auth:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1]).toBe('6');
    await store.ping();
    expect(await connections()).toBe(before);
    // The server closes the connection when its token expires. The next one signs in with the new token.
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await expect.poll(() => admin.pubSubChannels('*')).toHaveLength(1);
    stop();
    expect(log.lines).toEqual([]);
  });
});
