/** The parts of a chat message that the narration uses. */
export interface NarratedMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly text?: string }[] | null;
}

/**
 * Returns the offline model's answer. Quotes the message to show that it arrived, and counts turns and quotes the
 * previous message to show that the conversation is remembered.
 *
 * @param messages - the whole conversation, ending with the message to answer
 */
export function narrateOffline(messages: readonly NarratedMessage[]): string {
  const asked = messages.filter((message) => message.role === 'user');
  const turn = Math.max(asked.length, 1);
  const latest = messages.at(-1);
  const previous = asked.findLast((message) => message !== latest);
  const opening =
    previous === undefined
      ? 'Hello! Your message has arrived'
      : `Welcome back, this is turn ${turn} of our conversation: before, you wrote ${quote(previous)}, and now`;
  return [
    `${opening}: ${quote(latest)}`,
    'I am narrating while I answer: every few letters leave as one streaming update, your callback captures each of them, and now it captures the last.',
    `(Canned answer of the offline model, turn ${turn}; no real model was asked.)`,
  ].join(' ');
}

function quote(message: NarratedMessage | undefined): string {
  const content = message?.content ?? '';
  const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(' ');
  // Far more than is shown. Bounded because segmenting takes quadratic time.
  const start = text.slice(0, 2000).replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(new Intl.Segmenter().segment(start), ({ segment }) => segment);
  const shown = characters.length > 120 ? `${characters.slice(0, 120).join('')}…` : characters.join('');
  return `“${shown}”`;
}
