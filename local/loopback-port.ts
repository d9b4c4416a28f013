import { once } from 'node:events';
import { createServer } from 'node:net';
import { LaunchError } from './launch-error.js';

/**
 * Checks that a loopback port is free, or finds a free one for 0.
 *
 * @returns the port
 * @throws LaunchError if the port is in use
 */
export async function findFreePort(port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    throw isPortTaken(error) ? portTakenError(port, error) : error;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('Expected a TCP address with a port');
  return address.port;
}

/** Returns whether an error means that a port is in use or not permitted. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
}

/** Creates the error for a port that is in use. */
export function portTakenError(port: number, cause: unknown): LaunchError {
  return new LaunchError(
    `Port ${port} is in use. Choose another one with --port NUMBER, or --port 0 for a free one ` +
      '(npm start -- --port 0).',
    { cause },
  );
}
