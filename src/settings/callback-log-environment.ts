import { z } from 'zod';
import { boolean, integer } from './environment-values.js';
import { hostEnvironment } from './host-environment.js';

/** The environment variables that say what the callback logs. */
export const callbackLogEnvironment = {
  CALLBACK_LOG_PREVIEW_CHARS: integer(0, 1_000_000).default(120),
  CALLBACK_LOG_UPDATES: boolean().optional(),
};

const environment = z.object({ ...callbackLogEnvironment, ...hostEnvironment });

export function toCallbackLogSettings(values: z.infer<typeof environment>) {
  return {
    /** How many characters of an update are logged; 0 keeps all content out of the log. */
    previewChars: values.CALLBACK_LOG_PREVIEW_CHARS,
    /** Whether each update gets a log line; the end of a run always does. Off by default in Azure, where lines cost money. */
    updates: values.CALLBACK_LOG_UPDATES ?? values.WEBSITE_INSTANCE_ID === undefined,
  };
}
