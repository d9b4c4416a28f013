import { once } from 'node:events';
import { createServer } from 'node:net';
import { LaunchError } from './launch-error.js';

/**
 * Makes sure that a port of loopback is free; 0 finds a free one.
 *
 * @returns its number.
 * @throws LaunchError when it is taken.
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
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has an address with a port');
  return address.port;
}

/** Whether an error says that a port is in use, or may not be used. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
}

/** The error that names the port and the option. */
export function portTakenError(port: number, cause: unknown): LaunchError {
  return new LaunchError(
    `Port ${port} is taken. Choose another one with --port NUMBER, or --port 0 for a free one ` +
      '(npm start -- --port 0).',
    { cause },
  );
}
