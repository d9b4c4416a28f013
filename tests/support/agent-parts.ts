import type { AgentFinish, AgentResponseUpdate } from '../../src/durable-agents/agent.js';

export const text = (words: string): AgentResponseUpdate => ({ kind: 'text', text: words });

export const reasoning = (words: string): AgentResponseUpdate => ({ kind: 'reasoning', text: words });

export const finish = (end: Partial<AgentFinish> = {}): AgentFinish => ({
  kind: 'finish',
  finishReason: 'stop',
  ...end,
});
