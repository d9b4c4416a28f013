import { z } from 'zod';

/** What a reader sees of a streamed delta, or of a whole message. */
const visibleContent = z.object({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  /** Not in the SDK's types: what reasoning models send of their thoughts. */
  reasoning_content: z.string().nullish(),
});

const tokenCount = z.int().nonnegative();

/** What is not to be read as usage counts as none: it must not cost the answer. */
const usage = z
  .object({
    prompt_tokens: tokenCount,
    completion_tokens: tokenCount,
    total_tokens: tokenCount,
    prompt_tokens_details: z.object({ cached_tokens: tokenCount.nullish() }).nullish(),
    completion_tokens_details: z.object({ reasoning_tokens: tokenCount.nullish() }).nullish(),
  })
  .nullish()
  .catch(undefined);

/**
 * As much of a chunk as is used. Azure's first one, with the filter's verdict on the prompt, and the last one, with the
 * usage, have no choice; with its asynchronous filter, chunks of verdicts have a choice without a delta.
 */
export const chunkSchema = z.object({
  choices: z.array(z.object({ delta: visibleContent.nullish(), finish_reason: z.string().nullish() })).nullish(),
  usage,
});

/** As much of a whole answer as is used. */
export const completionSchema = z.object({
  choices: z.array(z.object({ message: visibleContent, finish_reason: z.string() })).nullish(),
  usage,
});

export type VisibleContent = z.infer<typeof visibleContent>;
export type ModelUsage = NonNullable<z.infer<typeof usage>>;
