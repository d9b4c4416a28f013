const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_767_800_000, model: 'gpt-4o' };

/** A chunk of a streamed chat completion with this delta. */
export const chunk = (delta: object, finishReason: string | null = null) => ({
  ...head,
  choices: [{ index: 0, delta, finish_reason: finishReason }],
});

export const content = (words: string) => chunk({ content: words });

export const finishChunk = (reason = 'stop') => chunk({}, reason);

/** Azure's first chunk: the result of the content filter for the prompt. */
export const promptFilterChunk = {
  ...head,
  id: '',
  model: '',
  choices: [],
  prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: 'safe' } } }],
};

/** The chunk that `include_usage` requests. */
export const usageChunk = (usage: object) => ({ ...head, choices: [], usage });

/** A chat completion that is not streamed. */
export const completion = (message: object, finishReason = 'stop', usage?: object) => ({
  ...head,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finishReason }],
  ...(usage && { usage }),
});
