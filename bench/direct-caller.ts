import { createAzureOpenAIClient } from '../src/openai/azure-openai-client.js';
import { parseModelEndpoint } from '../src/openai/model-endpoint.js';

/** Calls the model without the app, and returns when the first and the last chunk arrived. */
export function directCaller(
  modelUrl: string,
): (message: string) => Promise<{ readonly firstMs: number; readonly totalMs: number }> {
  const { sdk } = createAzureOpenAIClient({
    ...parseModelEndpoint(modelUrl),
    deployment: 'bench',
    apiKey: 'bench-key',
  });
  return async (message) => {
    const start = performance.now();
    let firstMs = Number.NaN;
    const stream = await sdk.chat.completions.create({
      model: 'bench',
      messages: [{ role: 'user', content: message }],
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      if (Number.isNaN(firstMs) && chunk.choices[0]?.delta.content) firstMs = performance.now() - start;
    }
    return { firstMs, totalMs: performance.now() - start };
  };
}
