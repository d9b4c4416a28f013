import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { json } from 'node:stream/consumers';
import { asyncListener } from './async-listener.js';
import { listenForTest } from './listen-for-test.js';

/** An item received by the ingestion endpoint. */
export interface Envelope {
  readonly iKey: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly name?: string;
      readonly id?: string;
      readonly success?: boolean;
      readonly properties?: Readonly<Record<string, string>>;
      readonly exceptions?: readonly { readonly typeName: string; readonly message: string }[];
      readonly metrics?: readonly { readonly name: string; readonly value: number }[];
    };
  };
}

export interface ApplicationInsightsReceiver {
  readonly host: string;
  readonly paths: Set<string>;
  readonly authorizations: Set<string | undefined>;
  readonly envelopes: Envelope[];
}

/** The ingestion endpoint of Application Insights, on loopback. @param certificate PEM of key and certificate, for TLS */
export async function startApplicationInsightsReceiver(certificate?: string): Promise<ApplicationInsightsReceiver> {
  const received = {
    paths: new Set<string>(),
    authorizations: new Set<string | undefined>(),
    envelopes: [] as Envelope[],
  };
  const take = asyncListener(async (request, response) => {
    const items = (await json(request)) as Envelope[];
    received.paths.add(request.url ?? '');
    received.authorizations.add(request.headers.authorization);
    received.envelopes.push(...items);
    const answer = { itemsReceived: items.length, itemsAccepted: items.length, errors: [] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  const server =
    certificate === undefined ? createServer(take) : createTlsServer({ key: certificate, cert: certificate }, take);
  const address = await listenForTest(server);
  return { ...received, host: certificate === undefined ? address : address.replace('http:', 'https:') };
}
