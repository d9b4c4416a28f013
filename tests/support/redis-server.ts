import { randomBytes } from 'node:crypto';
import { isProgramMissing } from './is-program-missing.js';
import { startLoopbackService, type LoopbackService } from './loopback-service.js';

const REDIS_SERVER = '/usr/bin/redis-server';

export const isRedisMissing = isProgramMissing(REDIS_SERVER);

export interface RedisServer extends LoopbackService {
  /** `redis://:PASSWORD@127.0.0.1:PORT` with a unique password. */
  readonly url: string;
  /** The same for another loopback port, such as that of a proxy. */
  urlThrough(port: number): string;
}

export interface RedisServerOptions {
  /** Whether every write is on disk before it is acknowledged, so that it survives `stop` and `start`. */
  readonly isDurable?: boolean;
}

/** Starts Debian's Redis on loopback, in memory by default. The caller closes it. */
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
