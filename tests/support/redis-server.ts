import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { startLoopbackService, type LoopbackService } from './loopback-service.js';

const REDIS_SERVER = '/usr/bin/redis-server';

/** Tests that need Redis are skipped then. Where CI runs they fail instead. */
export const isRedisMissing = !existsSync(REDIS_SERVER) && process.env['CI'] !== 'true';

export interface RedisServer extends LoopbackService {
  /** `redis://:PASSWORD@127.0.0.1:PORT`: nobody else's Redis takes this password. */
  readonly url: string;
  /** The same through another port of loopback, such as a proxy's. */
  urlThrough(port: number): string;
}

export interface RedisServerOptions {
  /** Whether every write is on disk before it is acknowledged, so that it is there after `stop` and `start`. */
  readonly isDurable?: boolean;
}

/** Starts Debian's Redis on loopback, in memory unless told otherwise. The caller closes it. */
export async function startRedisServer({ isDurable = false }: RedisServerOptions = {}): Promise<RedisServer> {
  const password = randomBytes(16).toString('hex');
  const service = await startLoopbackService({
    name: 'redis-server',
    command: (port, folder) => ({
      command: REDIS_SERVER,
      commandArguments: Object.entries({
        port: String(port),
        bind: '127.0.0.1',
        requirepass: password,
        dir: folder,
        save: '',
        appendonly: isDurable ? 'yes' : 'no',
        appendfsync: 'always',
      }).flatMap(([name, value]) => [`--${name}`, value]),
      environment: process.env,
    }),
    readyLine: /Ready to accept connections/,
  });
  const urlThrough = (port: number): string => `redis://:${password}@127.0.0.1:${port}`;
  return { ...service, url: urlThrough(service.port), urlThrough };
}
