import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const SERVICE_UNAVAILABLE =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** A connection between a browser and an app that can be interrupted. */
export interface Plug {
  readonly baseUrl: string;
  /** Cuts all connections, and answers new ones with a 503 whose Retry-After is a minute. */
  pull(): void;
  /** Accepts connections again. If `appUrl` is set, forwards them to that app from now on. */
  putBack(appUrl?: string): void;
}

export async function startPlug(appUrl: string): Promise<Plug> {
  const sockets = new Set<Socket>();
  let target: URL | undefined = new URL(appUrl);
  let latest = target;
  const server = createServer((client) => {
    if (target === undefined) {
      sockets.add(client.once('data', () => client.end(SERVICE_UNAVAILABLE)));
      client.on('error', () => client.destroy()).on('close', () => sockets.delete(client));
      return;
    }
    const app = connect(Number(target.port), '127.0.0.1');
    const pair = [client, app] as const;
    for (const [socket, other] of [pair, pair.toReversed()] as [Socket, Socket][]) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = (): void => sockets.forEach((socket) => socket.destroy());
  const pull = (): void => {
    target = undefined;
    cutAll();
  };
  onTestFinished(() => {
    pull();
    server.close();
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pull,
    putBack: (other) => {
      // A browser may have opened connections in advance. They would still get the 503.
      cutAll();
      if (other !== undefined) latest = new URL(other);
      target = latest;
    },
  };
}
