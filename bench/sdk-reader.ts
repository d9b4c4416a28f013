import { directCaller } from './direct-caller.js';

/** @returns the CPU time of the reader's process, user and system, in microseconds */
export interface SdkReaderAnswer {
  readonly cpuUs: number;
}

/** Streams to read, one after another. */
export interface SdkReaderOrder {
  readonly messages: readonly string[];
}

/** A separate process that reads streams of the model with the OpenAI SDK alone. Its argument is the model's address. */
const [modelUrl = ''] = process.argv.slice(2);
const read = directCaller(modelUrl);

process.on('message', (order: SdkReaderOrder) => {
  void (async () => {
    for (const message of order.messages) await read(message);
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuUs: user + system } satisfies SdkReaderAnswer);
  })();
});
process.on('disconnect', () => process.exit());
