import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A raw request, for bytes that HTTP clients would not send. */
export interface RawRequest {
  /** For instance `GET /api/hello HTTP/1.1`. */
  readonly line: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: string | Uint8Array;
}

/** A raw response. */
export interface RawAnswer {
  readonly statusLine: string;
  /** In order, with names as received. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body without chunk framing. */
  readonly body: string;
  /** Whether the connection ended before the body was complete. */
  readonly isCut: boolean;
}

/**
 * Sends a request and reads until the connection ends. Requests should send `Connection: close`.
 *
 * @param gaveUp - stops waiting; the bytes received so far are the response.
 * @returns undefined if no byte was received.
 */
export async function exchange(
  port: number,
  request: RawRequest,
  gaveUp?: Promise<void>,
): Promise<RawAnswer | undefined> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => {
    // The server may close its end while the client still sends a rejected body.
    socket.on('error', () => resolve());
    socket.on('end', () => resolve());
  });
  send(socket, request);
  await Promise.race(gaveUp === undefined ? [ended] : [ended, gaveUp]);
  socket.destroy();
  return parseAnswer(Buffer.concat(chunks), request.line.startsWith('HEAD '));
}

/**
 * Sends requests on one connection, each after the previous response has ended. Responses must be chunked, and the last
 * request should close the connection.
 *
 * @returns the status lines.
 */
export async function exchangeInTurn(port: number, requests: readonly RawRequest[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1');
  const answers: string[] = [];
  for (const request of requests) {
    send(socket, request);
    let answer = '';
    while (!answer.endsWith('\r\n0\r\n\r\n')) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      answer += chunk.toString('latin1');
    }
    answers.push(answer.slice(0, answer.indexOf('\r\n')));
  }
  socket.destroy();
  return answers;
}

function send(socket: Socket, { line, headers, body }: RawRequest): void {
  const head = [line, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  socket.write(Buffer.from(head, 'utf8'));
  if (body !== undefined) socket.write(body);
}

function parseAnswer(bytes: Buffer, isHead: boolean): RawAnswer | undefined {
  const endOfHead = bytes.indexOf('\r\n\r\n');
  if (endOfHead < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, endOfHead).toString('latin1').split('\r\n');
  const headers = lines.map((text) => {
    const colon = text.indexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1).trim()] as const;
  });
  const rest = bytes.subarray(endOfHead + 4);
  const isChunked = headers.some(([name, value]) => name.toLowerCase() === 'transfer-encoding' && value === 'chunked');
  if (isHead || !isChunked) return { statusLine, headers, body: rest.toString(), isCut: false };
  return { statusLine, headers, ...joinChunks(rest) };
}

function joinChunks(bytes: Buffer): { body: string; isCut: boolean } {
  const chunks: Buffer[] = [];
  for (let offset = 0; ;) {
    const endOfSize = bytes.indexOf('\r\n', offset);
    const size = endOfSize < 0 ? Number.NaN : Number.parseInt(bytes.subarray(offset, endOfSize).toString(), 16);
    if (size === 0 || Number.isNaN(size)) return { body: Buffer.concat(chunks).toString(), isCut: size !== 0 };
    chunks.push(bytes.subarray(endOfSize + 2, endOfSize + 2 + size));
    offset = endOfSize + 2 + size + 2;
  }
}
