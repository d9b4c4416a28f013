import type { ModelAnswer } from './scripted-model.js';

const PIECE_LENGTH = 5;

/** An answer that quotes the start of the message, in small pieces that split surrogate pairs. */
export function echoed(message: string): ModelAnswer {
  const text = `Your message has arrived: ${message.slice(0, 200)}`;
  const count = Math.ceil(text.length / PIECE_LENGTH);
  return {
    pieces: Array.from({ length: count }, (_, index) => text.slice(index * PIECE_LENGTH, (index + 1) * PIECE_LENGTH)),
  };
}
