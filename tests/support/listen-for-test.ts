import type { Server } from 'node:http';
import { onTestFinished } from 'vitest';
import { listenOnLoopback } from './listen-on-loopback.js';

/** Listens on a free loopback port until the end of the test. @returns the server's address, `http://127.0.0.1:PORT` */
export async function listenForTest(server: Server): Promise<string> {
  const address = await listenOnLoopback(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return address;
}
