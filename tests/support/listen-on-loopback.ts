import { once } from 'node:events';
import type { Server } from 'node:http';
import { KEEP_IDLE_CONNECTIONS } from './keep-idle-connections.js';

/** Listens on a free loopback port. @returns the server's address, `http://127.0.0.1:PORT` */
export async function listenOnLoopback(server: Server): Promise<string> {
  server.keepAliveTimeout = KEEP_IDLE_CONNECTIONS;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return `http://127.0.0.1:${address.port}`;
}
