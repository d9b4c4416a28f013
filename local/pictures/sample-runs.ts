/** A message whose run the pictures show. */
interface SampleRun {
  readonly agentName: string;
  readonly threadId: string;
  readonly message: string;
  /** Further fields of the request. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Status of the answer. @default 200 */
  readonly status?: number;
}

/** Groups run one after the other, the runs of a group at the same time. */
const sampleRuns: readonly (readonly SampleRun[])[] = [
  [
    { agentName: 'CallbackAgent', threadId: 'paris', message: 'Tell me about Paris.' },
    { agentName: 'CallbackAgent', threadId: 'lisbon', message: 'Tell me about Lisbon.' },
    { agentName: 'MathAgent', threadId: 'sums', message: 'What is (17 + 25) * 3, and 2^10?' },
    {
      agentName: 'CallbackAgent',
      threadId: 'json',
      message: 'List three cities as JSON.',
      // The arrays in the offline model's answers have one item, so this run fails.
      fields: {
        response_format: {
          type: 'object',
          properties: { cities: { type: 'array', items: { type: 'string' }, minItems: 3 } },
          required: ['cities'],
        },
      },
      status: 502,
    },
  ],
  [{ agentName: 'CallbackAgent', threadId: 'paris', message: 'And what should I pack for a weekend there?' }],
  [
    {
      agentName: 'RefundAgent',
      threadId: 'refund',
      message: 'Please refund 20 euros of order A-1001: it came late.',
      status: 202,
    },
  ],
  [{ agentName: 'WeatherAgent', threadId: 'weather', message: 'What is the weather in Cairo and in Sydney?' }],
];

/** Sends the sample messages, and waits until each run has ended or waits for an approval. */
export async function sendSamples(baseUrl: string): Promise<void> {
  for (const group of sampleRuns) await Promise.all(group.map((run) => send(baseUrl, run)));
}

async function send(baseUrl: string, { agentName, threadId, message, fields, status = 200 }: SampleRun): Promise<void> {
  const response = await fetch(`${baseUrl}/api/agents/${agentName}/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message, thread_id: threadId, ...fields }),
  });
  const answer = await response.text();
  if (response.status !== status) {
    throw new Error(`${agentName} answered ${response.status} to "${message}". Expected ${status}. ${answer}`);
  }
}
