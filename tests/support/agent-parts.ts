import type { AgentFinish, AgentTextUpdate } from '../../src/durable-agents/agent.js';

export const text = (words: string): AgentTextUpdate => ({ kind: 'text', text: words });

export const reasoning = (words: string): AgentTextUpdate => ({ kind: 'reasoning', text: words });

export const finish = (end: Partial<AgentFinish> = {}): AgentFinish => ({
  kind: 'finish',
  finishReason: 'stop',
  ...end,
});
