import { z } from 'zod';
import { boolean, integer } from './environment-values.js';
import { hostEnvironment } from './host-environment.js';

/** The environment variables that control what the callback logs. */
export const callbackLogEnvironment = {
  CALLBACK_LOG_PREVIEW_CHARS: integer(0, 1_000_000).default(120),
  CALLBACK_LOG_UPDATES: boolean().optional(),
};

const environment = z.object({ ...callbackLogEnvironment, ...hostEnvironment });

export function toCallbackLogSettings(values: z.infer<typeof environment>) {
  return {
    /** Number of characters logged of each update. 0 keeps all content out of the log. */
    previewChars: values.CALLBACK_LOG_PREVIEW_CHARS,
    /** Whether to log each update. The end of a run is always logged. Off by default in Azure, where log lines cost money. */
    updates: values.CALLBACK_LOG_UPDATES ?? values.WEBSITE_INSTANCE_ID === undefined,
  };
}
