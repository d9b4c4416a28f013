import { z } from 'zod';
import { integer } from './environment-values.js';

/** The environment variables that say what the callback logs. */
export const callbackLogEnvironment = {
  CALLBACK_LOG_PREVIEW_CHARS: integer(0, 1_000_000).default(120),
};

const environment = z.object(callbackLogEnvironment);

export function toCallbackLogSettings(values: z.infer<typeof environment>) {
  return {
    /** How many characters of an update are logged; 0 keeps all content out of the log. */
    previewChars: values.CALLBACK_LOG_PREVIEW_CHARS,
  };
}
