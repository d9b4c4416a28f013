import type { MessageRules } from '../../src/durable-agents/http/parse-run-request.js';

/** The default rules, with overrides. */
export function messageRules(rules: Partial<MessageRules> = {}): MessageRules {
  return {
    maxBytes: 256 * 1024,
    maxStateBytes: 900_000,
    allowedRoles: ['user', 'assistant', 'system'],
    ...rules,
  };
}
