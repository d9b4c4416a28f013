import type { ModelAnswer } from './scripted-model.js';

/** The message to which {@link paced} answers with so many pieces, one each `pauseMs`. */
export function pacedMessage(pieces: number, pauseMs: number): string {
  return `Tell me something in ${pieces} pieces, one each ${pauseMs} ms`;
}

/** Answers in numbered pieces as a {@link pacedMessage} says, and anything else with one piece. */
export function paced(message: string): ModelAnswer {
  const [, pieces = 1, pauseMs = 0] = (/in (\d+) pieces, one each (\d+) ms$/.exec(message) ?? []).map(Number);
  return { pieces: Array.from({ length: pieces }, (_, index) => `${index} `), pauseMs };
}
