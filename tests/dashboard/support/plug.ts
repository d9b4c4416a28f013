import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** The way between a browser and an app, which can be interrupted. */
export interface Plug {
  readonly baseUrl: string;
  /** Cuts all connections and takes no new ones. */
  pull(): void;
  /** Takes connections again, to this app from now on when one is given. */
  putBack(appUrl?: string): void;
}

export async function startPlug(appUrl: string): Promise<Plug> {
  const sockets = new Set<Socket>();
  let target: URL | undefined = new URL(appUrl);
  let latest = target;
  const server = createServer((client) => {
    if (target === undefined) {
      client.destroy();
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
  const pull = (): void => {
    target = undefined;
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    pull();
    server.close();
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pull,
    putBack: (other) => {
      if (other !== undefined) latest = new URL(other);
      target = latest;
    },
  };
}
