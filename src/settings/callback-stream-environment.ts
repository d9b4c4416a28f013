import { z } from 'zod';
import { integer } from './environment-values.js';

/** The environment variables that limit event streams and responses. */
export const callbackStreamEnvironment = {
  CALLBACK_STREAM_MAX_SECONDS: integer(1, 3600).default(100),
  CALLBACK_STREAM_MAX_BYTES: integer(1, 1_000_000_000).default(1_048_576),
  CALLBACK_STREAM_MAX_OPEN: integer(1, 100_000).default(500),
  CALLBACK_STREAM_MAX_OPEN_PER_THREAD: integer(1, 100_000).default(50),
  CALLBACK_PAGE_MAX_BYTES: integer(1, 1_000_000_000).default(8_388_608),
  CALLBACK_ANSWER_MAX_BYTES: integer(1, 1_000_000_000).default(67_108_864),
  CALLBACK_ANSWERS_TOTAL_MAX_BYTES: integer(1, 100_000_000_000).default(268_435_456),
};

const environment = z.object(callbackStreamEnvironment);

export function toCallbackStreamSettings(values: z.infer<typeof environment>) {
  return {
    maxDurationMs: values.CALLBACK_STREAM_MAX_SECONDS * 1000,
    maxBytes: values.CALLBACK_STREAM_MAX_BYTES,
    maxOpen: values.CALLBACK_STREAM_MAX_OPEN,
    maxOpenPerThread: values.CALLBACK_STREAM_MAX_OPEN_PER_THREAD,
  };
}

export function toCallbackAnswerSettings(values: z.infer<typeof environment>) {
  return {
    maxPageBytes: values.CALLBACK_PAGE_MAX_BYTES,
    maxAnswerBytes: values.CALLBACK_ANSWER_MAX_BYTES,
    maxTotalBytes: values.CALLBACK_ANSWERS_TOTAL_MAX_BYTES,
  };
}
