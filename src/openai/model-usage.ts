import type { AgentUsage } from '../durable-agents/index.js';
import { isRecord } from './is-record.js';

/** Reads the token counts of a chunk or a completion. Ignores malformed usage instead of failing the run. */
export function readUsage(usage: unknown): AgentUsage | undefined {
  if (!isRecord(usage)) return undefined;
  const inputTokenCount = count(usage['prompt_tokens']);
  const outputTokenCount = count(usage['completion_tokens']);
  if (inputTokenCount === undefined || outputTokenCount === undefined) return undefined;
  const total = usage['total_tokens'];
  const totalTokenCount = total === undefined || total === null ? inputTokenCount + outputTokenCount : count(total);
  if (totalTokenCount === undefined) return undefined;
  const cached = detail(usage['prompt_tokens_details'], 'cached_tokens');
  const reasoning = detail(usage['completion_tokens_details'], 'reasoning_tokens');
  const extra = {
    ...(cached !== undefined && { cached_input_token_count: cached }),
    ...(reasoning !== undefined && { reasoning_output_token_count: reasoning }),
  };
  return { inputTokenCount, outputTokenCount, totalTokenCount, ...(Object.keys(extra).length > 0 && { extra }) };
}

function detail(details: unknown, name: string): number | undefined {
  return isRecord(details) ? count(details[name]) : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
