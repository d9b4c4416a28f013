import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A separate process that implements the API of Azure OpenAI. Answers every message with a stream of chunks. The last
 * message sets their number and interval (`chunks=200 pauseMs=10`). With `stamped`, the text of each chunk is the time at
 * which it was sent, by `process.hrtime`, which is the same clock in all processes. Prints its port.
 */
const server = createServer((request, response) => {
  const body: Buffer[] = [];
  request.on('data', (chunk: Buffer) => body.push(chunk));
  request.on('end', () => void answer(lastMessage(Buffer.concat(body)), response));
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
process.on('disconnect', () => process.exit());

async function answer(message: string, response: ServerResponse): Promise<void> {
  const chunks = numberIn(message, 'chunks', 200);
  const pauseMs = numberIn(message, 'pauseMs', 0);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const start = performance.now();
  for (let index = 0; index < chunks; index += 1) {
    // Wait until absolute times, because consecutive pauses would accumulate delays on a busy machine.
    const earlyMs = start + (index + 1) * pauseMs - performance.now();
    if (pauseMs > 0 && earlyMs > 0) await delay(earlyMs);
    const content = message.includes('stamped') ? ` sent at ${process.hrtime.bigint()}` : ` word${index}`;
    const choice = { index: 0, delta: { content }, finish_reason: null };
    response.write(frame({ choices: [choice] }));
  }
  response.write(frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
  const usage = { prompt_tokens: 10, completion_tokens: chunks, total_tokens: chunks + 10 };
  response.end(`${frame({ choices: [], usage })}data: [DONE]\n\n`);
}

function frame(fields: object): string {
  return `data: ${JSON.stringify({ id: 'bench', object: 'chat.completion.chunk', created: 0, model: 'bench', ...fields })}\n\n`;
}

function lastMessage(body: Buffer): string {
  const { messages } = JSON.parse(body.toString()) as { messages: { content: string }[] };
  return messages.at(-1)?.content ?? '';
}

function numberIn(message: string, name: string, fallback: number): number {
  const found = new RegExp(`${name}=(\\d+)`).exec(message)?.[1];
  return found === undefined ? fallback : Number(found);
}
